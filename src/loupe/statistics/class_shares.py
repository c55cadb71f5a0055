"""How frequent classes are where a network is used, told without labels, and probabilities that heed it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from loupe.statistics.calibration import draw_resamples

_STILL = 1e-7  # a step that moves no share further ends the iteration
_LEAST = 1e-9  # a share of training, so that it can be divided by


def adjust_to_shares(probabilities: Tensor, before: Sequence[float], now: Sequence[float]) -> Tensor:
    """Return probabilities where classes have other shares, (images, classes) float64 (Saerens et al., 2002).

    Right where the images of each class are as they were and only the classes' shares changed.

    Args:
        probabilities: (images, classes) float, calibrated where classes have the shares `before`.
        before: shares there, each above 0.
        now: shares where the network is used.
    """
    known = torch.tensor(before, dtype=torch.float64).clamp_min(_LEAST)
    weighted = probabilities.double() * (torch.tensor(now, dtype=torch.float64) / known)
    return weighted / weighted.sum(1, keepdim=True).clamp_min(1e-300)


def estimate_shares(
    probabilities: Tensor, before: Sequence[float], *, draws: int = 50, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Return the classes' shares among images without labels, and those of resamples of these images.

    Expectation maximisation (Saerens et al., 2002): right where the images of each class are as they were and
    only the classes' shares changed.

    Args:
        probabilities: (images, classes) float, calibrated where classes have the shares `before`.
        before: shares where the network was trained.
        draws: how many resamples.
        seed: of the resamples.

    Returns:
        (classes,) and (draws, classes), float64.
    """
    exact, known = probabilities.double(), torch.tensor(before, dtype=torch.float64).clamp_min(_LEAST)
    total = len(exact)
    every = torch.ones(total, 1, dtype=torch.float64)
    shares = _maximise(exact, known, every, most_steps=500)[:, 0]
    if not draws:
        return shares, shares.new_empty(0, len(shares))
    counts = torch.stack(
        [torch.bincount(some, minlength=total) for some in draw_resamples(total, seed, draws)], dim=1
    )
    return shares, _maximise(exact, known, counts.double(), most_steps=100).T


def _maximise(exact: Tensor, before: Tensor, counts: Tensor, most_steps: int) -> Tensor:
    """Return shares by expectation maximisation, (classes, resamples) float64.

    Args:
        exact: (images, classes) float64, probabilities.
        before: (classes,) float64.
        counts: (images, resamples) float64, how often each image was drawn.
        most_steps: of the iteration; resamples that are still earlier are left as they are.
    """
    shares = before[:, None].repeat(1, counts.shape[1])
    moving = torch.arange(counts.shape[1])
    for _ in range(most_steps):
        ratios = shares[:, moving] / before[:, None]
        # the mean over images of each one's probabilities with these shares, without writing these down
        weights = counts[:, moving] / (exact @ ratios).clamp_min(1e-300)
        step = ratios * (exact.T @ weights) / len(exact)
        is_still = (step - shares[:, moving]).abs().amax(0) < _STILL
        shares[:, moving] = step
        moving = moving[~is_still]
        if not len(moving):
            break
    return shares
