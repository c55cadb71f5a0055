import copy
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from loupe.pitfalls.drawing import draw_bars
from loupe.pitfalls.pairs.collapsed_autoencoder import build_autoencoder, restore, train_autoencoder
from loupe.pitfalls.plain import NUM_CLASSES, measure_accuracy, percent, split_digits, train
from loupe.pitfalls.registry import TellTale, register_pitfall
from loupe.pitfalls.side import Side
from loupe.runtime import Streams

_SIZES = (40, 100, 300)


@register_pitfall(
    "shared-weights",
    title="Weights shared instead of copied",
    tell_tale=TellTale(
        "the autoencoder's error after classifiers were trained, over that before",
        "times",
        apart=0.5,
    ),
    rule="Copy pre-trained layers (copy.deepcopy), so that every start is the same start.",
    source="D-004-14",
    looks="Pre-training helps more with each further classifier, and the autoencoder, looked at again, is "
    "spoilt.",
    in_loupe="`transfer.run` copies weights; the run they come from is never written to.",
    lint=("shared-weights", "best-by-reference"),
)
class SharedWeights:
    """The encoder itself, not a copy, is put into one classifier after the other."""

    def wrong(self, seed: int) -> Side:
        """nn.Sequential(encoder, head), trained; three times, with more labels each time."""
        return train_classifiers(lambda encoder: encoder, seed)

    def right(self, seed: int) -> Side:
        """nn.Sequential(copy.deepcopy(encoder), head)."""
        return train_classifiers(copy.deepcopy, seed)


def train_classifiers(take: Callable[[nn.Module], nn.Module], seed: int) -> Side:
    """Return what became of an autoencoder after its encoder was lent to three classifiers."""
    labelled, more, held_out = split_digits(seed, 300, 600)
    autoencoder = build_autoencoder(seed)
    train_autoencoder(autoencoder, more.images, seed, 20)
    before, rows = measure_error(autoencoder, held_out.images), []
    for size in _SIZES:
        with Streams(seed).as_global("head"):
            head = nn.Linear(10, NUM_CLASSES)
        classifier = nn.Sequential(take(autoencoder[0]), nn.ReLU(), head)
        train(classifier, labelled.take(torch.arange(size)), seed, 15)
        rows.append((f"accuracy with {size} labels", percent(measure_accuracy(classifier, held_out))))
    after = measure_error(autoencoder, held_out.images)
    figure = draw_bars(
        {"before": before, "after three classifiers": after},
        label="error of the autoencoder",
        limits=(0, 0.25),
        form=".4f",
    )
    said = "“The gain of pre-training grows with the data.” " + (
        "Each classifier went on from the last one." if after > 1.05 * before else "All started alike."
    )
    return Side(after / before, said, figure, tuple(rows))


def measure_error(autoencoder: nn.Module, images: torch.Tensor) -> float:
    """Return the mean squared error."""
    with torch.no_grad():
        return float(functional.mse_loss(restore(autoencoder, images), images))
