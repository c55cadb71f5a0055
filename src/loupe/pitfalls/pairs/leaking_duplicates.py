from statistics import fmean

import torch

from loupe.pitfalls.drawing import draw_bars
from loupe.pitfalls.plain import Part, build_mlp, measure_accuracy, percent, split_digits, train
from loupe.pitfalls.registry import TellTale, register_pitfall
from loupe.pitfalls.side import Side
from loupe.runtime import Streams

_NUM_DRAWS = 6


@register_pitfall(
    "leaking-duplicates",
    title="Test images that were trained on",
    tell_tale=TellTale(
        "test accuracy that is reported",
        "percent",
        apart=0.03,
    ),
    rule="Look for equal and nearly equal images on both sides before anything is split or trained.",
    source="D-X-3",
    looks="Test accuracy is too good for so few training images, and better on some test images than on "
    "others for no reason.",
    in_loupe="`loupe audit` lists equal and nearly equal images; a pair on two sides is named as one.",
    lint="no text shows it: it lies in the images. `loupe audit RECIPE` looks there.",
)
class LeakingDuplicates:
    """Half of the test images are training images again, a little noisier."""

    def wrong(self, seed: int) -> Side:
        """Test on 120 images, 60 of which were trained on; six draws of all of them."""
        measured = []
        for draw in range(_NUM_DRAWS):
            part, rest = split_digits(_NUM_DRAWS * seed + draw, 60)
            generator = Streams(seed).generator("noise", draw)
            noise = 0.02 * torch.randn(part.images.shape, generator=generator)
            fresh = rest.take(torch.arange(60))
            mixed = Part(
                torch.cat([part.images + noise, fresh.images]), torch.cat([part.labels, fresh.labels])
            )
            measured.append(train_and_test(part, mixed, rest, seed))
        return show(measured)

    def right(self, seed: int) -> Side:
        """Test on 120 images, none of which was trained on; six draws of all of them."""
        measured = []
        for draw in range(_NUM_DRAWS):
            part, rest = split_digits(_NUM_DRAWS * seed + draw, 60)
            measured.append(train_and_test(part, rest.take(torch.arange(120)), rest, seed))
        return show(measured)


def train_and_test(part: Part, test: Part, fresh: Part, seed: int) -> tuple[float, float]:
    """Return the accuracy on the test images, and on more than a thousand that are surely new."""
    model = build_mlp(seed)
    train(model, part, seed, 60)
    return measure_accuracy(model, test), measure_accuracy(model, fresh)


def show(measured: list[tuple[float, float]]) -> Side:
    """Return what is reported on average, beside the truth."""
    reported, true = (fmean(values) for values in zip(*measured, strict=True))
    figure = draw_bars(
        {"reported": 100 * reported, "on images that are new": 100 * true},
        label="accuracy (%)",
        limits=(0, 115),
    )
    said = f"“{percent(reported)} with sixty training images”; on images that are new it is {percent(true)}."
    return Side(reported, said, figure, (("reported", percent(reported)), ("on new images", percent(true))))
