"""How far the numbers of a layer see, by the arithmetic of the layers before it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from loupe.models.layer_rules import Geometry, read_geometry


@dataclass(frozen=True)
class Reach:
    """The receptive field of a number that lies far from every border.

    Args:
        size: rows and columns of the image it can depend on; the image may be smaller.
        step: pixels from the middle of one number's field to the next one's.
        formula: how the size follows from the layer before, rows and columns alike; "" if it stays.
        sees_all: whether it depends on the whole image, however large.
    """

    size: tuple[int, int]
    step: tuple[int, int]
    formula: str = ""
    sees_all: bool = False


PIXEL = Reach((1, 1), (1, 1))
"""What a pixel of the image itself depends on."""

_PASSING = (
    *("ReLU", "GELU", "SiLU", "Swish", "Sigmoid", "Tanh", "ELU", "LeakyReLU", "Mish", "Softplus"),
    *("Hardswish", "Hardsigmoid", "Identity", "Dropout", "Scale", "BatchNorm", "ShiftNorm"),
)


def extend_reach(before: Reach | None, module: nn.Module, given: Tensor, made: Tensor) -> Reach | None:
    """Return how far a layer's numbers see; None where that does not follow from the layers alone.

    Args:
        before: the reach of what the layer is given; None if that is not known.
        module: the layer.
        given: its input, batch first.
        made: its output.
    """
    if before is None:
        return None
    geometry = read_geometry(module)
    if geometry is not None and given.ndim == made.ndim == 4:
        return None if geometry.is_transposed else _extend(before, geometry)
    kinds = [one.__name__ for one in type(module).__mro__]
    if (
        any(kind.startswith(_PASSING) or kind.endswith("Dropout") for kind in kinds)
        and given.shape == made.shape
    ):
        return Reach(before.size, before.step, "", before.sees_all)
    is_whole = made.ndim == 2 or (made.ndim == 4 and made.shape[2:].numel() == 1)
    if is_whole and given.ndim in (2, 4):  # pooled over all the map, flattened, or dense: all of the image
        return Reach(before.size, before.step, "", sees_all=True)
    return None


def _extend(before: Reach, geometry: Geometry) -> Reach:
    spans = [
        dilation * (kernel - 1) for dilation, kernel in zip(geometry.dilation, geometry.kernel, strict=True)
    ]
    size = (before.size[0] + spans[0] * before.step[0], before.size[1] + spans[1] * before.step[1])
    step = (before.step[0] * geometry.stride[0], before.step[1] * geometry.stride[1])
    formula = f"{before.size[0]} + ({spans[0] + 1} − 1)·{before.step[0]} = {size[0]}"
    is_square = size[0] == size[1] and before.size[0] == before.size[1]
    if not is_square:
        across = f"{before.size[1]} + ({spans[1] + 1} − 1)·{before.step[1]} = {size[1]}"
        formula = f"rows {formula}; columns {across}"
    return Reach(size, step, "" if before.sees_all else formula, before.sees_all)


def write_reach(reach: Reach | None, image_size: tuple[int, int]) -> str:
    """Return a reach in words: its size in pixels, and how that comes about."""
    if reach is None:
        return ""
    if reach.sees_all:
        return "the whole image"
    rows, columns = reach.size
    words = f"{rows} × {columns} pixels"
    if rows >= image_size[0] and columns >= image_size[1]:
        words += ", no less than the image"
    return words + (f": {reach.formula}" if reach.formula else "")


_JOINING = {
    *(torch.add, Tensor.add, Tensor.add_, Tensor.__add__, Tensor.__radd__, Tensor.__iadd__),
    *(torch.mul, Tensor.mul, Tensor.__mul__, Tensor.__rmul__, torch.sub, Tensor.__sub__),
    *(torch.cat, torch.relu, Tensor.relu, nn.functional.relu),
}


class Reaches(TorchFunctionMode):
    """Keeps how far the numbers of each tensor see while a network runs inside the block.

    Layers tell it through `remember`; sums, products and concatenations of maps in a network's own code, such
    as shortcuts, it sees by itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self._reaches: dict[int, Reach | None] = {}
        self._kept: list[Tensor] = []  # so that no identity is used twice

    def remember(self, tensor: Tensor, reach: Reach | None) -> None:
        """Note how far the numbers of a tensor see."""
        self._kept.append(tensor)
        self._reaches[id(tensor)] = reach

    def find(self, tensor: Tensor) -> Reach | None:
        """Return how far the numbers of a tensor see; None if that is not known."""
        return self._reaches.get(id(tensor))

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        if func in _JOINING and isinstance(made, Tensor):
            parts = [one for one in _flatten(args) if one.ndim == made.ndim and one.ndim == 4]
            self.remember(made, join_reaches([self.find(one) for one in parts]))
        return made


def _flatten(args: Iterable[Any]) -> list[Tensor]:
    found: list[Tensor] = []
    for one in args:
        if isinstance(one, Tensor):
            found.append(one)
        elif isinstance(one, list | tuple):
            found += _flatten(one)
    return found


def join_reaches(parts: Iterable[Reach | None]) -> Reach | None:
    """Return the reach of a number made of several, as behind a shortcut: the widest; None if unknown."""
    known = list(parts)
    found = [one for one in known if one is not None]
    if not found or len(found) < len(known) or len({one.step for one in found}) > 1:
        return None
    size = (max(one.size[0] for one in found), max(one.size[1] for one in found))
    return Reach(size, found[0].step, "", any(one.sees_all for one in found))
