"""Observers watch a training; they never change its mathematics."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loupe.training.state import TrainingState


class StopTraining(KeyboardInterrupt):  # what Ctrl-C raises, for one training alone
    """Raised by an observer to break off the training it watches; what was reached is kept."""


class Observer:
    """Base of everything that watches. Override what is of interest; every method does nothing."""

    def on_fit_start(self, state: "TrainingState", *, num_epochs: int, steps_per_epoch: int) -> None:
        """Called once, before the first epoch; after a resume `state.epoch` is above 0."""

    def on_step(self, step: int) -> None:
        """Called after each step; `step` counts 1, 2, … within the epoch."""

    def on_epoch_end(self, state: "TrainingState") -> None:
        """Called when an epoch is measured and `state.history` holds its record."""

    def on_fit_end(self, state: "TrainingState") -> None:
        """Called once, after the last epoch."""
