"""How alike two networks compute: linear centred kernel alignment, from Gram matrices of minibatches."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from loupe.statistics.calibration import draw_resamples

_FEWEST = 4  # images that the unbiased estimator takes


def compute_cka(first: Tensor, second: Tensor) -> float:
    """Return linear CKA of two layers' outputs to the same images, in [0, 1] (Kornblith et al., 2019).

    ‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖), features centred over the images; the Frobenius norm. Of fewer images than
    features it is biased upwards; `MinibatchCka` is not.

    Args:
        first: (images, features) float.
        second: (images, other features) float.
    """
    ours, theirs = (one.double() - one.double().mean(0) for one in (first, second))
    both = (theirs.T @ ours).square().sum()
    alone = (ours.T @ ours).norm() * (theirs.T @ theirs).norm()
    return float(both / alone)


def compute_hsic(first: Tensor, second: Tensor) -> Tensor:
    """Return the unbiased HSIC of each layer of one network with each of another (Song et al., 2012).

    tr(K L) + 1ᵀK1 1ᵀL1 / ((n-1)(n-2)) - 2 1ᵀK L1 / (n-2), over n (n-3), diagonals of K and L set to 0.

    Args:
        first: (layers, images, images) float64, Gram matrices; four images or more.
        second: (other layers, images, images) float64.

    Returns:
        (layers, other layers) float64.

    Raises:
        ValueError: fewer than four images.
    """
    num_images = first.shape[1]
    if num_images < _FEWEST:
        raise ValueError(f"got {num_images} images; allowed: {_FEWEST} or more")
    kept = 1 - torch.eye(num_images, dtype=first.dtype)
    ours, theirs = first * kept, second * kept
    traces = ours.flatten(1) @ theirs.flatten(1).T
    rows, columns = ours.sum(2), theirs.sum(2)
    sums = torch.outer(rows.sum(1), columns.sum(1)) / ((num_images - 1) * (num_images - 2))
    crossed = 2 * (rows @ columns.T) / (num_images - 2)
    return (traces + sums - crossed) / (num_images * (num_images - 3))


@dataclass
class MinibatchCka:
    """Linear CKA of all layers of two networks, gathered batch by batch (Nguyen et al., 2021).

    The three HSIC are averaged over batches before the quotient is taken; each is unbiased, so that the
    size of the batches changes nothing but the noise.
    """

    _crossed: list[Tensor] = field(default_factory=list)
    _first: list[Tensor] = field(default_factory=list)
    _second: list[Tensor] = field(default_factory=list)

    def add(self, first: Sequence[Tensor], second: Sequence[Tensor]) -> None:
        """Take in a batch: the Gram matrices of each network's layers, (images, images) each."""
        ours, theirs = torch.stack(list(first)).double(), torch.stack(list(second)).double()
        self._crossed.append(compute_hsic(ours, theirs))
        self._first.append(compute_hsic(ours, ours).diagonal())
        self._second.append(compute_hsic(theirs, theirs).diagonal())

    def compute(self) -> Tensor:
        """Return CKA of each layer of the first network with each of the second; NaN of a dead layer."""
        return self._divide(torch.arange(len(self._crossed)))

    def resample(self, seed: int, draws: int) -> Tensor:
        """Return CKA of batches drawn with replacement, (draws, layers, other layers)."""
        return torch.stack([self._divide(some) for some in draw_resamples(len(self._crossed), seed, draws)])

    def _divide(self, some: Tensor) -> Tensor:
        crossed, first, second = (
            torch.stack(one)[some].mean(0) for one in (self._crossed, self._first, self._second)
        )
        return crossed / (first.clamp_min(0)[:, None] * second.clamp_min(0)[None, :]).sqrt()
