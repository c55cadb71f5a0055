from collections.abc import Callable

import torch
from torch import Tensor, nn

from loupe.pitfalls.drawing import draw_curves
from loupe.pitfalls.registry import TellTale, register_pitfall
from loupe.pitfalls.side import Side
from loupe.runtime import Streams

_SIZES = (2, 4, 8, 16, 32, 64, 128, 256)
_EPS = 1e-5


@register_pitfall(
    "unbiased-batch-norm",
    title="Batch norm with the wrong deviation",
    tell_tale=TellTale(
        "largest difference from torch's batch norm, batches of 4",
        "",
        apart=0.05,
    ),
    rule="Normalise with the biased variance and eps under the root; hold a layer of your own against "
    "torch's.",
    source="D-002-3",
    looks="A hand-written layer agrees with another of the same make, and is off from torch's by a little "
    "more the smaller the batch.",
    in_loupe="`loupe check-layer FILE` holds a layer against torch's and names this fault.",
    lint=("unbiased-variance", "eps-outside-root"),
)
class UnbiasedBatchNorm:
    """Batches are divided by torch's std, which is unbiased, plus eps."""

    def wrong(self, seed: int) -> Side:
        """(x - mean) / (std + eps), with std as torch gives it."""

        def normalise(x: Tensor) -> Tensor:
            return (x - x.mean(0)) / (x.std(0) + _EPS)

        return show(normalise, seed)

    def right(self, seed: int) -> Side:
        """(x - mean) / sqrt(var + eps), with the biased variance."""

        def normalise(x: Tensor) -> Tensor:
            return (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + _EPS)

        return show(normalise, seed)


def show(normalise: Callable[[Tensor], Tensor], seed: int) -> Side:
    """Return how far a batch norm is from torch's, over sizes of batches."""
    generator, gaps = Streams(seed).generator("batches"), []
    for size in _SIZES:
        x = torch.randn(size, 64, generator=generator)
        theirs = nn.BatchNorm1d(64, eps=_EPS, affine=False).train()(x)
        gaps.append(float((normalise(x) - theirs).abs().max()))
    figure = draw_curves(
        {"largest difference from torch": gaps},
        x=_SIZES,
        labels=("images in a batch", "difference of a normalised value"),
        limits=(-0.02, 0.5),
        scale="log",
    )
    said = "“My batch norm agrees with the one from the course.”"
    rows = tuple((f"batches of {size}", f"{gap:.2g}") for size, gap in zip(_SIZES, gaps, strict=True))
    return Side(gaps[_SIZES.index(4)], said, figure, rows)
