"""How frequent classes are where a network is used, told without labels, and probabilities that heed it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from loupe.statistics.calibration import draw_resamples

_STILL = 1e-7  # a step that moves no share further ends the iteration
_MOST_ROUNDS = 300  # of three steps each
_BESIDE = 0.01  # of the shares before, where resamples start: from 0 no class comes back


def adjust_to_shares(probabilities: Tensor, before: Sequence[float], now: Sequence[float]) -> Tensor:
    """Return probabilities where classes have other shares, (images, classes) float64 (Saerens et al., 2002).

    Right where the images of each class are as they were and only the classes' shares changed. By how much a
    class became more frequent is unknown where no image of it was counted: what a network gives it is then
    left as it is, and the other classes have the rest. Where shares leave none of these possible, they stay
    as they are, too.

    Args:
        probabilities: (images, classes) float, calibrated where classes have the shares `before`.
        before: shares there; 0 where it is unknown.
        now: shares where the network is used.
    """
    before_now = torch.tensor([before, now], dtype=torch.float64)
    is_known = before_now[0] > 0
    exact = probabilities.double()
    known = torch.where(is_known, exact, 0.0)
    weighted = known * torch.where(is_known, before_now[1] / before_now[0], 0.0)
    total, rest = weighted.sum(1, keepdim=True), known.sum(1, keepdim=True)
    heeded = torch.where(total > 0, weighted / total.clamp_min(1e-300) * rest, known)
    adjusted = torch.where(is_known, heeded, exact)
    return adjusted / adjusted.sum(1, keepdim=True).clamp_min(1e-300)


def estimate_shares(
    probabilities: Tensor, before: Sequence[float], *, draws: int = 200, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Return the classes' shares among images without labels, and those of resamples of these images.

    Expectation maximisation (Saerens et al., 2002): right where the images of each class are as they were and
    only the classes' shares changed.

    Args:
        probabilities: (images, classes) float, calibrated where classes have the shares `before`.
        before: shares as in `adjust_to_shares`; classes whose share is unknown keep 0, and the others' shares
            add up to 1 without them. Where all images are surely of such classes, shares stay as before.
        draws: how many resamples.
        seed: of the resamples.

    Returns:
        (classes,) and (draws, classes), float64.
    """
    exact, known = probabilities.double(), torch.tensor(before, dtype=torch.float64)
    total = len(exact)
    every = torch.ones(total, 1, dtype=torch.float64)
    shares = _maximise(exact, known, every, known)[:, 0]
    if not draws:
        return shares, shares.new_empty(0, len(shares))
    counts = torch.stack(
        [torch.bincount(some, minlength=total) for some in draw_resamples(total, seed, draws)], dim=1
    )
    return shares, _maximise(exact, known, counts.double(), (1 - _BESIDE) * shares + _BESIDE * known).T


def _maximise(exact: Tensor, before: Tensor, counts: Tensor, start: Tensor) -> Tensor:
    """Return shares by expectation maximisation, (classes, resamples) float64.

    Where a network hardly tells classes apart it takes thousands of steps; two at a time are extrapolated
    (SQUAREM; Varadhan and Roland, 2008), as far as that makes the images no less likely.

    Args:
        exact: (images, classes) float64, probabilities.
        before: (classes,) float64; a class of 0 stays there.
        counts: (images, resamples) float64, how often each image was drawn.
        start: (classes,) float64, shares to start from; 0 where `before` is.
    """
    shares = start[:, None].repeat(1, counts.shape[1])
    moving = torch.arange(counts.shape[1])
    divided_by = torch.where(before > 0, before, 1.0)[:, None]
    # how many steps an extrapolation may stand for: more where it went well
    reach = torch.full((counts.shape[1],), 4.0, dtype=torch.float64)
    for _ in range(_MOST_ROUNDS):
        some = counts[:, moving]
        first = shares[:, moving]
        second, _ = _step(exact, divided_by, some, first)
        third, likely = _step(exact, divided_by, some, second)
        pace, bend = second - first, third - 2 * second + first
        far = (pace.norm(dim=0) / bend.norm(dim=0).clamp_min(1e-300)).clamp_min(1).minimum(reach[moving])
        ahead = (first + 2 * far * pace + far**2 * bend).maximum(third / 100)
        ended, likely_ahead = _step(exact, divided_by, some, ahead / ahead.sum(0))
        is_better = likely_ahead >= likely
        shares[:, moving] = torch.where(is_better, ended, third)
        further = torch.where(far < reach[moving], reach[moving], 4 * reach[moving])
        reach[moving] = torch.where(is_better, further, (far / 4).clamp_min(1))
        moving = moving[(third - second).abs().amax(0) >= _STILL]
        if not len(moving):
            break
    return shares


def _step(exact: Tensor, before: Tensor, counts: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean over images of each one's probabilities with these shares, without writing these down.

    Args:
        exact: (images, classes) float64, probabilities.
        before: (classes, 1) float64, above 0.
        counts: (images, resamples) float64.
        shares: (classes, resamples) float64.

    Returns:
        (classes, resamples), and how likely the images are with `shares`, (resamples,) in nats; float64.
    """
    ratios = shares / before
    likelihoods = (exact @ ratios).clamp_min(1e-300)
    step = ratios * (exact.T @ (counts / likelihoods))
    # less than all images where some are surely of classes whose share is unknown; of none, nothing is learnt
    total = step.sum(0)
    moved = torch.where(total > 0, step / total.clamp_min(1e-300), shares)
    return moved, (counts * likelihoods.log()).sum(0)
