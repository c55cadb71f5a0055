"""Weights brought to the shape that a network for other images has."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_POSITIONS = "pos_embed"


def fit_tensor(name: str, theirs: Tensor, ours: Tensor) -> tuple[Tensor, str] | None:
    """Return a tensor in the shape of another, and how it was brought to it; None where no rule holds.

    A first convolution for three channels fits other numbers of them: for one the filters are summed, for
    more they repeat and are scaled so that the output keeps its size. Positions of patches are interpolated
    to another grid, as in "An Image is Worth 16x16 Words" (Dosovitskiy et al., 2021, arXiv:2010.11929).

    Args:
        name: of the tensor in its network.
        theirs: the tensor to fit.
        ours: has the shape that is wanted.
    """
    if theirs.ndim != ours.ndim:
        return None
    if theirs.ndim == 4 and theirs.shape[1] == 3 and _drop(theirs.shape, 1) == _drop(ours.shape, 1):
        return _fit_channels(theirs, ours.shape[1]), f"3 channels to {ours.shape[1]}"
    is_positions = name.rpartition(".")[2] == _POSITIONS and theirs.ndim == 3
    if is_positions and _drop(theirs.shape, 1) == _drop(ours.shape, 1):
        return _fit_positions(theirs, ours)
    return None


def _drop(shape: torch.Size, axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


def _fit_channels(filters: Tensor, count: int) -> Tensor:
    if count == 1:
        return filters.sum(1, keepdim=True)
    repeated = filters.repeat(1, math.ceil(count / 3), 1, 1)[:, :count]
    return repeated * (3 / count)


def _fit_positions(theirs: Tensor, ours: Tensor) -> tuple[Tensor, str] | None:
    """Return positions of a square grid for another one, a class token in front kept as it is."""
    counts = [tensor.shape[1] for tensor in (theirs, ours)]
    for num_tokens in (1, 0):
        sides = [math.isqrt(count - num_tokens) for count in counts]
        if all(side**2 == count - num_tokens for side, count in zip(sides, counts, strict=True)):
            token, grid = theirs[:, :num_tokens], theirs[:, num_tokens:]
            old, new = sides
            image = grid.reshape(1, old, old, -1).permute(0, 3, 1, 2).float()
            image = F.interpolate(image, (new, new), mode="bicubic", antialias=True, align_corners=False)
            grid = image.permute(0, 2, 3, 1).reshape(1, new * new, -1).to(theirs.dtype)
            return torch.cat([token, grid], 1), f"{old} x {old} patches to {new} x {new}"
    return None
