"""The arithmetic of a training step, counted without doing it."""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from loupe.data.batches import Batch
from loupe.models.operation_count import OperationCounter, count_operations
from loupe.training import Objective


@dataclass(frozen=True)
class Operation:
    """One call of a torch operation, as shapes: enough to do the same with other numbers.

    Args:
        function: torch's operation.
        arguments: its arguments; tensors lie on the meta device.
        flops: floating-point operations of the call.
    """

    function: Any
    arguments: tuple[Any, ...]
    flops: int

    @property
    def name(self) -> str:
        """What it is, with its shapes: "convolution 64x3x8x8 with 16x3x3x3"."""
        first, second = [one for one in self.arguments if isinstance(one, Tensor) and one.ndim > 1][:2]
        kind = "convolution" if "convolution" in str(self.function) else "matrix product"
        shapes = ("x".join(map(str, tensor.shape)) for tensor in (first, second))
        return f"{kind} {' with '.join(shapes)}"


@dataclass(frozen=True)
class Work:
    """Floating-point operations of convolutions and matrix products; a multiplication with addition is two.

    Args:
        forward: of one image.
        backward: of one image.
        largest: the operation of the forward pass with the most of them, for a whole batch; None where the
            network has no such operation.
    """

    forward: float
    backward: float
    largest: Operation | None

    @property
    def step(self) -> float:
        """Of one image's whole training step."""
        return self.forward + self.backward


def count_work(
    model: nn.Module, objective: Objective, *, batch_size: int, image_shape: tuple[int, ...]
) -> Work:
    """Return the work of a training step, counted on tensors without numbers; the model stays as it is.

    Args:
        model: the network; a copy of it is counted.
        objective: what it is trained for.
        batch_size: images in the batch, ≥ 2.
        image_shape: (channels, height, width).
    """
    trial = copy.deepcopy(model).to("meta").train()
    images = torch.zeros(batch_size, *image_shape, device="meta")
    batch = Batch(images, torch.zeros(batch_size, dtype=torch.int64, device="meta"))
    recorder, forward = _Recorder(), OperationCounter()
    with forward, recorder:
        loss = objective.training_loss(trial(images), batch)
    backward = OperationCounter()
    with backward:
        loss.backward()
    counts = [counter.get_total_flops() / batch_size for counter in (forward, backward)]
    return Work(counts[0], counts[1], recorder.largest)


class _Recorder(TorchDispatchMode):
    """Keeps the operation with the most arithmetic."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not in the stub
        self.largest: Operation | None = None

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        flops = count_operations(func, args, kwargs or {}, output)
        if flops > (0 if self.largest is None else self.largest.flops):
            self.largest = Operation(func, args, flops)
        return output
