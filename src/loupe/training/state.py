"""What training has reached: everything that exact resume needs, as plain tensors and values.

Random-number generators are not part of it: each epoch's streams grow from the seed and the epoch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from loupe.runtime import without_loading_compiler
from loupe.training.averaging import WeightAverage
from loupe.training.epoch_record import EpochRecord
from loupe.training.hard_examples import HardExamples
from loupe.training.lookahead import Lookahead


@dataclass
class Best:
    """The best epoch so far by validation, and a copy of its weights (on the CPU)."""

    epoch: int
    validation_loss: float
    validation_accuracy: float | None
    weights: dict[str, Tensor] = field(repr=False)
    validation_metrics: Mapping[str, float | None] = field(default_factory=dict)


@dataclass
class TrainingState:
    """A training in progress, as observers see it after each epoch.

    `judged` is the network whose figures stand in the history: the average of the weights if one is kept.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: WeightAverage | None = None
    lookahead: Lookahead | None = None
    hard_examples: HardExamples | None = None
    history: list[EpochRecord] = field(default_factory=list)
    best: Best | None = None
    stopped_early: bool = False

    @property
    def judged(self) -> nn.Module:
        """The network that is measured and kept."""
        return self.average.model if self.average is not None else self.model

    @property
    def epoch(self) -> int:
        """Epochs completed."""
        return len(self.history)


Part = Literal["best", "model", "average", "lookahead", "optimizer", "proxy", "proxy_optimizer"]
"""Of a snapshot: the best epoch's weights, the last epoch's, their average, lookahead's slow ones, what the
optimizer keeps, and the weights and optimizer of the network that ranks examples."""


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

    @property
    def last_weights(self) -> dict[str, Tensor]:
        """What was judged after the last epoch: the average of the weights, or the weights."""
        return self.weights("average") or self.weights("model")

    def weights(self, of: Part) -> dict[str, Tensor]:
        """Return one part's tensors by their names in it."""
        prefix = f"{of}."
        return {
            name.removeprefix(prefix): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(prefix)
        }


def copy_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of all parameters and buffers on the CPU; training on does not change it."""
    return {name: _copy(tensor) for name, tensor in model.state_dict().items()}


def _copy(tensor: Tensor) -> Tensor:
    # contiguous, whatever the memory format: files know no other
    return tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)


def take_snapshot(state: TrainingState) -> Snapshot:
    """Return a copy of the state that later training does not change."""
    tensors = {f"model.{name}": tensor for name, tensor in copy_weights(state.model).items()}
    slots, optimizer = _copy_optimizer(state.optimizer, "optimizer")
    tensors |= slots
    values: dict[str, Any] = {
        "history": [record.to_dict() for record in state.history],
        "stopped_early": state.stopped_early,
        "optimizer": optimizer,
    }
    if state.average is not None:
        tensors |= {f"average.{name}": tensor for name, tensor in copy_weights(state.average.model).items()}
        values["average_updates"] = state.average.num_updates
    if state.lookahead is not None:
        tensors |= {f"lookahead.{name}": _copy(tensor) for name, tensor in state.lookahead.slow.items()}
    if state.hard_examples is not None:
        proxy = state.hard_examples
        slots, values["proxy_optimizer"] = _copy_optimizer(proxy.optimizer, "proxy_optimizer")
        tensors |= {f"proxy.{name}": tensor for name, tensor in copy_weights(proxy.proxy).items()} | slots
    if state.best is not None:
        tensors |= {f"best.{name}": tensor for name, tensor in state.best.weights.items()}
        values["best"] = {
            "epoch": state.best.epoch,
            "validation_loss": state.best.validation_loss,
            "validation_accuracy": state.best.validation_accuracy,
            **({"validation_metrics": dict(metrics)} if (metrics := state.best.validation_metrics) else {}),
        }
    return Snapshot(tensors, values)


def _copy_optimizer(
    optimizer: torch.optim.Optimizer, prefix: str
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return an optimizer's tensors by name, and its groups and numbers."""
    with without_loading_compiler(torch.optim.Optimizer.state_dict):
        saved = optimizer.state_dict()
    tensors: dict[str, Tensor] = {}
    scalars: dict[str, dict[str, Any]] = {}
    for index, slots in saved["state"].items():
        for slot, value in slots.items():
            if isinstance(value, Tensor):
                tensors[f"{prefix}.{index}.{slot}"] = _copy(value)
            else:
                scalars.setdefault(str(index), {})[slot] = value
    return tensors, {"groups": saved["param_groups"], "scalars": scalars}


def restore_snapshot(snapshot: Snapshot, state: TrainingState) -> None:
    """Put a snapshot into a state whose model and optimizer were built from the same recipe."""
    state.model.load_state_dict(snapshot.weights("model"))
    if state.average is not None:
        state.average.model.load_state_dict(snapshot.weights("average"))
        state.average.num_updates = snapshot.values["average_updates"]
    if state.lookahead is not None:
        saved_slow = snapshot.weights("lookahead")
        for name, tensor in state.lookahead.slow.items():
            tensor.copy_(saved_slow[name])
    if state.hard_examples is not None:
        state.hard_examples.proxy.load_state_dict(snapshot.weights("proxy"))
        _restore_optimizer(snapshot, "proxy_optimizer", state.hard_examples.optimizer)
    _restore_optimizer(snapshot, "optimizer", state.optimizer)
    state.history = snapshot.history
    state.stopped_early = snapshot.values["stopped_early"]
    if "best" in snapshot.values:
        state.best = Best(**snapshot.values["best"], weights=snapshot.weights("best"))


def _restore_optimizer(
    snapshot: Snapshot, prefix: Literal["optimizer", "proxy_optimizer"], optimizer: torch.optim.Optimizer
) -> None:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    slots: dict[int, dict[str, Any]] = {}
    for place, tensor in snapshot.weights(prefix).items():
        index, _, slot = place.partition(".")
        slots.setdefault(int(index), {})[slot] = _lay_out_like(parameters[int(index)], tensor)
    saved = snapshot.values[prefix]
    for index, scalars in saved["scalars"].items():
        slots.setdefault(int(index), {}).update(scalars)
    with without_loading_compiler(torch.optim.Optimizer.load_state_dict):
        optimizer.load_state_dict({"state": slots, "param_groups": saved["groups"]})


def _lay_out_like(parameter: Tensor, saved: Tensor) -> Tensor:
    """Return a copy of an optimizer's tensor in its parameter's memory format.

    A copy, because the optimizer would go on to change the snapshot's own tensors; in the same format,
    because fused optimizers walk through the memory of both side by side.
    """
    if saved.shape != parameter.shape:
        return saved.clone()
    return torch.empty_like(parameter, dtype=saved.dtype, device="cpu", requires_grad=False).copy_(saved)
