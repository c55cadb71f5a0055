import torch
from torch import Tensor, nn
from torch.nn import functional

from loupe.pitfalls.drawing import draw_pictures
from loupe.pitfalls.plain import Part, build_mlp, measure_accuracy, percent, split_digits, train
from loupe.pitfalls.registry import TellTale, register_pitfall
from loupe.pitfalls.side import Side
from loupe.runtime import Streams


@register_pitfall(
    "augmented-evaluation",
    title="Augmenting the images that judge",
    tell_tale=TellTale(
        "accuracy that is reported",
        "percent",
        apart=-0.1,
    ),
    rule="Augment training images only; judge on the images as they are.",
    source="D-002-4, D-000-1",
    looks="Validation lies far below what the network can do, and says something else each time it is asked.",
    in_loupe="A recipe's augmentations are of the training images; there is no field for the others.",
    lint=("augmented-evaluation", "shared-dataset-transform"),
)
class AugmentedEvaluation:
    """The random crops of training are cut out of validation and test images too."""

    def wrong(self, seed: int) -> Side:
        """Judge the network on random crops, five times."""
        model, held_out = train_once(seed)
        generator = Streams(seed).generator("crops")
        crops = [Part(crop(held_out.images, generator), held_out.labels) for _ in range(5)]
        measured = [measure_accuracy(model, one) for one in crops]
        return show(measured, crops[0].images)

    def right(self, seed: int) -> Side:
        """Judge the same network on the images, five times."""
        model, held_out = train_once(seed)
        measured = [measure_accuracy(model, held_out) for _ in range(5)]
        return show(measured, held_out.images)


def train_once(seed: int) -> tuple[nn.Module, Part]:
    """Return a network trained on random crops, and the images to judge it."""
    train_part, held_out = split_digits(seed, 700)
    generator = Streams(seed).generator("augment")
    both = Part(
        torch.cat([train_part.images, crop(train_part.images, generator)]),
        torch.cat([train_part.labels, train_part.labels]),
    )
    model = build_mlp(seed)
    train(model, both, seed, 15)
    return model, held_out


def crop(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return of each image a random square of 4 to 8 pixels, enlarged to 8 x 8 again."""
    cut = []
    for image in images:
        side = int(torch.randint(4, 9, (), generator=generator))
        top, left = torch.randint(0, 9 - side, (2,), generator=generator).tolist()
        part = image[None, :, top : top + side, left : left + side]
        cut.append(functional.interpolate(part, (8, 8), mode="bilinear"))
    return torch.cat(cut)


def show(measured: list[float], images: Tensor) -> Side:
    """Return the mean of what was measured, and what the network was asked."""
    mean, spread = sum(measured) / len(measured), max(measured) - min(measured)
    figure = draw_pictures(list(images[:12, 0]), 2, 6, limits=(0, 1))
    said = (
        f"“{percent(mean)} on validation.” Asked five times, the answers lie {100 * spread:.1f} points apart."
    )
    rows = tuple((f"answer {number}", percent(one)) for number, one in enumerate(measured, 1))
    return Side(mean, said, figure, rows)
