"""Everything a recipe asks for, built and checked against the data, before the first step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from loupe.data import (
    Augmentation,
    Dataset,
    ImageDataset,
    Splits,
    build_augmentation,
    load_dataset,
    split_dataset,
    take_stratified,
)
from loupe.data.batches import EvaluationBatches, TrainingBatches
from loupe.data.normalization import Normalization, find_known_problem, find_preset, measure_normalization
from loupe.errors import DataError
from loupe.models import build_model
from loupe.models.layer_table import LayerTable, describe_layers, refuse_wrong_output
from loupe.recipe import Recipe
from loupe.runtime import Streams
from loupe.training import build_optimizer, build_schedule
from loupe.training.schedules import Schedule


@dataclass(frozen=True)
class Bench:
    """What lies ready for a run.

    Args:
        device: where it computes.
        splits: training, validation and locked test images.
        normalization: applied to every image, whatever its split.
        model: freshly initialised, on the device.
        layers: its layers, with their output shapes and parameters.
        train: shuffled, augmented batches.
        validation: batches that select.
        clean_train: part of the training images, measured as validation is; None if not wanted.
        warnings: what the reader of the figures should know.
    """

    device: torch.device
    splits: Splits
    normalization: Normalization
    model: nn.Module
    layers: LayerTable
    train: TrainingBatches
    validation: EvaluationBatches
    clean_train: EvaluationBatches | None
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    warnings: tuple[str, ...]

    def describe_network(self, recipe: Recipe) -> dict[str, Any]:
        """Return what someone needs to use the weights: network, input, classes."""
        train = self.splits.train
        return {
            "recipe": recipe.name,
            "model": {"name": recipe.model.name, **recipe.model.settings},
            "in_channels": train.in_channels,
            "image_size": list(train.image_size),
            "class_names": list(train.class_names),
            "normalization": {"mean": self.normalization.mean, "sd": self.normalization.sd},
        }


def load_recipe_data(recipe: Recipe) -> Dataset:
    """Return the dataset a recipe names, with its classes."""
    return load_dataset(recipe.data.name, classes=recipe.data.classes, **recipe.data.settings)


def split_recipe_data(recipe: Recipe, dataset: Dataset) -> Splits:
    """Return the splits a recipe describes."""
    return split_dataset(
        dataset,
        validation=recipe.data.validation,
        fraction=recipe.data.fraction,
        seed=recipe.split_seed,
    )


def set_up(recipe: Recipe, device: torch.device, streams: Streams, dataset: Dataset) -> Bench:
    """Build everything a recipe asks for.

    Raises:
        LoupeError: the parts do not fit one another or the data.
    """
    splits = split_recipe_data(recipe, dataset)
    normalization = choose_normalization(recipe, splits)
    train_images, batch_size = splits.train, recipe.evaluate.batch_size
    with streams.as_global("model"):
        model = build_model(
            recipe.model.name,
            in_channels=train_images.in_channels,
            image_size=train_images.image_size,
            num_classes=train_images.num_classes,
            **recipe.model.settings,
        )
    shape: dict[str, Any] = {
        "in_channels": train_images.in_channels,
        "image_size": train_images.image_size,
    }
    refuse_wrong_output(model, **shape, num_classes=train_images.num_classes)
    layers = describe_layers(model, **shape)
    augmentations = [build_augmentation(choice.name, **choice.settings) for choice in recipe.data.augment]
    refuse_wrong_augmentations(augmentations, train_images)
    model.to(device)
    train = TrainingBatches(
        train_images.to(device),
        normalization,
        recipe.train.batch_size,
        streams,
        augmentations,
    )
    optimizer, schedule = recipe.train.optimizer, recipe.train.schedule
    clean = recipe.train.clean_train_images
    return Bench(
        device=device,
        splits=splits,
        normalization=normalization,
        model=model,
        layers=layers,
        train=train,
        validation=EvaluationBatches(splits.validation.to(device), normalization, batch_size),
        clean_train=EvaluationBatches(
            take_stratified(train_images, clean, recipe.split_seed).to(device), normalization, batch_size
        )
        if clean
        else None,
        optimizer=build_optimizer(
            optimizer.name, model.parameters(), decay=recipe.train.decay, **optimizer.settings
        ),
        schedule=build_schedule(
            schedule.name, num_epochs=recipe.train.epochs, steps_per_epoch=len(train), **schedule.settings
        ),
        warnings=find_warnings(normalization, splits),
    )


def refuse_wrong_augmentations(augmentations: Sequence[Augmentation], images: ImageDataset) -> None:
    """Try each augmentation on two images.

    Raises:
        DataError: one fails, or returns images of another shape or type.
    """
    batch = images.images[:2]
    for augmentation in augmentations:
        name = type(augmentation).__name__
        try:
            changed = augmentation.apply(batch, augmentation.draw(batch, torch.Generator().manual_seed(0)))
            got = f"{changed.dtype} of shape {tuple(changed.shape)}"
        except Exception as error:  # a user's own augmentation can fail in any way
            got = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        wanted = f"{batch.dtype} of shape {tuple(batch.shape)}"
        if got != wanted:
            raise DataError(
                f"The augmentation {name} does not fit these images.",
                got=got,
                allowed=f"{wanted}, as it was given",
                next_step="change its settings in data.augment, or leave it out",
            )


def choose_normalization(recipe: Recipe, splits: Splits) -> Normalization:
    """Return the normalisation a recipe states, or the one measured on the training split.

    Raises:
        DataError: stated constants are not one per channel.
    """
    stated = recipe.data.normalize
    if stated == "measured":
        return measure_normalization(splits.train.images)
    chosen = (
        find_preset(stated).normalization
        if isinstance(stated, str)
        else Normalization(stated.mean, stated.sd)
    )
    channels = splits.train.in_channels
    if not len(chosen.mean) == len(chosen.sd) == channels:
        raise DataError(
            f"The normalisation does not fit images with {channels} channel(s).",
            got=f"mean {chosen.mean}, sd {chosen.sd}",
            allowed=f"{channels} number(s) each",
            next_step='set data.normalize = "measured"',
        )
    return chosen


def find_warnings(normalization: Normalization, splits: Splits) -> tuple[str, ...]:
    """Return what the reader of this run's figures should know."""
    warnings = []
    problem = find_known_problem(normalization)
    if problem:
        warnings.append(f"Normalisation: {problem}. Measured on the training split, sd is right.")
    counts = splits.train.class_counts()
    if max(counts) > 2 * min(counts):
        names = splits.train.class_names
        most, least = counts.index(max(counts)), counts.index(min(counts))
        warnings.append(
            f"The classes are unbalanced: {names[most]} has {counts[most]} training images, "
            f"{names[least]} {counts[least]}. Read the per-class accuracies, not only the overall one."
        )
    return tuple(warnings)
