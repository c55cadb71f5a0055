"""The run folder: written atomically, read back as typed objects."""

import json
from pathlib import Path

import torch

from loupe.errors import RunError
from loupe.evaluations import ExampleRecord, Looks
from loupe.metrics import Predictions, Reconstructions
from loupe.runs.answers import (
    split_arrays,
    to_predictions,
    to_reconstructions,
)
from loupe.runs.arrays import read_arrays, read_tensors, refuse_array
from loupe.runs.files import STARTING_WEIGHTS
from loupe.runs.filter_snapshots import FilterSnapshots, read_filter_snapshots
from loupe.runs.images import ImageRecord
from loupe.runs.mistakes import MistakeRecord
from loupe.runs.reading import is_plain, is_there, read_json, reading
from loupe.runs.record import RunRecord
from loupe.runs.run_writer import RunWriter
from loupe.training.state import Snapshot


class RunFolder(RunRecord, RunWriter):
    """One run on disk: its files (`RunFiles` says which) as typed objects."""

    def find_starting_weights(self) -> Path | None:
        """Return the kept file of weights that the run started from; None if there is none."""
        return next((path for path in self.path.glob(f"{STARTING_WEIGHTS}*") if is_plain(path)), None)

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
