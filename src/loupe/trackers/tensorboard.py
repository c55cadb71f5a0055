"""Curves, the network's graph and some training images for TensorBoard."""

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from loupe.trackers import TrackedRun, Tracker, refuse_missing_package, register_tracker
from loupe.training.epoch_record import METRIC_PREFIX
from loupe.training.measure import evaluating

_TAGS = {
    "train_loss": "loss/train",
    "clean_train_loss": "loss/clean train",
    "validation_loss": "loss/validation",
    "train_accuracy": "accuracy/train",
    "clean_train_accuracy": "accuracy/clean train",
    "validation_accuracy": "accuracy/validation",
    "learning_rate": "learning rate",
    "seconds": "seconds an epoch",
    "images_per_second": "images a second",
}
"""How curves are grouped; further metrics of validation have a group each."""


@register_tracker("tensorboard")
class TensorBoard(Tracker):
    """Curves, graph and some training images for TensorBoard, in `tensorboard/` of the run folder.

    Every session writes all epochs anew and marks what an earlier one wrote as outdated, so that curves have
    no holes and no forks.

    Raises:
        LoupeError: the package `tensorboard` is not installed.
    """

    def __init__(self) -> None:
        refuse_missing_package("tensorboard", "tensorboard")
        self._writer: Any = None

    def start(self, run: TrackedRun) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(run.folder / "tensorboard"), purge_step=0)
        inputs, pictures = run.take_images()
        self._writer.add_images("training images, as augmented", pictures)
        self._add_graph(run.model, inputs[:1])

    def _add_graph(self, model: nn.Module, inputs: torch.Tensor) -> None:
        is_compiled = model._compiled_call_impl is not None  # tracing sees nothing of such a network
        with evaluating(model), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracing warns of what it traces
            if not is_compiled:
                self._writer.add_graph(model, inputs)

    def log_epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        for column, value in values.items():
            self._writer.add_scalar(_name_tag(column), value, epoch)
        self._writer.flush()

    def finish(self, status: str, summary: Mapping[str, float]) -> None:
        self._writer.close()


def _name_tag(column: str) -> str:
    """Return the curve that a column of the history goes to: `validation_macro_f1` is macro_f1/validation."""
    name = column.removeprefix(METRIC_PREFIX)
    return _TAGS.get(column) or (column if name == column else f"{name}/validation")
