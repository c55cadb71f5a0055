from statistics import fmean

import torch

from loupe.data.stratified import hold_out
from loupe.pitfalls.drawing import draw_bars
from loupe.pitfalls.plain import NUM_CLASSES, load_digits
from loupe.pitfalls.registry import TellTale, register_pitfall
from loupe.pitfalls.side import Side
from loupe.runtime import Streams

_SIZE, _NUM_DRAWS = 20, 200


@register_pitfall(
    "unstratified-split",
    title="A tiny split without regard to classes",
    tell_tale=TellTale(
        "classes without a single image among 20 held out, on average",
        "classes",
        apart=0.5,
    ),
    rule="Stratify: every class in proportion; and hold more out.",
    source="D-004-6, D-002-10",
    looks="Some class has no accuracy at all, another rests on one image, and the next seed says otherwise.",
    in_loupe="Splits are stratified and seeded; parts of the training images nest.",
    lint=("unstratified-split", "unseeded-split", "first-images-split"),
)
class UnstratifiedSplit:
    """Twenty validation images of ten classes are drawn at random."""

    def wrong(self, seed: int) -> Side:
        """Draw 20 images as random_split does, 200 times."""
        labels = load_digits().labels
        generator = Streams(seed).generator("split")
        draws = [torch.randperm(len(labels), generator=generator)[:_SIZE] for _ in range(_NUM_DRAWS)]
        return show([torch.bincount(labels[one], minlength=NUM_CLASSES) for one in draws])

    def right(self, seed: int) -> Side:
        """Draw 20 images class by class, 200 times."""
        labels = load_digits().labels
        generator = Streams(seed).generator("split")
        draws = [hold_out(labels, _SIZE, generator, num_classes=NUM_CLASSES)[1] for _ in range(_NUM_DRAWS)]
        return show([torch.bincount(labels[one], minlength=NUM_CLASSES) for one in draws])


def show(counts: list[torch.Tensor]) -> Side:
    """Return how many classes are missing on average, and the first draw's counts."""
    missing = fmean(float((one == 0).sum()) for one in counts)
    most = fmean(float(one.max()) for one in counts)
    first = counts[0].tolist()
    figure = draw_bars(
        {str(digit): float(count) for digit, count in enumerate(first)},
        label=f"images of each class among {_SIZE} (one draw)",
        limits=(0, 7),
        form=".0f",
    )
    said = f"“Fully balanced”: of {len(first)} classes, {first.count(0)} got no image in this draw."
    rows = (
        ("draws with a class missing", f"{sum(bool((one == 0).any()) for one in counts)} of {len(counts)}"),
        ("images of the most frequent class, on average", f"{most:.1f}"),
    )
    return Side(missing, said, figure, rows)
