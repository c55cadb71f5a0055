"""How frequent classes are where a network is used, told without labels, and probabilities that heed it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from loupe.statistics.calibration import draw_resamples

_STILL = 1e-7  # a step that moves no share further ends the iteration


def adjust_to_shares(probabilities: Tensor, before: Sequence[float], now: Sequence[float]) -> Tensor:
    """Return probabilities where classes have other shares, (images, classes) float64 (Saerens et al., 2002).

    Right where the images of each class are as they were and only the classes' shares changed. By how much a
    class became more frequent is unknown where no image of it was counted: what a network gives it is then
    left as it is, beside the others.

    Args:
        probabilities: (images, classes) float, calibrated where classes have the shares `before`.
        before: shares there; 0 where it is unknown.
        now: shares where the network is used.
    """
    known, wanted = (torch.tensor(one, dtype=torch.float64) for one in (before, now))
    weighted = probabilities.double() * torch.where(known > 0, wanted / known, 1.0)
    return weighted / weighted.sum(1, keepdim=True).clamp_min(1e-300)


def estimate_shares(
    probabilities: Tensor, before: Sequence[float], *, draws: int = 50, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Return the classes' shares among images without labels, and those of resamples of these images.

    Expectation maximisation (Saerens et al., 2002): right where the images of each class are as they were and
    only the classes' shares changed.

    Args:
        probabilities: (images, classes) float, calibrated where classes have the shares `before`.
        before: shares as in `adjust_to_shares`; classes whose share is unknown keep 0, and the others' shares
            add up to 1 without them.
        draws: how many resamples.
        seed: of the resamples.

    Returns:
        (classes,) and (draws, classes), float64.
    """
    exact, known = probabilities.double(), torch.tensor(before, dtype=torch.float64)
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
        before: (classes,) float64; a class of 0 stays there.
        counts: (images, resamples) float64, how often each image was drawn.
        most_steps: of the iteration; resamples that are still earlier are left as they are.
    """
    shares = before[:, None].repeat(1, counts.shape[1])
    divided_by = torch.where(before > 0, before, 1.0)[:, None]
    moving = torch.arange(counts.shape[1])
    for _ in range(most_steps):
        ratios = shares[:, moving] / divided_by
        # the mean over images of each one's probabilities with these shares, without writing these down
        weights = counts[:, moving] / (exact @ ratios).clamp_min(1e-300)
        step = ratios * (exact.T @ weights)
        step /= step.sum(0).clamp_min(1e-300)  # less than all images where some are surely of unknown classes
        is_still = (step - shares[:, moving]).abs().amax(0) < _STILL
        shares[:, moving] = step
        moving = moving[~is_still]
        if not len(moving):
            break
    return shares
