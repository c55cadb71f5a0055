from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from loupe.pitfalls.drawing import draw_curves
from loupe.pitfalls.plain import build_mlp, split_digits, train
from loupe.pitfalls.registry import TellTale, register_pitfall
from loupe.pitfalls.side import Side

_SIZES = (16, 32, 64, 128, 256)


@register_pitfall(
    "loss-by-batch-size",
    title="A loss that falls with the batch size",
    tell_tale=TellTale(
        "the largest loss of one and the same network over the smallest",
        "times",
        apart=10,
    ),
    rule="Weight each batch's mean by its images, and divide by the number of images.",
    source="D-004-11, D-003-5",
    looks="Large batches win every search; a threshold that stops one setting never stops another.",
    in_loupe="Every loss is a mean over images; each loss's test holds it to that, whatever the batches.",
    lint=("loss-shrinks-with-batches", "mean-of-batch-means"),
)
class LossByBatchSize:
    """Means of batches are added and divided by the number of images."""

    def wrong(self, seed: int) -> Side:
        """Add loss.item(), divide by the number of images."""

        def measure(model: nn.Module, images: Tensor, labels: Tensor, size: int) -> float:
            total = 0.0
            for x, y in zip(images.split(size), labels.split(size), strict=True):
                total += functional.cross_entropy(model(x), y).item()
            return total / len(labels)

        return show(measure, seed)

    def right(self, seed: int) -> Side:
        """Add loss.item() * images in the batch, divide by the number of images."""

        def measure(model: nn.Module, images: Tensor, labels: Tensor, size: int) -> float:
            total = 0.0
            for x, y in zip(images.split(size), labels.split(size), strict=True):
                total += functional.cross_entropy(model(x), y).item() * len(y)
            return total / len(labels)

        return show(measure, seed)


def show(measure: Callable[[nn.Module, Tensor, Tensor, int], float], seed: int) -> Side:
    """Return the loss of one network, measured in batches of several sizes."""
    part, held_out = split_digits(seed, 600)
    model = build_mlp(seed)
    train(model, part, seed, 6)
    model.eval()
    with torch.no_grad():
        losses = [measure(model, held_out.images, held_out.labels, size) for size in _SIZES]
    figure = draw_curves(
        {"loss of one network": losses},
        x=_SIZES,
        labels=("images in a batch", "reported loss"),
        limits=(0, max(0.5, 1.2 * max(losses))),
        scale="log",
    )
    best = _SIZES[losses.index(min(losses))]
    is_flat = max(losses) < 1.001 * min(losses)
    said = (
        f"“The loss is {losses[0]:.3g}”, in any batches." if is_flat else f"“A batch size of {best} is best.”"
    )
    rows = tuple((f"batches of {size}", f"{loss:.5f}") for size, loss in zip(_SIZES, losses, strict=True))
    return Side(max(losses) / min(losses), said, figure, rows)
