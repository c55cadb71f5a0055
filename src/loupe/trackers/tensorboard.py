"""The observer that writes a training for TensorBoard, into `tensorboard/` of the run folder."""

import warnings
from typing import Any

import torch
from torch import Tensor

from loupe.errors import LoupeError
from loupe.runs.folder import RunFolder
from loupe.training.measure import evaluating
from loupe.training.observers import Observer
from loupe.training.state import EpochRecord, TrainingState

_COLUMNS = {
    "loss/train": "train_loss",
    "loss/clean train": "clean_train_loss",
    "loss/validation": "validation_loss",
    "accuracy/train": "train_accuracy",
    "accuracy/clean train": "clean_train_accuracy",
    "accuracy/validation": "validation_accuracy",
    "learning rate": "learning_rate",
    "seconds an epoch": "seconds",
    "images a second": "images_per_second",
}


class TensorBoard(Observer):
    """Write curves after each epoch, and before the first the network's graph and a grid of images.

    A resumed run repeats the epochs it has on record, so that curves have no holes and no forks.

    Args:
        folder: the run's folder.
        inputs: (some, channels, height, width) float32, what the network is given, on its device.
        pictures: the same as pixels in [0, 1], for people to look at.

    Raises:
        LoupeError: the package `tensorboard` is not installed.
    """

    def __init__(self, folder: RunFolder, inputs: Tensor, pictures: Tensor) -> None:
        self._writer = _open_writer(folder)
        self._inputs = inputs
        self._pictures = pictures

    def on_fit_start(self, state: TrainingState, *, num_epochs: int, steps_per_epoch: int) -> None:
        self._writer.add_images("training images, as augmented", self._pictures)
        is_compiled = state.model._compiled_call_impl is not None  # tracing sees nothing of such a network
        with evaluating(state.model), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracing warns of what it traces
            if not is_compiled:
                self._writer.add_graph(state.model, self._inputs[:1])
        for record in state.history:
            self._write(record)

    def on_epoch_end(self, state: TrainingState) -> None:
        self._write(state.history[-1])
        self._writer.flush()

    def on_fit_end(self, state: TrainingState) -> None:
        self._writer.close()

    def _write(self, record: EpochRecord) -> None:
        for tag, column in _COLUMNS.items():
            value = getattr(record, column)
            if value is not None:
                self._writer.add_scalar(tag, value, record.epoch)
        for name, value in record.validation_metrics.items():
            if value is not None:
                self._writer.add_scalar(f"{name}/validation", value, record.epoch)


def _open_writer(folder: RunFolder) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise LoupeError(
            "run.tensorboard needs the package tensorboard.",
            got="run.tensorboard = true, and no such package",
            allowed="the extra `tensorboard`",
            next_step="pip install 'loupe-bench[tensorboard]', or set run.tensorboard=false",
        ) from None
    return SummaryWriter(str(folder.tensorboard_folder), purge_step=0)
