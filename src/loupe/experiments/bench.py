"""Everything a recipe asks for, built and checked against the data, before the first step."""

from collections.abc import Mapping, Sequence
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
from loupe.data.mixes import build_mix
from loupe.data.normalization import Normalization, find_known_problem, find_preset, measure_normalization
from loupe.errors import DataError
from loupe.experiments.network import build_network
from loupe.models import objective_of
from loupe.models.layer_table import LayerTable, describe_layers, refuse_wrong_output
from loupe.recipe import Recipe
from loupe.runtime import Precision, Streams, choose_precision
from loupe.training import (
    Classification,
    Objective,
    Reconstruction,
    build_optimizer,
    build_schedule,
)
from loupe.training.schedules import Schedule

_SMALL_SHIFT = 0.02  # of normalisation constants, where differently drawn splits would differ less


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
        objective: what the network is trained for.
        precision: what layers compute in.
        notes: what was copied into the network and frozen.
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
    objective: Objective
    precision: Precision
    notes: tuple[str, ...]
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
            "objective": objective_of(recipe.model.name),
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
    shape: dict[str, Any] = {
        "in_channels": train_images.in_channels,
        "image_size": train_images.image_size,
    }
    network = build_network(recipe, **shape, num_classes=train_images.num_classes)
    model, objective = network.model, choose_objective(recipe)
    is_classifier = isinstance(objective, Classification)
    refuse_wrong_output(model, **shape, num_classes=train_images.num_classes if is_classifier else None)
    if not is_classifier:
        refuse_unreachable_pixels(model, normalization, train_images)
    layers = describe_layers(model, **shape)
    augmentations = [build_augmentation(choice.name, **choice.settings) for choice in recipe.data.augment]
    refuse_wrong_augmentations(augmentations, train_images)
    if recipe.train.channels_last:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
    model.to(device)  # the maps follow the weights
    if recipe.train.compile:
        model.compile()
    train = TrainingBatches(
        train_images.to(device),
        normalization,
        recipe.train.batch_size,
        streams,
        augmentations,
        build_mix(recipe.data.mix.name, **recipe.data.mix.settings) if recipe.data.mix else None,
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
            schedule.name,
            num_epochs=recipe.train.epochs,
            steps_per_epoch=len(train),
            warmup_epochs=recipe.train.warmup_epochs,
            **schedule.settings,
        ),
        objective=objective,
        precision=choose_precision(recipe.train.precision, device),
        notes=network.notes,
        warnings=(
            *find_warnings(normalization, splits),
            *find_transfer_warnings(normalization, network.source),
        ),
    )


def choose_objective(recipe: Recipe) -> Objective:
    """Return what the recipe's model is for."""
    if objective_of(recipe.model.name) == "reconstruction":
        return Reconstruction()
    return Classification(recipe.train.label_smoothing)


def refuse_unreachable_pixels(model: nn.Module, normalization: Normalization, images: ImageDataset) -> None:
    """Check that a network which gives images back can give their pixels, if it says what it can give.

    Raises:
        DataError: normalised pixels lie outside the range of its output.
    """
    reach = getattr(model, "output_range", None)
    if reach is None:
        return
    low, high = reach
    some = normalization.apply(images.images[:5000].cpu())
    if float(some.min()) >= low - 1e-6 and float(some.max()) <= high + 1e-6:
        return
    error = float((some - some.clamp(low, high)).square().mean())
    raise DataError(
        "This network cannot give its images back: the normalised pixels lie outside its output's range.",
        got=f"pixels from {float(some.min()):.2f} to {float(some.max()):.2f}, outputs from {low:g} to "
        f"{high:g}; no weights could do better than a mean squared error of {error:.3f}",
        allowed="pixels inside the range of the last activation",
        next_step='set data.normalize="none" (pixels stay in [0, 1]), or model.output=linear',
    )


def find_transfer_warnings(normalization: Normalization, source: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return a warning if copied weights were learnt from differently normalised images."""
    if source is None:
        return ()
    mean, sd = tuple(source["normalization"]["mean"]), tuple(source["normalization"]["sd"])
    ours = (*normalization.mean, *normalization.sd)
    if len(ours) == len(mean) + len(sd) and all(
        abs(a - b) < _SMALL_SHIFT for a, b in zip(ours, (*mean, *sd), strict=True)
    ):
        return ()
    there, here = _write(mean, sd), _write(normalization.mean, normalization.sd)
    return (
        f"The copied weights were learnt from images normalised with {there}; here it is {here}. "
        "data.normalize = {mean = …, sd = …} makes them alike.",
    )


def _write(mean: Sequence[float], sd: Sequence[float]) -> str:
    means, sds = (", ".join(f"{value:.3f}" for value in values) for values in (mean, sd))
    return f"mean {means} and sd {sds}"


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
    stated, channels = recipe.data.normalize, splits.train.in_channels
    if stated == "measured":
        return measure_normalization(splits.train.images)
    if stated == "none":
        return Normalization((0.0,) * channels, (1.0,) * channels)
    chosen = (
        find_preset(stated).normalization
        if isinstance(stated, str)
        else Normalization(stated.mean, stated.sd)
    )
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
