"""What is written of a run: each file whole or not at all, lines of records one by one."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loupe.data.opening import Opening
from loupe.evaluations import ExampleRecord, Looks
from loupe.metrics import Predictions, Reconstructions
from loupe.recipe import Recipe
from loupe.runs.answers import (
    PREDICTED,
    RECONSTRUCTED,
    name_arrays,
)
from loupe.runs.arrays import write_arrays, write_tensors
from loupe.runs.evidence import digest_text, renew_digests, write_digests
from loupe.runs.files import STARTING_WEIGHTS, RunFiles
from loupe.runs.history import write_records
from loupe.runs.images import ImageRecord
from loupe.runs.locking import locked
from loupe.runs.progress import Progress
from loupe.runs.reading import is_there
from loupe.runs.result import RunResult
from loupe.runs.writing import (
    append_line,
    format_json,
    open_to_append,
    remove_leftovers,
    write_bytes,
    write_json,
    write_text,
)
from loupe.training.epoch_record import EpochRecord
from loupe.training.state import Snapshot


class RunWriter(RunFiles):
    """Writes the files of one run."""

    def start(self, recipe: Recipe, environment: dict[str, Any], images: ImageRecord) -> None:
        """Write what is known before training."""
        self.checkpoint_file.parent.mkdir(parents=True, exist_ok=True)
        write_arrays(self.images_file, images.to_arrays())
        open_to_append(self.openings_file).close()  # none so far, which is not the same as no record
        self._write_plan(recipe, environment)

    def keep_images(self, images: ImageRecord) -> None:
        """Write which images a run uses that an earlier version began, which kept no record of them."""
        if not is_there(self.images_file):
            write_arrays(self.images_file, images.to_arrays())
            open_to_append(self.openings_file).close()

    def keep_unreadable(self, files: Sequence[str]) -> None:
        """Write which files of images were left out because they cannot be read; nothing if all can be."""
        if files:
            write_text(self.unreadable_file, "".join(f"{file}\n" for file in files))

    def keep_corrections(self, text: str) -> None:
        """Write the list of corrections the run is trained with, as it is now: the file may change or go."""
        write_text(self.corrections_file, text)

    def keep_starting_weights(self, file: Path) -> None:
        """Copy the file of weights that a run starts from into its folder: it is not read again elsewhere."""
        kept = self.path / f"{STARTING_WEIGHTS}{file.suffix}"
        if file != kept:
            write_bytes(kept, file.read_bytes())

    def move_source(self, recipe: Recipe, environment: dict[str, Any]) -> None:
        """Write recipe and environment anew that say of another place where the starting weights are."""
        self._write_plan(recipe, environment)
        renew_digests(self.path, (self.recipe_file, self.environment_file))

    def _write_plan(self, recipe: Recipe, environment: dict[str, Any]) -> None:
        write_text(self.recipe_file, recipe.to_toml())
        write_json(self.environment_file, environment)

    def write_history(self, history: list[EpochRecord]) -> None:
        write_text(self.history_file, write_records(history), durable=False)

    def write_snapshot(self, snapshot: Snapshot) -> None:
        self.checkpoint_file.parent.mkdir(exist_ok=True)
        write_tensors(self.checkpoint_file, snapshot.tensors, {"values": json.dumps(snapshot.values)})

    def write_best(self, snapshot: Snapshot, description: dict[str, Any]) -> None:
        """Write the best weights in a snapshot, with a description of network and input beside them."""
        described = {**description, "best": snapshot.values["best"]}
        write_tensors(self.best_file, snapshot.weights("best"), {"loupe": json.dumps(described)})

    def write_predictions(self, **predictions: Predictions) -> None:
        """Write labels and logits of each named split."""
        write_arrays(self.predictions_file, name_arrays(predictions, PREDICTED))

    def write_reconstructions(self, **reconstructions: Reconstructions) -> None:
        """Write errors and pictures of each named split, in the place of predictions."""
        write_arrays(self.predictions_file, name_arrays(reconstructions, RECONSTRUCTED))

    def write_evaluations(self, looks: Looks) -> None:
        """Write what evaluations found; the pictures first, for the looks refer to them."""
        write_arrays(self.pictures_file, looks.to_arrays())
        write_text(self.evaluations_file, json.dumps(looks.to_dict(), ensure_ascii=False) + "\n")

    def write_examples(self, record: ExampleRecord) -> None:
        write_arrays(self.examples_file, vars(record))

    def write_result(self, result: RunResult) -> None:
        """Write the result, last of all, and the digests of everything a moment before it."""
        text = format_json(result.to_dict())
        self.log(result.status if result.reason is None else f"{result.status}: {result.reason}")
        still = (
            *(self.recipe_file, self.environment_file, self.history_file, self.best_file, self.images_file),
            *(self.predictions_file, self.evaluations_file, self.pictures_file, self.mistakes_file),
            *(self.examples_file, self.filters_file, self.report_file, self.unreadable_file),
            self.corrections_file,
            *self.path.glob(f"{STARTING_WEIGHTS}*"),
            *(self.test_looks_file, self.checkpoint_file, self.scaling_file),
        )
        growing = (self.openings_file, self.log_file)
        write_digests(self.path, still, growing, {self.result_file.name: digest_text(text)})
        write_text(self.result_file, text)
        self.warnings_file.unlink(missing_ok=True)  # the result has them

    def log_opening(self, opening: Opening) -> None:
        append_line(self.openings_file, json.dumps(opening.to_dict(), ensure_ascii=False))
        self.log(f"test set opened: {opening.reason}")

    def write_test_looks(self, accuracies: Mapping[int, float]) -> None:
        """Write the test accuracy of each epoch looked at."""
        lines = [json.dumps({"epoch": epoch, "accuracy": value}) for epoch, value in accuracies.items()]
        write_text(self.test_looks_file, "".join(f"{line}\n" for line in lines), durable=False)

    def log(self, line: str) -> None:
        """Append a line with the time (UTC) to the log."""
        with open_to_append(self.log_file) as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')}  {line}\n")

    def write_progress(self, progress: Progress) -> None:
        write_text(self.progress_file, json.dumps(progress.to_dict()), durable=False)

    def clear_progress(self) -> None:
        self.progress_file.unlink(missing_ok=True)

    def write_warnings(self, warnings: Sequence[str]) -> None:
        """Write what is said of a run before its first step, for whoever watches, until its result has it."""
        write_text(self.warnings_file, json.dumps(list(warnings), ensure_ascii=False) + "\n")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training in this folder.

        Raises:
            HeldError: another process does.
        """
        self.path.mkdir(exist_ok=True)
        with locked(self.path, f"Run {self.path.name} is being trained by another process."):
            yield

    def clear_leftovers(self) -> None:
        """Clear away what an interrupted run left half written, and what will change as it goes on."""
        remove_leftovers(self.path)
        self.result_file.unlink(missing_ok=True)  # first: a result without its digests is no evidence
        self.digests_file.unlink(missing_ok=True)
        self.checkpoint_file.parent.mkdir(exist_ok=True)
