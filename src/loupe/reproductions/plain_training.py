"""Parts put together by hand, for what a recipe refuses: demonstrations of defects train with these."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from loupe.data import EvaluationBatches, Splits, TrainingBatches
from loupe.data.augmentations import Augmentation
from loupe.data.normalization import Normalization
from loupe.models import build_model
from loupe.runtime import Streams, computing
from loupe.training import (
    Classification,
    Reconstruction,
    Training,
    TrainingPlan,
    build_optimizer,
    build_schedule,
    fit,
)
from loupe.training.state import TrainingState

BATCH_SIZE = 32
"""Of the coursework's autoencoders and MLPs."""


def build_plainly(name: str, splits: Splits, seed: int, **settings: Any) -> nn.Module:
    """Return a registered network for the images of a split, its first weights drawn by the seed."""
    images = splits.train
    with Streams(seed).as_global("model"):
        return build_model(
            name,
            in_channels=images.in_channels,
            image_size=images.image_size,
            num_classes=images.num_classes,
            **settings,
        )


def train_plainly(
    model: nn.Module,
    splits: Splits,
    normalization: Normalization,
    seed: int,
    *,
    num_epochs: int,
    learning_rate: float,
    batch_size: int = BATCH_SIZE,
    augmentations: Sequence[Augmentation] = (),
) -> TrainingState:
    """Train a network in place, by Adam at a constant rate, and return what was reached.

    Args:
        model: a classifier, or an autoencoder, which learns to give its input back.
        splits: images; the test images are not touched.
        normalization: of the images.
        seed: of order and augmentations.
        num_epochs: epochs to train.
        learning_rate: Adam's.
        batch_size: images a step.
        augmentations: of training images.
    """
    streams = Streams(seed)
    train = TrainingBatches(splits.train, normalization, batch_size, streams, augmentations)
    is_autoencoder = hasattr(model, "decoder")
    with computing(1):
        plan = TrainingPlan(
            num_epochs,
            build_schedule("constant", num_epochs=num_epochs, steps_per_epoch=len(train)),
            Reconstruction() if is_autoencoder else Classification(),
            select_by="loss" if is_autoencoder else "accuracy",
        )
        validation = EvaluationBatches(splits.validation, normalization, 500)
        optimizer = build_optimizer("adam", model.parameters(), learning_rate=learning_rate)
        return fit(Training(model, train, validation, plan, optimizer, streams))


def list_seeds(values: Sequence[float], form: str = ".4f") -> str:
    """Return the figure of each seed: "0.0284, 0.0249"; "" for one."""
    return ", ".join(format(value, form) for value in values) if len(values) > 1 else ""
