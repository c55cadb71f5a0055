"""The run folder: written atomically, read back as typed objects."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter

from loupe.data import Opening
from loupe.errors import RunError
from loupe.evaluations import ExampleRecord, Looks
from loupe.metrics import Predictions, Reconstructions
from loupe.recipe import Recipe, parse_recipe, read_toml
from loupe.runs.answers import (
    split_arrays,
    to_predictions,
    to_reconstructions,
)
from loupe.runs.evidence import refuse_altered
from loupe.runs.files import STARTING_WEIGHTS
from loupe.runs.filter_snapshots import FilterSnapshots, read_filter_snapshots
from loupe.runs.history import read_record
from loupe.runs.images import ImageRecord
from loupe.runs.locking import is_locked
from loupe.runs.mistakes import MistakeRecord
from loupe.runs.progress import Progress
from loupe.runs.reading import (
    is_plain,
    is_there,
    read_arrays,
    read_json,
    read_lines,
    read_table,
    read_tensors,
    read_text,
    reading,
    refuse_array,
)
from loupe.runs.result import RunResult
from loupe.runs.run_writer import RunWriter
from loupe.training.state import EPOCH_COLUMNS, EpochRecord, Snapshot


class RunFolder(RunWriter):
    """One run on disk: its files (`RunFiles` says which) as typed objects."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def __fspath__(self) -> str:
        """Return its path: whatever takes the place of a run takes the run too."""
        return str(self.path)

    def find_starting_weights(self) -> Path | None:
        """Return the kept file of weights that the run started from; None if there is none."""
        return next((path for path in self.path.glob(f"{STARTING_WEIGHTS}*") if is_plain(path)), None)

    def read_recipe(self) -> Recipe:
        self.refuse_altered(self.recipe_file)
        with reading(self.recipe_file):
            return parse_recipe(read_toml(read_text(self.recipe_file), str(self.recipe_file)))

    def read_environment(self) -> dict[str, Any]:
        self.refuse_altered(self.environment_file)
        environment = read_json(self.environment_file)
        with reading(self.environment_file):
            for field in ("data_digests", "plugins", "transfer", "continues"):
                _refuse_no_texts(field, environment.get(field) or {})
            _ = [environment["data_digests"][split] for split in ("train", "validation", "test")]
            return dict(environment.items())

    def require_result(self) -> RunResult:
        """Return the result.

        Raises:
            RunError: there is none yet.
        """
        result = self.read_result()
        if result is None:
            raise RunError(
                f"Run {self.path.name} has no result yet.",
                got="no result.json",
                allowed="a run that has ended",
                next_step=f"loupe resume {self.path}",
            )
        return result

    def read_result(self) -> RunResult | None:
        """Return the result, or None while there is none; looks at the test set since then count."""
        if not is_there(self.result_file):
            return None
        self.refuse_altered(self.result_file)
        values = read_json(self.result_file)
        with reading(self.result_file):
            result = RunResult.from_dict(values)
            _RESULTS.validate_python(result.to_dict())
        openings = self.read_openings()
        is_more = len(openings) > len(result.test_openings)
        return replace(result, test_openings=tuple(openings)) if is_more else result

    def read_images(self) -> ImageRecord | None:
        """Return which images the run used, and for what; None of a run of an earlier version.

        Raises:
            RunError: the record is damaged, or gone.
        """
        if not is_there(self.images_file):
            if self.has_image_record():
                raise RunError(
                    f"{self.images_file} is missing.",
                    got="nothing, and environment.json says which test set was on record",
                    allowed="the file as Loupe wrote it",
                    next_step="restore the file, or train again",
                )
            return None
        self.refuse_altered(self.images_file)
        arrays = read_arrays(self.images_file)
        with reading(self.images_file):
            return ImageRecord.from_arrays(arrays)

    def has_image_record(self) -> bool:
        """Return whether the run was begun with a record of its images, unlike those of earlier versions."""
        return "test_content" in self.read_environment()

    def refuse_altered(self, file: Path) -> None:
        """Check that a file is what it was when the run ended; nothing is checked of a run under way.

        Raises:
            RunError: it is another, or damaged.
        """
        refuse_altered(self.path, file)

    def is_finished(self) -> bool:
        """Return whether the run has finished and everything it should hold is there and readable."""
        wanted = (self.result_file, self.report_file, self.best_file, self.predictions_file)
        if not all(is_plain(file) for file in wanted):
            return False
        try:
            result = self.read_result()
            if result is not None and result.objective == "reconstruction":
                self.read_reconstructions()
            else:
                self.read_predictions()
                if self.read_evaluations() is None:
                    self.read_mistakes()
                if self.read_recipe().evaluate.track_examples and self.read_examples() is None:
                    return False
            self.refuse_altered(self.best_file)
            self.refuse_altered(self.report_file)
            with reading(self.best_file):
                _, metadata = read_tensors(self.best_file)
                _ = metadata["loupe"]
        except RunError:
            return False
        return result is not None and result.status == "finished"

    def read_history(self) -> list[EpochRecord]:
        """Return the epochs so far; an empty list before the first."""
        if not is_there(self.history_file):
            return []
        self.refuse_altered(self.history_file)
        with reading(self.history_file):
            return [read_record(row) for row in read_table(self.history_file, EPOCH_COLUMNS)]

    def is_being_trained(self) -> bool:
        """Return whether a process trains in this folder now."""
        return is_locked(self.path / ".lock")

    def read_progress(self) -> Progress | None:
        """Return how far training is; None if it does not go on, or has only just begun."""
        try:
            progress = Progress(**json.loads(read_text(self.progress_file)))
            counts = (progress.epoch, progress.num_epochs, progress.step, progress.steps_per_epoch)
            is_sound = all(type(count) is int and count >= 0 for count in counts) and math.isfinite(
                progress.seconds
            )
            return progress if is_sound and type(progress.first_epoch) is int else None
        except (OSError, ValueError, TypeError, RecursionError):  # it comes and goes while one looks
            return None

    def read_snapshot(self) -> Snapshot | None:
        """Return the last checkpoint, or None if training was not checkpointed yet."""
        if not is_there(self.checkpoint_file):
            return None
        self.refuse_altered(self.checkpoint_file)
        advice = "delete it: `loupe resume` then starts this run from its first epoch"
        with reading(self.checkpoint_file, advice):
            tensors, metadata = read_tensors(self.checkpoint_file)
            snapshot = Snapshot(tensors, json.loads(metadata["values"]))
            _ = snapshot.history, snapshot.best_epoch
            return snapshot

    def read_predictions(self) -> dict[str, Predictions]:
        """Return the stored predictions by split."""
        self.refuse_altered(self.predictions_file)
        with reading(self.predictions_file):
            splits = split_arrays(read_arrays(self.predictions_file))
            return {split: to_predictions(arrays) for split, arrays in splits.items()}

    def read_reconstructions(self) -> dict[str, Reconstructions]:
        """Return the stored errors and reconstructed images by split."""
        self.refuse_altered(self.predictions_file)
        with reading(self.predictions_file):
            splits = split_arrays(read_arrays(self.predictions_file))
            return {split: to_reconstructions(arrays) for split, arrays in splits.items()}

    def read_evaluations(self) -> Looks | None:
        """Return what evaluations found; None in runs of earlier versions, and before the end."""
        if not is_there(self.evaluations_file):
            return None
        self.refuse_altered(self.evaluations_file)
        self.refuse_altered(self.pictures_file)
        values, arrays = read_json(self.evaluations_file), read_arrays(self.pictures_file)
        with reading(self.evaluations_file):
            return Looks.from_parts(values, arrays)

    def read_mistakes(self) -> MistakeRecord:
        """Return what earlier versions kept for looking at the mistakes of a classifier."""
        self.refuse_altered(self.mistakes_file)
        with reading(self.mistakes_file):
            return MistakeRecord.from_arrays(read_arrays(self.mistakes_file))

    def read_examples(self) -> ExampleRecord | None:
        """Return what became of the training images epoch by epoch; None if that was not recorded."""
        if not is_there(self.examples_file):
            return None
        self.refuse_altered(self.examples_file)
        with reading(self.examples_file):
            arrays = read_arrays(self.examples_file)
            if "hits" in arrays:  # as earlier versions called it
                arrays["correct"] = arrays.pop("hits")
            record = ExampleRecord(**arrays)
            count, num_epochs = len(record.indices), len(record.losses)
            refuse_array("indices", record.indices, torch.int64, (count,))
            refuse_array("losses", record.losses, torch.float32, (num_epochs, count))
            refuse_array("correct", record.correct, torch.bool, (num_epochs, count))
            return record

    def read_filter_snapshots(self) -> FilterSnapshots | None:
        """Return a layer's filters along the training; None if the recipe did not ask for them."""
        if not is_there(self.filters_file):
            return None
        self.refuse_altered(self.filters_file)
        return read_filter_snapshots(self.filters_file)

    def read_openings(self) -> list[Opening]:
        """Return every look at the test set on record, oldest first; see `count_openings`."""
        if not is_there(self.openings_file):
            return []
        self.refuse_altered(self.openings_file)
        with reading(self.openings_file):
            openings = [Opening(**line) for line in read_lines(self.openings_file)]
            _refuse_no_texts("openings", {one.at: one.reason for one in openings})
            return openings

    def count_openings(self) -> int | None:
        """Return how often this run looked at the test set; None where its record is gone, or begun anew."""
        if is_there(self.openings_file):
            openings = self.read_openings()
            return len(openings) if self._holds_looks_of_result(openings) else None
        if is_there(self.images_file) or not is_there(self.result_file):
            return None
        result = self.read_result()  # of an earlier version, which made the record with the first look
        return None if result is None or result.test_openings else 0

    def _holds_looks_of_result(self, openings: Sequence[Opening]) -> bool:
        """Return whether the looks that the result names stand first among those on record."""
        if is_there(self.digests_file) or not is_there(self.result_file):
            return True  # the record was held against its digest when it was read
        values = read_json(self.result_file)
        with reading(self.result_file):
            named = RunResult.from_dict(values).test_openings
        return tuple(openings[: len(named)]) == named

    def read_test_looks(self) -> dict[int, float]:
        """Return the test accuracy by epoch, as far as epochs were looked at."""
        if not is_there(self.test_looks_file):
            return {}
        self.refuse_altered(self.test_looks_file)
        with reading(self.test_looks_file):
            rows = read_lines(self.test_looks_file)
            return {int(row["epoch"]): float(row["accuracy"]) for row in rows}


_RESULTS = TypeAdapter(RunResult)


def _refuse_no_texts(what: str, values: Mapping[str, object]) -> None:
    if not all(isinstance(name, str) and isinstance(value, str) for name, value in values.items()):
        raise TypeError(f"{what} that are no texts")
