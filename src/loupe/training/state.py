"""What training has reached: everything that exact resume needs, as plain tensors and values.

Random-number generators are not part of it: each epoch's streams grow from the seed and the epoch.
"""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class EpochRecord:
    """One row of the history.

    Args:
        epoch: 1, 2, …
        learning_rate: rate of the epoch's last step.
        train_loss: running mean of the training loss while weights move (with label smoothing).
        train_accuracy: running accuracy on the augmented batches while weights move.
        clean_train_loss: negative log likelihood on unaugmented training images after the epoch.
        clean_train_accuracy: accuracy on the same images; comparable with validation.
        validation_loss: negative log likelihood on validation.
        validation_accuracy: accuracy on validation.
        seconds: the whole epoch.
        images_per_second: training images a second, evaluation left out.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    clean_train_loss: float | None
    clean_train_accuracy: float | None
    validation_loss: float
    validation_accuracy: float
    seconds: float
    images_per_second: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


EPOCH_COLUMNS = tuple(column.name for column in fields(EpochRecord))


@dataclass
class Best:
    """The best epoch so far by validation, and a copy of its weights (on the CPU)."""

    epoch: int
    validation_loss: float
    validation_accuracy: float
    weights: dict[str, Tensor] = field(repr=False)


@dataclass
class TrainingState:
    """A training in progress, as observers see it after each epoch."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    history: list[EpochRecord] = field(default_factory=list)
    best: Best | None = None
    stopped_early: bool = False

    @property
    def epoch(self) -> int:
        """Epochs completed."""
        return len(self.history)


@dataclass(frozen=True)
class Snapshot:
    """A copy of a training state: tensors by name, and values that JSON can hold."""

    tensors: dict[str, Tensor]
    values: dict[str, Any]

    @property
    def history(self) -> list[EpochRecord]:
        """The epochs completed."""
        return [EpochRecord(**record) for record in self.values["history"]]

    @property
    def best_epoch(self) -> int | None:
        """The best epoch on validation so far."""
        best = self.values.get("best")
        return best["epoch"] if best else None

    def weights(self, of: Literal["best", "model", "optimizer"]) -> dict[str, Tensor]:
        """Return the tensors of the best epoch's weights, the last epoch's, or the optimizer."""
        prefix = f"{of}."
        return {
            name.removeprefix(prefix): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(prefix)
        }


def copy_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of all parameters and buffers on the CPU; training on does not change it."""
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in model.state_dict().items()}


def take_snapshot(state: TrainingState) -> Snapshot:
    """Return a copy of the state that later training does not change."""
    optimizer = state.optimizer.state_dict()
    tensors = {f"model.{name}": tensor for name, tensor in copy_weights(state.model).items()}
    scalars: dict[str, dict[str, Any]] = {}
    for index, slots in optimizer["state"].items():
        for slot, value in slots.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{slot}"] = value.detach().to("cpu", copy=True)
            else:
                scalars.setdefault(str(index), {})[slot] = value
    values: dict[str, Any] = {
        "history": [record.to_dict() for record in state.history],
        "stopped_early": state.stopped_early,
        "optimizer": {"groups": optimizer["param_groups"], "scalars": scalars},
    }
    if state.best is not None:
        tensors |= {f"best.{name}": tensor for name, tensor in state.best.weights.items()}
        values["best"] = {
            "epoch": state.best.epoch,
            "validation_loss": state.best.validation_loss,
            "validation_accuracy": state.best.validation_accuracy,
        }
    return Snapshot(tensors, values)


def restore_snapshot(snapshot: Snapshot, state: TrainingState) -> None:
    """Put a snapshot into a state whose model and optimizer were built from the same recipe."""
    state.model.load_state_dict(snapshot.weights("model"))
    slots: dict[int, dict[str, Any]] = {}
    for place, tensor in snapshot.weights("optimizer").items():
        index, _, slot = place.partition(".")
        # a copy: the optimizer would go on to change the snapshot's own tensors
        slots.setdefault(int(index), {})[slot] = tensor.clone()
    saved = snapshot.values["optimizer"]
    for index, scalars in saved["scalars"].items():
        slots.setdefault(int(index), {}).update(scalars)
    state.optimizer.load_state_dict({"state": slots, "param_groups": saved["groups"]})
    state.history = snapshot.history
    state.stopped_early = snapshot.values["stopped_early"]
    if "best" in snapshot.values:
        state.best = Best(**snapshot.values["best"], weights=snapshot.weights("best"))
