"""Losses: what training minimises; one file each. What is reported is no matter of theirs.

A loss is called with a network's outputs and what they should have been, and returns the mean over images, or
the loss of each. It is a mean over images in any case, so that a batch's loss is that of its parts, each
weighted by its images: micro-batches and shards of several processes rest on that.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from torch import Tensor

from loupe.registry import Builder, Registry

ObjectiveName = Literal["classification", "reconstruction"]
DEFAULT_LOSSES: dict[ObjectiveName, str] = {
    "classification": "cross-entropy",
    "reconstruction": "mean-squared-error",
}

LOSSES = Registry(
    "loss",
    "loupe.training.losses",
    given=(),
    offered=("label_smoothing", "class_counts"),
    list_command="loupe losses",
    methods={"__call__": "a function or torch module of (outputs, targets) that returns each image's loss"},
)


class Loss(Protocol):
    """What training minimises."""

    def __call__(self, outputs: Tensor, targets: Tensor, /) -> Tensor:
        """Return the mean loss of a batch, a scalar, or each image's, (batch,).

        Args:
            outputs: of a classifier logits, (batch, classes) float32; else images, (batch, …).
            targets: of a classifier labels, (batch,) int64, or (batch, classes) float32 with rows that add to
                1 where images are mixed; else the images that should have been given back.
        """


def register_loss(
    name: str, *, objective: ObjectiveName = "classification", takes_mixed_labels: bool = True
) -> Callable[[Builder], Builder]:
    """Return a decorator that registers what builds a loss from its settings.

    It is a class, or a function that returns a function: what is built is called with outputs, (batch, …)
    float, and targets, labels (batch,) int64 or shares of classes (batch, classes) float; it returns each
    image's loss, (batch,), or their mean.

    A builder that names `label_smoothing` (the recipe's) or `class_counts` (training images of each class, a
    tuple) among its parameters is given them.

    Args:
        name: what recipes call it.
        objective: what the networks are for that it trains.
        takes_mixed_labels: whether targets may be shares of classes, (batch, classes) float.
    """
    return LOSSES.register(name, objective=objective, takes_mixed_labels=takes_mixed_labels)


def build_loss(
    name: str, settings: Mapping[str, Any], *, label_smoothing: float = 0.0, class_counts: Sequence[int]
) -> Loss:
    """Return the loss called `name`.

    Args:
        name: registered name; `loupe losses` lists them.
        settings: its own settings.
        label_smoothing: probability spread over all classes, in [0, 1), for a loss that smooths.
        class_counts: training images of each class.

    Raises:
        UnknownNameError: there is no such loss.
        LoupeError: a setting is unknown or out of range.
    """
    loss: Loss = LOSSES.build(
        name, settings, label_smoothing=label_smoothing, class_counts=tuple(class_counts)
    )
    return loss


def compute_each(loss: Loss, outputs: Tensor, targets: Tensor) -> Tensor:
    """Return each image's loss, (batch,); a loss that returns means says it by a method `each`.

    Raises:
        TypeError: the loss returns means only.
    """
    losses: Tensor = getattr(loss, "each", loss)(outputs, targets)
    if losses.shape != outputs.shape[:1]:
        raise TypeError("it returns the mean of a batch; a method `each` would return each image's loss")
    return losses


def average(losses: Tensor) -> Tensor:
    """Return the mean over images of what a loss returned; a scalar is one already."""
    return losses if losses.ndim == 0 else losses.mean()


def share_targets(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return targets as shares of classes, (batch, classes) float, whether they were labels or shares."""
    if targets.is_floating_point():
        return targets
    return outputs.new_zeros(outputs.shape).scatter_(1, targets[:, None], 1.0)
