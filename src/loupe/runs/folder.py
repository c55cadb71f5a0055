"""The run folder: what stands where in it, written atomically, read back as typed objects."""

import contextlib
import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from safetensors import safe_open
from torch import Tensor

from loupe.data import Opening
from loupe.errors import RunError
from loupe.evaluations import ExampleRecord, Looks
from loupe.metrics import Predictions, Reconstructions
from loupe.recipe import Recipe, parse_recipe, read_toml
from loupe.runs.locking import is_locked, locked
from loupe.runs.mistakes import MistakeRecord
from loupe.runs.progress import Progress
from loupe.runs.reading import read_arrays, reading
from loupe.runs.result import RunResult
from loupe.runs.writing import (
    append_line,
    remove_leftovers,
    write_arrays,
    write_json,
    write_tensors,
    write_text,
)
from loupe.training.state import EPOCH_COLUMNS, METRIC_PREFIX, EpochRecord, Snapshot


class RunFolder:
    """One run on disk.

    | file                         | holds                                                        |
    |------------------------------|--------------------------------------------------------------|
    | `recipe.toml`                | the resolved recipe; `loupe train` takes it as it is         |
    | `environment.json`           | versions, device, commit, data digests, seed                 |
    | `history.csv`                | one row an epoch                                             |
    | `result.json`                | figures with intervals, confusion, test openings             |
    | `best.safetensors`           | weights of the best epoch on validation                      |
    | `last/checkpoint.safetensors`| all that exact resume needs                                  |
    | `predictions.npz`            | labels and logits of the best weights; of an autoencoder     |
    |                              | errors and some reconstructed images                         |
    | `evaluations.json`           | what each evaluation found: sentence, numbers, what is drawn |
    | `evaluations.npz`            | training images that evaluations show                        |
    | `mistakes.npz`               | in place of both in runs of earlier versions                 |
    | `examples.npz`               | loss and correctness of training images after every epoch;   |
    |                              | only if the recipe asks for it                               |
    | `report.html`                | the report                                                   |
    | `test_openings.jsonl`        | one line a look at the test set, written before the look     |
    | `test_by_epoch.jsonl`        | test accuracy an epoch; only if the recipe asks to show what |
    |                              | picking on test would have claimed                           |
    | `tensorboard/`               | curves for TensorBoard; only if the recipe asks for them     |
    | `trackers/`                  | what other trackers keep, a folder each                      |
    | `progress.json`              | how far training is; only while it goes on                   |
    | `log.txt`                    | what happened when                                           |
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe_file = path / "recipe.toml"
        self.environment_file = path / "environment.json"
        self.history_file = path / "history.csv"
        self.result_file = path / "result.json"
        self.best_file = path / "best.safetensors"
        self.checkpoint_file = path / "last" / "checkpoint.safetensors"
        self.predictions_file = path / "predictions.npz"
        self.mistakes_file = path / "mistakes.npz"
        self.evaluations_file = path / "evaluations.json"
        self.pictures_file = path / "evaluations.npz"
        self.examples_file = path / "examples.npz"
        self.report_file = path / "report.html"
        self.openings_file = path / "test_openings.jsonl"
        self.test_looks_file = path / "test_by_epoch.jsonl"
        self.tensorboard_folder = path / "tensorboard"
        self.progress_file = path / "progress.json"
        self.log_file = path / "log.txt"

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    # ---- writing

    def start(self, recipe: Recipe, environment: dict[str, Any]) -> None:
        """Write what is known before training."""
        self.checkpoint_file.parent.mkdir(parents=True, exist_ok=True)
        write_text(self.recipe_file, recipe.to_toml())
        write_json(self.environment_file, environment)

    def write_history(self, history: list[EpochRecord]) -> None:
        text, rows = io.StringIO(), [record.to_row() for record in history]
        columns = dict.fromkeys([*EPOCH_COLUMNS, *(name for row in rows for name in row)])
        writer = csv.DictWriter(text, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.history_file, text.getvalue(), durable=False)

    def write_snapshot(self, snapshot: Snapshot) -> None:
        self.checkpoint_file.parent.mkdir(exist_ok=True)
        write_tensors(self.checkpoint_file, snapshot.tensors, {"values": json.dumps(snapshot.values)})

    def write_best(self, snapshot: Snapshot, description: dict[str, Any]) -> None:
        """Write the best weights in a snapshot, with a description of network and input beside them."""
        described = {**description, "best": snapshot.values["best"]}
        write_tensors(self.best_file, snapshot.weights("best"), {"loupe": json.dumps(described)})

    def write_predictions(self, **predictions: Predictions) -> None:
        """Write labels and logits of each named split."""
        write_arrays(self.predictions_file, _name_arrays(predictions, ("labels", "logits")))

    def write_reconstructions(self, **reconstructions: Reconstructions) -> None:
        """Write errors and pictures of each named split, in the place of predictions."""
        write_arrays(self.predictions_file, _name_arrays(reconstructions, _RECONSTRUCTED))

    def write_evaluations(self, looks: Looks) -> None:
        """Write what evaluations found; the pictures first, for the looks refer to them."""
        write_arrays(self.pictures_file, looks.to_arrays())
        write_text(self.evaluations_file, json.dumps(looks.to_dict(), ensure_ascii=False) + "\n")

    def write_examples(self, record: ExampleRecord) -> None:
        write_arrays(self.examples_file, vars(record))

    def write_result(self, result: RunResult) -> None:
        write_json(self.result_file, result.to_dict())

    def log_opening(self, opening: Opening) -> None:
        append_line(self.openings_file, json.dumps(opening.to_dict(), ensure_ascii=False))
        self.log(f"test set opened: {opening.reason}")

    def write_test_looks(self, accuracies: Mapping[int, float]) -> None:
        """Write the test accuracy of each epoch looked at."""
        lines = [json.dumps({"epoch": epoch, "accuracy": value}) for epoch, value in accuracies.items()]
        write_text(self.test_looks_file, "".join(f"{line}\n" for line in lines), durable=False)

    def log(self, line: str) -> None:
        """Append a line with the time (UTC) to the log."""
        with self.log_file.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')}  {line}\n")

    def write_progress(self, progress: Progress) -> None:
        write_text(self.progress_file, json.dumps(progress.to_dict()), durable=False)

    def clear_progress(self) -> None:
        self.progress_file.unlink(missing_ok=True)

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
        """Go on with a folder that a broken-off run left: clear away what was half written."""
        remove_leftovers(self.path)
        self.checkpoint_file.parent.mkdir(exist_ok=True)

    # ---- reading

    def read_recipe(self) -> Recipe:
        with reading(self.recipe_file):
            return parse_recipe(
                read_toml(self.recipe_file.read_text(encoding="utf-8"), str(self.recipe_file))
            )

    def read_environment(self) -> dict[str, Any]:
        with reading(self.environment_file):
            environment = json.loads(self.environment_file.read_text(encoding="utf-8"))
            return dict(environment.items())

    def read_result(self) -> RunResult | None:
        """Return the result, or None while there is none; looks at the test set since then count."""
        if not self.result_file.exists():
            return None
        with reading(self.result_file):
            result = RunResult.from_dict(json.loads(self.result_file.read_text(encoding="utf-8")))
        openings = self.read_openings()
        is_more = len(openings) > len(result.test_openings)
        return replace(result, test_openings=tuple(openings)) if is_more else result

    def is_finished(self) -> bool:
        """Return whether the run has finished and everything it should hold is there and readable."""
        wanted = (self.result_file, self.report_file, self.best_file, self.predictions_file)
        if not all(file.is_file() for file in wanted):
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
            with reading(self.best_file), safe_open(self.best_file, framework="pt") as file:
                _ = file.metadata()["loupe"]
        except RunError:
            return False
        return result is not None and result.status == "finished"

    def read_history(self) -> list[EpochRecord]:
        """Return the epochs so far; an empty list before the first."""
        if not self.history_file.exists():
            return []
        with reading(self.history_file):
            rows = csv.DictReader(io.StringIO(self.history_file.read_text(encoding="utf-8")))
            return [_read_record(row) for row in rows]

    def is_being_trained(self) -> bool:
        """Return whether a process trains in this folder now."""
        return is_locked(self.path / ".lock")

    def read_progress(self) -> Progress | None:
        """Return how far training is; None if it does not go on, or has only just begun."""
        try:
            return Progress(**json.loads(self.progress_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):  # it comes and goes while one looks
            return None

    def read_snapshot(self) -> Snapshot | None:
        """Return the last checkpoint, or None if training was not checkpointed yet."""
        if not self.checkpoint_file.exists():
            return None
        advice = "delete it: `loupe resume` then starts this run from its first epoch"
        with reading(self.checkpoint_file, advice), safe_open(self.checkpoint_file, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
            snapshot = Snapshot(tensors, json.loads(file.metadata()["values"]))
            _ = snapshot.history, snapshot.best_epoch
            return snapshot

    def read_predictions(self) -> dict[str, Predictions]:
        """Return the stored predictions by split."""
        with reading(self.predictions_file):
            splits = _split_arrays(read_arrays(self.predictions_file))
            return {split: Predictions(**arrays) for split, arrays in splits.items()}

    def read_reconstructions(self) -> dict[str, Reconstructions]:
        """Return the stored errors and reconstructed images by split."""
        with reading(self.predictions_file):
            splits = _split_arrays(read_arrays(self.predictions_file))
            return {
                split: Reconstructions(arrays["errors"], arrays["shown"], arrays["pictures"])
                for split, arrays in splits.items()
            }

    def read_evaluations(self) -> Looks | None:
        """Return what evaluations found; None in runs of earlier versions, and before the end."""
        if not self.evaluations_file.exists():
            return None
        with reading(self.evaluations_file):
            values = json.loads(self.evaluations_file.read_text(encoding="utf-8"))
            return Looks.from_parts(values, read_arrays(self.pictures_file))

    def read_mistakes(self) -> MistakeRecord:
        """Return what earlier versions kept for looking at the mistakes of a classifier."""
        with reading(self.mistakes_file):
            return MistakeRecord.from_arrays(read_arrays(self.mistakes_file))

    def read_examples(self) -> ExampleRecord | None:
        """Return what became of the training images epoch by epoch; None if that was not recorded."""
        if not self.examples_file.exists():
            return None
        with reading(self.examples_file):
            arrays = read_arrays(self.examples_file)
            if "hits" in arrays:  # as earlier versions called it
                arrays["correct"] = arrays.pop("hits")
            return ExampleRecord(**arrays)

    def read_openings(self) -> list[Opening]:
        """Return every look at the test set, oldest first."""
        if not self.openings_file.exists():
            return []
        with reading(self.openings_file):
            lines = self.openings_file.read_text(encoding="utf-8").splitlines()
            return [Opening(**json.loads(line)) for line in lines if line]

    def read_test_looks(self) -> dict[int, float]:
        """Return the test accuracy by epoch, as far as epochs were looked at."""
        if not self.test_looks_file.exists():
            return {}
        with reading(self.test_looks_file):
            lines = self.test_looks_file.read_text(encoding="utf-8").splitlines()
            rows = [json.loads(line) for line in lines]
            return {row["epoch"]: row["accuracy"] for row in rows}


_RECONSTRUCTED = ("errors", "shown", "pictures")


def _name_arrays(by_split: Mapping[str, object], names: tuple[str, ...]) -> dict[str, Tensor]:
    return {f"{split}_{name}": getattr(one, name) for split, one in by_split.items() for name in names}


def _split_arrays(arrays: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return the arrays of each split by their names within it."""
    splits: dict[str, dict[str, Tensor]] = {}
    for place, array in sorted(arrays.items()):
        split, _, name = place.rpartition("_")
        splits.setdefault(split, {})[name] = array
    return splits


_MAY_BE_LEFT_OUT = {one.name for one in fields(EpochRecord) if type(None) in get_args(one.type)}


def _read_record(row: dict[str, str]) -> EpochRecord:
    more = set(row) - set(EPOCH_COLUMNS)
    if not set(EPOCH_COLUMNS) <= set(row) or not all(str(name).startswith(METRIC_PREFIX) for name in more):
        raise ValueError(f"columns {', '.join(map(str, row))}")
    values = {name: float(text) if text else None for name, text in row.items() if name != "epoch"}
    metrics = {name.removeprefix(METRIC_PREFIX): values.pop(name) for name in row if name in more}
    missing = [name for name, value in values.items() if value is None and name not in _MAY_BE_LEFT_OUT]
    if missing:
        raise ValueError(f"no {missing[0]} in epoch {row['epoch']}")
    epoch = int(row["epoch"])
    return EpochRecord(epoch, **values, validation_metrics=metrics)  # type: ignore[arg-type]  # None where allowed
