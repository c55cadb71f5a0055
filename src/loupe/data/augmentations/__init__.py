"""Augmentations: one file each, batched, per image, their random draws apart from their application."""

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from loupe.registry import Registry
from loupe.runtime import Streams


class Augmentation(Protocol):
    """What changes training images at random.

    Drawing and applying are two steps, so that a draw can be looked at, repeated or chosen by hand.
    """

    def draw(self, images: Tensor, generator: torch.Generator) -> Any:
        """Return the random choices for a batch, each image's own: a tensor, or a named tuple of tensors.

        Args:
            images: (batch, channels, height, width), not yet normalised: uint8, or float32 from 0 to 255.
            generator: on the device of the images; the only source of chance.
        """

    def apply(self, images: Tensor, draw: Any) -> Tensor:
        """Return the changed batch, of the same shape and dtype; the input stays as it was.

        What works on the 256 levels of a pixel (colours, policies) rounds float32 images to them first.
        """


@runtime_checkable
class PlannedAugmentation(Protocol):
    """An augmentation whose draws depend on which image it is and on the epoch, not on chance alone."""

    def plan_epoch(self, num_images: int, epoch: int, streams: Streams) -> Tensor:
        """Return the draws of a whole epoch (1, 2, …) on the CPU, row i for training image i.

        They are used in the place of what `draw` returns. A function of its arguments only, so that a resumed
        run draws the same.
        """

    def apply(self, images: Tensor, draw: Any) -> Tensor:
        """Return the changed batch."""


AUGMENTATIONS = Registry(
    "augmentation",
    "loupe.data.augmentations",
    given=(),
    list_command="loupe augmentations",
    methods={
        "draw or plan_epoch": "draw(images, generator), which returns each image's random choices",
        "apply": "apply(images, draw), which returns the changed images",
    },
)
register_augmentation = AUGMENTATIONS.register


def does_mirror(augmentation: object) -> bool:
    """Return whether an augmentation mirrors images left to right: its class says so, `mirrors = True`."""
    return bool(getattr(augmentation, "mirrors", False))


def build_augmentation(name: str, **settings: Any) -> Augmentation:
    """Return the augmentation called `name`.

    Raises:
        UnknownNameError: there is no such augmentation.
        LoupeError: a setting is unknown or out of range.
    """
    augmentation: Augmentation = AUGMENTATIONS.build(name, settings)
    return augmentation


def take_draws(draw: Any, part: slice) -> Any:
    """Return the random choices of a part of a batch: of every tensor in a draw, those images' rows."""
    if isinstance(draw, tuple):
        return type(draw)(*(take_draws(one, part) for one in draw))
    return draw[part] if isinstance(draw, Tensor) else draw
