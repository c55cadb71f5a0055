"""An autoencoder whose pixels lie out of its sigmoid's reach, beside one whose pixels do not.

A coursework normalised Fashion-MNIST to [-1, 1] and had a sigmoid, which gives [0, 1], paint the pixels
(D-004-12). A recipe that asks for this is refused; here the parts are put together by hand to show what
happens.
"""

from collections.abc import Sequence
from statistics import fmean

from loupe.data import Splits, load_dataset, split_dataset
from loupe.data.normalization import Normalization
from loupe.reproductions.plain_training import BATCH_SIZE, build_plainly, list_seeds, train_plainly
from loupe.reproductions.report import Demonstration

_WIDTHS = (128, 64, 32, 10)
_RATE = 0.01  # the coursework's choice


def show_collapse(*, is_quick: bool = False) -> Demonstration:
    """Return the errors of both, with what one level everywhere would score and the best a sigmoid could do.

    Args:
        is_quick: one seed and a tenth of the images, instead of three seeds and all of them.
    """
    seeds, fraction = ((0,), 0.1) if is_quick else ((0, 1, 2), 1.0)
    splits = split_dataset(load_dataset("fashion-mnist"), validation=5000, fraction=fraction)
    wrong, right = Normalization((0.5,), (0.5,)), Normalization((0.0,), (1.0,))
    pixels = wrong.apply(splits.validation.pixels)
    middle, reach = float(pixels.square().mean()), float(pixels.clamp(max=0).square().mean())
    black = float((pixels + 1).square().mean())
    mean_image = right.apply(splits.train.pixels).mean(0)
    plain = right.apply(splits.validation.pixels)
    guess = float((plain - mean_image).square().mean())
    collapsed, corrected = (train_all(splits, one, seeds) for one in (wrong, right))
    return Demonstration(
        "D-004-12",
        "An autoencoder out of its reach",
        "Pixels in [-1, 1] under a sigmoid, which gives [0, 1]: the network ends at the error of an output "
        "of 0 everywhere, the middle grey. With pixels in [0, 1] the same network learns. Mean squared error "
        f"on 5,000 held-out images, two epochs, batch {BATCH_SIZE}, Adam at {_RATE}.",
        (
            ("as published: pixels in [-1, 1]", f"{fmean(collapsed):.4f}", list_seeds(collapsed)),
            ("0 everywhere, the middle grey of [-1, 1]", f"{middle:.4f}", ""),
            ("-1 everywhere, black", f"{black:.4f}", ""),
            ("the best any output in [0, 1] could do there", f"{reach:.4f}", ""),
            ("corrected: pixels in [0, 1]", f"{fmean(corrected):.4f}", list_seeds(corrected)),
            ("the mean image, pixels in [0, 1]", f"{guess:.4f}", ""),
        ),
    )


def train_all(splits: Splits, normalization: Normalization, seeds: Sequence[int]) -> list[float]:
    """Return the validation error of an autoencoder after its training, for each seed."""
    errors = []
    for seed in seeds:
        autoencoder = build_plainly("autoencoder", splits, seed, widths=_WIDTHS)
        state = train_plainly(autoencoder, splits, normalization, seed, num_epochs=2, learning_rate=_RATE)
        assert state.best is not None
        errors.append(state.best.validation_loss)
    return errors
