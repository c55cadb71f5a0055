"""An autoencoder's error that falls with the batch size, whatever the autoencoder.

A coursework summed the mean errors of batches and divided by the number of images (D-004-11): what came out
is the error divided by the batch size. Sixty autoencoders of five batch sizes were compared by it.
"""

from statistics import fmean

from torch import nn

from loupe.data import EvaluationBatches, ImageDataset, load_dataset, split_dataset
from loupe.data.normalization import Normalization
from loupe.reproductions.plain_training import BATCH_SIZE, build_plainly, list_seeds, train_plainly
from loupe.reproductions.report import Demonstration
from loupe.training import Reconstruction
from loupe.training.measure import measure

_WIDTHS = (128, 64, 32, 10)
_RATE = 0.003
_BATCH_SIZES = (16, 32, 128, 256, 512)  # of the coursework's sixty
_UNIT = Normalization((0.0,), (1.0,))


def show_batch_sums(*, is_quick: bool = False) -> Demonstration:
    """Return the error of the same autoencoders by both formulas, over the batch size it is computed with.

    Args:
        is_quick: one seed and a tenth of the images, instead of three seeds and all of them.
    """
    seeds, fraction = ((0,), 0.1) if is_quick else ((0, 1, 2), 1.0)
    splits = split_dataset(load_dataset("fashion-mnist"), validation=5000, fraction=fraction)
    networks = [build_plainly("autoencoder", splits, seed, widths=_WIDTHS) for seed in seeds]
    untrained = [sum_batches(one, splits.validation, max(_BATCH_SIZES)) for one in networks]
    for seed, one in zip(seeds, networks, strict=True):
        train_plainly(one, splits, _UNIT, seed, num_epochs=2, learning_rate=_RATE)
    rows = []
    for size in _BATCH_SIZES:
        sums = [sum_batches(one, splits.validation, size) for one in networks]
        rows.append((f"as published, batches of {size}", f"{fmean(sums):.6f}", list_seeds(sums, ".6f")))
    worst = f"as published, the same before any training, batches of {max(_BATCH_SIZES)}"
    rows.append((worst, f"{fmean(untrained):.6f}", list_seeds(untrained, ".6f")))
    for size in (min(_BATCH_SIZES), max(_BATCH_SIZES)):
        means = [measure_error(one, splits.validation, size) for one in networks]
        rows.append((f"corrected, batches of {size}", f"{fmean(means):.6f}", list_seeds(means, ".6f")))
    return Demonstration(
        "D-004-11",
        "An error that falls with the batch size",
        "The mean errors of batches, added and divided by the number of images, are the error divided by the "
        "batch size: one and the same network looks 32 times as good in batches of 512 as in batches of 16; "
        "in batches of 512 even one that was never trained looks better than it in batches of 16. The mean "
        "over images does not know batches. "
        f"Mean squared error on 5,000 held-out images after two epochs, batch {BATCH_SIZE}, Adam at {_RATE}.",
        tuple(rows),
    )


def sum_batches(model: nn.Module, images: ImageDataset, batch_size: int) -> float:
    """Return the coursework's error: the sum of the batches' means divided by the number of images."""
    batches = EvaluationBatches(images, _UNIT, batch_size)
    means = [measure(model, [batch], Reconstruction()).loss for batch in batches]
    return sum(means) / len(images)


def measure_error(model: nn.Module, images: ImageDataset, batch_size: int) -> float:
    """Return the mean error over images."""
    return measure(model, EvaluationBatches(images, _UNIT, batch_size), Reconstruction()).loss
