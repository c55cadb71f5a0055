"""What the device can do at best: a matrix product, and the network's largest operation by itself."""

from collections.abc import Callable

import torch
from torch import Tensor

from loupe.benchmarking.clock import Task, time_calls
from loupe.benchmarking.work import Operation
from loupe.runtime import Precision

_SIDES = {"cpu": 1024, "mps": 4096, "cuda": 8192}  # large enough that the rate no longer grows


def choose_side(device: torch.device) -> int:
    """Return the number of rows of the square matrices that are multiplied."""
    return _SIDES.get(device.type, 4096)


def prepare_product(device: torch.device, precision: Precision) -> tuple[Callable[[], Tensor], int]:
    """Return a call that multiplies two square matrices, and its floating-point operations."""
    side, dtype = choose_side(device), _DTYPES[precision]
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    return lambda: left @ right, 2 * side**3


def prepare_operation(
    operation: Operation, device: torch.device, precision: Precision
) -> Callable[[], object]:
    """Return a call that does an operation on random numbers of the same shapes and layout."""
    arguments = [
        _fill_like(argument, device, _DTYPES[precision]) if isinstance(argument, Tensor) else argument
        for argument in operation.arguments
    ]

    def call() -> object:
        with torch.no_grad():
            return operation.function(*arguments)

    return call


def make_rate_task(name: str, call: Callable[[], object], flops: int, device: torch.device) -> Task:
    """Return a task whose value is the rate of a call in floating-point operations a second."""
    return lambda repeats: {name: flops / time_calls(call, device, repeats)}


_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def _fill_like(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    empty = torch.empty_strided(tensor.shape, tensor.stride(), device=device, dtype=dtype)
    return empty.normal_()
