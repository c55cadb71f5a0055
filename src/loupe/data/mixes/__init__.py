"""Mixes: training images blended in pairs, and their labels with them; one file each.

A mix is the last thing that happens to a training batch. Like an augmentation it is a value with its
random draws apart from their application; unlike one, it changes the labels too.
"""

from typing import Annotated, Any, Literal, NamedTuple, Protocol

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from loupe.registry import Registry

MIXES = Registry(
    "mix",
    "loupe.data.mixes",
    given=(),
    list_command="loupe mixes",
    methods={
        "draw": "draw(images, generator), which returns the random choices of a batch",
        "apply": "apply(images, targets, draw), which returns mixed images and their targets",
    },
)
register_mix = MIXES.register

Alpha = Annotated[
    float, Field(gt=0, le=100, description="Both parameters of the Beta distribution of the shares, > 0.")
]
UntilEpoch = Annotated[
    int | None, Field(ge=1, description="Last epoch that mixes; every epoch does if left out.")
]
SharePer = Annotated[
    Literal["batch", "image"], Field(description="Whether a batch has one share, or each image its own.")
]


class Mix(Protocol):
    """What blends training images in pairs."""

    @property
    def until_epoch(self) -> int | None:
        """The last epoch (1, 2, …) that mixes; None for all."""

    def draw(self, images: Tensor, generator: torch.Generator) -> Any:
        """Return the random choices for a batch of (batch, channels, height, width) images.

        Args:
            images: for their shape and device.
            generator: on the CPU.
        """

    def apply(self, images: Tensor, targets: Tensor, draw: Any) -> tuple[Tensor, Tensor]:
        """Return the mixed batch; the inputs stay as they were.

        Args:
            images: (batch, channels, height, width) float.
            targets: (batch, classes) float, each row adding to 1.
            draw: from `draw`.
        """


class Shares(NamedTuple):
    """Which image each image is mixed with, and how much of itself it keeps.

    Args:
        partners: (batch,) int64, a permutation of the batch.
        kept: (batch,) float in [0, 1].
    """

    partners: Tensor
    kept: Tensor


def build_mix(name: str, **settings: Any) -> Mix:
    """Return the mix called `name`.

    Raises:
        UnknownNameError: there is no such mix.
        LoupeError: a setting is unknown or out of range.
    """
    mix: Mix = MIXES.build(name, settings)
    return mix


def draw_shares(
    images: Tensor, alpha: float, share_per: Literal["batch", "image"], generator: torch.Generator
) -> Shares:
    """Return partners and shares from Beta(alpha, alpha), on the device of the images."""
    batch = len(images)
    partners = torch.randperm(batch, generator=generator)
    # torch's Beta draws from the global generator only; numpy's takes a seed from ours
    seed = int(torch.randint(2**62, (), generator=generator))
    count = batch if share_per == "image" else 1
    shares = torch.from_numpy(np.random.default_rng(seed).beta(alpha, alpha, count)).float().expand(batch)
    return Shares(partners.to(images.device), shares.to(images.device))


def blend(of_each: Tensor, draw: Shares) -> Tensor:
    """Return each row's share of itself plus the rest of its partner: images or targets."""
    kept = draw.kept.view(-1, *[1] * (of_each.ndim - 1))
    return torch.lerp(of_each[draw.partners], of_each, kept)
