"""Everything a recipe asks for, built and checked against the data, before the first step."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from loupe.data import (
    Dataset,
    ImageDataset,
    Splits,
    build_augmentation,
    load_dataset,
    split_dataset,
    take_stratified,
)
from loupe.data.batches import EvaluationBatches, ProgressiveResizing, TrainingBatches
from loupe.data.mixes import build_mix
from loupe.data.normalization import Normalization, find_preset, measure_normalization
from loupe.errors import DataError, LoupeError, RunError
from loupe.models import objective_of
from loupe.models.layer_table import LayerTable, describe_layers, refuse_wrong_output
from loupe.recipe import Recipe
from loupe.running.data_checks import (
    find_mirror_warnings,
    find_other_classes,
    find_transfer_warnings,
    find_warnings,
    refuse_lonely_batches,
    refuse_unreachable_pixels,
    refuse_wrong_augmentations,
    refuse_wrong_resizing,
)
from loupe.running.network import Network, build_network, take_first_look
from loupe.running.plan import count_classes, plan_training
from loupe.running.process_group.checks import describe_group, refuse_small_shards
from loupe.running.proxy import build_hard_examples
from loupe.runs import RunFolder
from loupe.runtime import Precision, Streams
from loupe.training import HardExamples, Objective, TrainingPlan, build_optimizer


@dataclass(frozen=True)
class TrainingSetup:
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
        optimizer: over the network's parameters.
        plan: how the network is trained.
        hard_examples: what picks the hardest images of each batch; None if all are trained on.
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
    plan: TrainingPlan
    hard_examples: HardExamples | None
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def objective(self) -> Objective:
        """What the network is trained for."""
        return self.plan.objective

    @property
    def precision(self) -> Precision:
        """What layers compute in."""
        return self.plan.precision

    def describe_network(self, recipe: Recipe) -> dict[str, Any]:
        """Return what someone needs to use the weights: network, input, classes."""
        train = self.splits.train
        return {
            "recipe": recipe.name,
            "model": {"name": recipe.model.name, **recipe.model.settings},
            "in_channels": train.in_channels,
            "image_size": list(train.image_size),
            "class_names": list(train.class_names),
            "normalization": {"mean": self.normalization.mean, "std": self.normalization.std},
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


def load_validation_images(run: RunFolder) -> ImageDataset:
    """Return the validation images of a run, in the order of its stored predictions.

    Raises:
        RunError: they are not what they were when it was trained.
        LoupeError: the data is gone.
    """
    recipe = run.read_recipe()
    validation = split_recipe_data(recipe, load_recipe_data(recipe)).validation
    if validation.digest != run.read_environment()["data_digests"]["validation"]:
        raise RunError(
            f"The validation images of run {run.path.name} are not what they were when it was trained.",
            got="another content of the dataset",
            allowed="the data that environment.json records",
            next_step="bring the old data back, or train anew",
        )
    return validation


def set_up(recipe: Recipe, device: torch.device, streams: Streams, dataset: Dataset) -> TrainingSetup:
    """Build everything a recipe asks for.

    Raises:
        LoupeError: the parts do not fit one another or the data.
    """
    splits = split_recipe_data(recipe, dataset)
    normalization = choose_normalization(recipe, splits)
    network, layers = fit_network(recipe, splits.train, normalization)
    model = network.model.to(device)
    if recipe.train.compile:
        model.compile()
    train = make_training_batches(recipe, splits.train, normalization, device, streams)
    validation = EvaluationBatches(splits.validation.to(device), normalization, recipe.evaluate.batch_size)
    refuse_small_shards(network.model, train, validation, recipe.run.processes)
    batch_size, num_clean = recipe.evaluate.batch_size, recipe.train.clean_train_images
    clean = take_stratified(splits.train, num_clean, recipe.split_seed).to(device) if num_clean else None
    optimizer = recipe.train.optimizer
    return TrainingSetup(
        device=device,
        splits=splits,
        normalization=normalization,
        model=model,
        layers=layers,
        train=train,
        validation=validation,
        clean_train=EvaluationBatches(clean, normalization, batch_size) if clean else None,
        optimizer=build_optimizer(
            optimizer.name,
            model,
            decay=recipe.train.decay,
            batch_size=recipe.train.batch_size,
            **optimizer.settings,
        ),
        plan=plan_training(
            recipe, device, steps_per_epoch=len(train), class_counts=count_classes(splits.train)
        ),
        hard_examples=build_hard_examples(recipe, splits.train, normalization, device),
        notes=(*network.notes, *describe_group(model, recipe.run.processes)),
        warnings=(
            *find_warnings(normalization, splits),
            *find_mirror_warnings(recipe, train.augmentations),
            *find_transfer_warnings(normalization, network.source),
            *find_seen_images(recipe, splits, network.source_run),
            *find_other_classes(recipe, splits, network.source),
        ),
    )


def find_seen_images(recipe: Recipe, splits: Splits, source: RunFolder | None) -> tuple[str, ...]:
    """Return a warning for validation images that the network's starting weights were trained on.

    The other run's training images are loaded again and compared pixel by pixel.
    """
    if source is None:
        return ()
    before = source.read_recipe()
    place = f"of {source.path.name}"
    try:
        theirs = split_recipe_data(before, load_recipe_data(before)).train.images
    except LoupeError as error:
        return (f"Whether training images {place} are validation images here is unknown: {error.message}",)
    ours = splits.validation.images
    if theirs.shape[1:] != ours.shape[1:]:
        return ()
    known = {image.tobytes() for image in theirs.numpy()}
    seen = sum(image.tobytes() in known for image in ours.numpy())
    warnings = []
    if seen:
        warnings.append(
            f"{seen:,} of {len(ours):,} validation images were training images {place}, whose weights this "
            "run starts from: figures on validation flatter it, and select it. The same data and "
            f"data.split_seed = {before.split_seed} keep them apart."
        )
    has_same_source = (before.data.name, before.data.settings) == (recipe.data.name, recipe.data.settings)
    digest = source.read_environment()["data_digests"]["test"]
    if has_same_source and before.data.classes == recipe.data.classes and digest != splits.test.digest:
        warnings.append(
            f"The test images are others than those {place}, from the same source: some may have been "
            "trained on."
        )
    return tuple(warnings)


def fit_network(
    recipe: Recipe, images: ImageDataset, normalization: Normalization
) -> tuple[Network, LayerTable]:
    """Return the network of a recipe, checked against the images, and its layers.

    Raises:
        LoupeError: it cannot take the images, or gives something that the objective cannot use.
    """
    shape: dict[str, Any] = {"in_channels": images.in_channels, "image_size": images.image_size}
    take_images = partial(take_first_look, recipe, images, normalization)
    network = build_network(recipe, **shape, num_classes=images.num_classes, take_images=take_images)
    is_classifier = objective_of(recipe.model.name) == "classification"
    refuse_wrong_output(network.model, **shape, num_classes=images.num_classes if is_classifier else None)
    if not is_classifier:
        refuse_unreachable_pixels(network.model, normalization, images)
    refuse_lonely_batches(network.model, recipe.train.batch_size, images)
    small = choose_resizing(recipe)
    if small is not None:
        refuse_wrong_resizing(network.model, small, images)
    layers = describe_layers(network.model, **shape)
    if recipe.train.channels_last is True:  # the maps follow the weights
        network.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stub
    return network, layers


def make_training_batches(
    recipe: Recipe,
    images: ImageDataset,
    normalization: Normalization,
    device: torch.device,
    streams: Streams,
) -> TrainingBatches:
    """Return the batches of a recipe, augmented and mixed as it says.

    Raises:
        DataError: an augmentation does not fit the images.
    """
    augmentations = [build_augmentation(choice.name, **choice.settings) for choice in recipe.data.augment]
    refuse_wrong_augmentations(augmentations, images)
    mix = recipe.data.mix
    return TrainingBatches(
        images.to(device),
        normalization,
        recipe.train.batch_size,
        streams,
        augmentations,
        build_mix(mix.name, **mix.settings) if mix else None,
        choose_resizing(recipe),
    )


def choose_resizing(recipe: Recipe) -> ProgressiveResizing | None:
    """Return how a recipe makes the images of its first epochs smaller; None if it does not."""
    small = recipe.train.progressive_resizing
    return ProgressiveResizing(small.size, small.until_epoch) if small else None


def choose_normalization(recipe: Recipe, splits: Splits) -> Normalization:
    """Return the normalisation a recipe states, or the one measured on the training split.

    Raises:
        DataError: stated constants are not one per channel.
    """
    stated, channels = recipe.data.normalize, splits.train.in_channels
    if stated == "measured":
        return measure_normalization(splits.train.images)
    if stated == "unit":
        return Normalization((0.0,) * channels, (1.0,) * channels)
    chosen = (
        find_preset(stated).normalization
        if isinstance(stated, str)
        else Normalization(stated.mean, stated.std)
    )
    if not len(chosen.mean) == len(chosen.std) == channels:
        raise DataError(
            f"The normalisation does not fit images with {channels} channel(s).",
            got=f"mean {chosen.mean}, std {chosen.std}",
            allowed=f"{channels} number(s) each",
            next_step='set data.normalize = "measured"',
        )
    return chosen
