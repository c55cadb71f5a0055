"""The observer that records what becomes of each training image, epoch by epoch."""

import torch
from torch import Tensor

from loupe.data.batches import EvaluationBatches
from loupe.errors import RunError
from loupe.evaluations import ExampleRecord
from loupe.runs.folder import RunFolder
from loupe.runtime import Precision
from loupe.training.measure import evaluating, run_model
from loupe.training.objectives import Classification
from loupe.training.observers import Observer
from loupe.training.state import TrainingState


class ExampleTracker(Observer):
    """Measure training images after each epoch as validation is measured, and keep what is found.

    It stands before the recorder: a checkpoint is written only after the examples of its epochs, so that
    a resumed run holds the same arrays as one that was never interrupted.

    Args:
        folder: the run's folder.
        batches: the images to follow, in order, unaugmented.
        indices: (images,) int64, which images of the training split they are.
        precision: what the network computes in.
    """

    def __init__(
        self,
        folder: RunFolder,
        batches: EvaluationBatches,
        indices: Tensor,
        precision: Precision = "float32",
    ) -> None:
        self._folder = folder
        self._batches = batches
        self._indices = indices.cpu()
        self._precision = precision
        self._losses: list[Tensor] = []
        self._correct: list[Tensor] = []

    def on_fit_start(self, state: TrainingState, *, num_epochs: int, steps_per_epoch: int) -> None:
        """Take up the epochs before the checkpoint; those after it are trained, and recorded, again.

        Raises:
            RunError: epochs of the checkpoint are not on record.
        """
        if not state.epoch:
            return
        earlier = self._folder.read_examples()
        is_whole = earlier is not None and earlier.num_epochs >= state.epoch
        if earlier is None or not is_whole or not torch.equal(earlier.indices, self._indices):
            raise RunError(
                f"{self._folder.examples_file} lacks epochs that the checkpoint has.",
                got=f"{earlier.num_epochs if earlier else 0} of {state.epoch} epochs",
                allowed="the file as Loupe wrote it",
                next_step=f"bring it back, or delete {self._folder.checkpoint_file}: `loupe resume` then "
                "starts this run from its first epoch",
            )
        kept = earlier.first_epochs(state.epoch)
        self._losses, self._correct = list(kept.losses), list(kept.correct)

    def on_epoch_end(self, state: TrainingState) -> None:
        objective, losses, correct = Classification(), [], []
        with evaluating(state.judged):
            for batch in self._batches:
                logits = run_model(state.judged, batch.images, self._precision)
                losses.append(objective.losses(logits, batch).cpu())
                correct.append(objective.correct(logits, batch).cpu())
        self._losses.append(torch.cat(losses))
        self._correct.append(torch.cat(correct))

    def write(self, num_epochs: int) -> None:
        """Write what is known of the first `num_epochs` epochs."""
        if 0 < num_epochs <= len(self._losses):  # fewer, if training was stopped before it started
            losses, correct = torch.stack(self._losses[:num_epochs]), torch.stack(self._correct[:num_epochs])
            self._folder.write_examples(ExampleRecord(self._indices, losses, correct))
