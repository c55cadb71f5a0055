"""An autoencoder whose pixels lie out of its sigmoid's reach, beside one whose pixels do not.

A coursework normalised Fashion-MNIST to [-1, 1] and had a sigmoid, which gives [0, 1], paint the pixels
(D-004-12). A recipe that asks for this is refused; here the parts are put together by hand to show what
happens.
"""

from collections.abc import Sequence
from statistics import fmean

from loupe.data import EvaluationBatches, Splits, TrainingBatches, load_dataset, split_dataset
from loupe.data.normalization import Normalization
from loupe.models import build_model
from loupe.reproductions.report import Demonstration
from loupe.runtime import Streams, computing
from loupe.training import Reconstruction, Training, TrainingPlan, build_optimizer, build_schedule, fit

_WIDTHS = (128, 64, 32, 10)
_BATCH_SIZE, _RATE = 32, 0.01  # the coursework's choice


def show_collapse(*, is_quick: bool = False) -> Demonstration:
    """Return the errors of both, with what a black image would score and the best a sigmoid could reach.

    Args:
        is_quick: one seed and a tenth of the images, instead of three seeds and all of them.
    """
    seeds, fraction = ((0,), 0.1) if is_quick else ((0, 1, 2), 1.0)
    splits = split_dataset(load_dataset("fashion-mnist"), validation=5000, fraction=fraction)
    wrong, right = Normalization((0.5,), (0.5,)), Normalization((0.0,), (1.0,))
    pixels = wrong.apply(splits.validation.images)
    black, reach = float(pixels.square().mean()), float(pixels.clamp(max=0).square().mean())
    mean_image = right.apply(splits.train.images).mean(0)
    plain = right.apply(splits.validation.images)
    guess = float((plain - mean_image).square().mean())
    collapsed, corrected = (train_all(splits, one, seeds) for one in (wrong, right))
    return Demonstration(
        "D-004-12",
        "An autoencoder out of its reach",
        "Pixels in [-1, 1] under a sigmoid, which gives [0, 1]: the network ends at the error of a black "
        "image. With pixels in [0, 1] the same network learns. Mean squared error on 5,000 held-out images, "
        f"two epochs, batch {_BATCH_SIZE}, Adam at {_RATE}.",
        (
            ("as published: pixels in [-1, 1]", f"{fmean(collapsed):.4f}", _list(collapsed)),
            ("a black image, pixels in [-1, 1]", f"{black:.4f}", ""),
            ("the best any output in [0, 1] could do there", f"{reach:.4f}", ""),
            ("corrected: pixels in [0, 1]", f"{fmean(corrected):.4f}", _list(corrected)),
            ("the mean image, pixels in [0, 1]", f"{guess:.4f}", ""),
        ),
    )


def train_all(splits: Splits, normalization: Normalization, seeds: Sequence[int]) -> list[float]:
    """Return the validation error of an autoencoder after its training, for each seed."""
    return [train_autoencoder(splits, normalization, seed, num_epochs=2) for seed in seeds]


def train_autoencoder(splits: Splits, normalization: Normalization, seed: int, *, num_epochs: int) -> float:
    """Return the best validation error of the coursework's autoencoder under a normalisation."""
    streams, images = Streams(seed), splits.train
    with streams.as_global("model"):
        model = build_model(
            "autoencoder",
            in_channels=images.in_channels,
            image_size=images.image_size,
            num_classes=images.num_classes,
            widths=_WIDTHS,
        )
    train = TrainingBatches(images, normalization, _BATCH_SIZE, streams)
    with computing(1):
        plan = TrainingPlan(
            num_epochs,
            build_schedule("constant", num_epochs=num_epochs, steps_per_epoch=len(train)),
            Reconstruction(),
            select_by="loss",
        )
        validation = EvaluationBatches(splits.validation, normalization, 500)
        optimizer = build_optimizer("adam", model.parameters(), learning_rate=_RATE)
        state = fit(Training(model, train, validation, plan, optimizer, streams))
    assert state.best is not None
    return state.best.validation_loss


def _list(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4f}" for value in values) if len(values) > 1 else ""
