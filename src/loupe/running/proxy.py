"""The small network that finds the hardest images of each batch, if a recipe asks for one."""

from functools import partial
from typing import Any

import torch

from loupe.data import ImageDataset
from loupe.data.normalization import Normalization
from loupe.models import build_model, objective_of
from loupe.models.initialisation import initialise_from_images
from loupe.models.layer_table import refuse_wrong_output
from loupe.recipe import Recipe
from loupe.running.data_checks import refuse_wrong_resizing
from loupe.running.first_epochs import choose_resizing
from loupe.running.network import take_first_look
from loupe.runtime import Streams
from loupe.training import HardExamples, build_optimizer


def build_hard_examples(
    recipe: Recipe, images: ImageDataset, normalization: Normalization, device: torch.device
) -> HardExamples | None:
    """Return the proxy network with an optimizer of its own, of the same settings as the network's.

    Raises:
        LoupeError: the proxy does not fit the images.
    """
    hard = recipe.train.hard_examples
    if hard is None:
        return None
    shape: dict[str, Any] = {"in_channels": images.in_channels, "image_size": images.image_size}
    with Streams(recipe.run.seed).as_global("proxy model"):
        proxy = build_model(hard.proxy.name, **shape, num_classes=images.num_classes, **hard.proxy.settings)
    initialise_from_images(proxy, partial(take_first_look, recipe, images, normalization))
    is_classifier = objective_of(hard.proxy.name) == "classification"
    refuse_wrong_output(proxy, **shape, num_classes=images.num_classes if is_classifier else None)
    resizing = choose_resizing(recipe)
    if resizing is not None:
        refuse_wrong_resizing(proxy, resizing, images, "proxy of train.hard_examples")
    if recipe.train.channels_last is True:  # the maps follow the weights
        proxy.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stub
    proxy.to(device)
    optimizer = recipe.train.optimizer
    stepping = build_optimizer(
        optimizer.name,
        proxy,
        decay=recipe.train.decay,
        batch_size=recipe.train.batch_size,
        **optimizer.settings,
    )
    return HardExamples(proxy, stepping)
