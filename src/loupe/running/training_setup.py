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
    take_stratified,
)
from loupe.data.batches import EvaluationBatches, TrainingBatches
from loupe.data.mixes import build_mix
from loupe.data.normalization import Normalization, find_preset, measure_normalization
from loupe.data.overlaps import find_overlaps, refuse_meaningless
from loupe.errors import DataError
from loupe.models import objective_of
from loupe.models.layer_table import LayerTable, describe_layers, refuse_wrong_output
from loupe.models.timm_backbone import find_backbone_normalization
from loupe.recipe import Recipe
from loupe.running.data_checks import (
    find_blanking_warnings,
    find_mirror_warnings,
    find_other_classes,
    find_transfer_warnings,
    find_warnings,
    refuse_lonely_batches,
    refuse_unreachable_pixels,
    refuse_wrong_augmentations,
    refuse_wrong_resizing,
)
from loupe.running.first_epochs import (
    choose_resizing,
    describe_first_epochs,
    find_small_image_warnings,
    refuse_nothing_to_train,
)
from loupe.running.leakage import describe_shown, find_seen_before, find_shown, leave_out_seen
from loupe.running.network import Network, build_network, take_first_look
from loupe.running.network_checks import choose_num_images, find_misbehaviour
from loupe.running.plan import count_classes, plan_training
from loupe.running.process_group.checks import describe_group, refuse_small_shards
from loupe.running.proxy import build_hard_examples
from loupe.running.recipe_data import load_recipe_data as load_recipe_data
from loupe.running.recipe_data import load_validation_images as load_validation_images
from loupe.running.recipe_data import split_recipe_data as split_recipe_data
from loupe.runs.images import ImageRecord
from loupe.runtime import Precision, Streams, tell_compiler
from loupe.training import HardExamples, Objective, TrainingPlan, build_optimizer
from loupe.training.layer_decay import apply_layer_decay


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
        images: which images these are, and which the starting weights have seen.
        unreadable: files of images that could not be read and were left out, each with its reason.
        notes: what was copied into the network and frozen, and what differs in the first epochs.
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
    images: ImageRecord
    unreadable: tuple[str, ...]
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


def set_up(recipe: Recipe, device: torch.device, streams: Streams, dataset: Dataset) -> TrainingSetup:
    """Build everything a recipe asks for.

    Raises:
        LoupeError: the parts do not fit one another or the data.
    """
    splits = split_recipe_data(recipe, dataset)
    overlaps = find_overlaps(splits)
    refuse_meaningless(overlaps)
    before = find_seen_before(recipe)
    splits, seen_warnings = leave_out_seen(splits, before)
    images = before.record(splits)
    normalization = choose_normalization(recipe, splits)
    network, layers = fit_network(recipe, splits.train, normalization)
    model = network.model.to(device)
    misbehaviour = find_network_warnings(recipe, model, layers, normalization, splits.train)
    if recipe.train.compile:
        tell_compiler()
        model.compile()
    train = make_training_batches(recipe, splits.train, normalization, device, streams)
    validation = EvaluationBatches(splits.validation.to(device), normalization, recipe.evaluate.batch_size)
    refuse_small_shards(network.model, train, validation, recipe.run.processes)
    batch_size, num_clean = recipe.evaluate.batch_size, recipe.train.clean_train_images
    clean = take_stratified(splits.train, num_clean, recipe.split_seed).to(device) if num_clean else None
    return TrainingSetup(
        device=device,
        splits=splits,
        normalization=normalization,
        model=model,
        layers=layers,
        train=train,
        validation=validation,
        clean_train=EvaluationBatches(clean, normalization, batch_size) if clean else None,
        optimizer=build_recipe_optimizer(recipe, model),
        plan=plan_training(
            recipe,
            device,
            steps_per_epoch=len(train),
            class_counts=count_classes(splits.train),
            class_names=splits.train.class_names,
        ),
        hard_examples=build_hard_examples(recipe, splits.train, normalization, device),
        images=images,
        unreadable=dataset.unreadable,
        notes=(
            *dataset.storage,
            *network.notes,
            *describe_backbone_normalization(recipe, normalization),
            *describe_first_epochs(recipe, splits.train.image_size),
            *describe_group(model, recipe.run.processes),
        ),
        warnings=(
            *dataset.notes,
            *splits.changes,
            *misbehaviour,
            *find_warnings(recipe, normalization, splits),
            *find_mirror_warnings(recipe, train.augmentations),
            *find_blanking_warnings(recipe, train.augmentations, splits.train),
            *find_small_image_warnings(recipe, splits.train.image_size),
            *find_transfer_warnings(normalization, network.source),
            *network.warnings,
            *overlaps.describe(),
            *seen_warnings,
            *describe_shown(find_shown(recipe, images)),
            *find_other_classes(recipe, splits, network.source),
        ),
    )


def build_recipe_optimizer(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer of a recipe over a network's parameters, with lower rates where it wants them.

    Raises:
        LoupeError: nothing of the network is trained.
    """
    choice = recipe.train.optimizer
    optimizer = build_optimizer(
        choice.name, model, decay=recipe.train.decay, batch_size=recipe.train.batch_size, **choice.settings
    )
    apply_layer_decay(optimizer, model, recipe.train.layer_decay)
    return optimizer


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
    refuse_nothing_to_train(recipe, network.model)
    is_classifier = objective_of(recipe.model.name) == "classification"
    refuse_wrong_output(network.model, **shape, num_classes=images.num_classes if is_classifier else None)
    if not is_classifier:
        refuse_unreachable_pixels(network.model, normalization, images)
    refuse_lonely_batches(network.model, recipe.train.batch_size, images)
    resizing = choose_resizing(recipe)
    if resizing is not None:
        refuse_wrong_resizing(network.model, resizing, images)
    layers = describe_layers(network.model, **shape)
    if recipe.train.channels_last is True:  # the maps follow the weights
        network.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stub
    return network, layers


def find_network_warnings(
    recipe: Recipe, model: nn.Module, layers: LayerTable, normalization: Normalization, images: ImageDataset
) -> list[str]:
    """Return what a network does that would train badly without a word, on a few training images.

    Raises:
        TrainingError: in evaluation it gives numbers that are not finite, or others each time.
    """
    device = next((one.device for one in model.parameters()), torch.device("cpu"))
    some = images.images[: choose_num_images(layers)].to(device)
    is_classifier = objective_of(recipe.model.name) == "classification"
    return find_misbehaviour(
        model, normalization.apply(some), is_classifier=is_classifier, batch_size=recipe.train.batch_size
    )


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
        sampling_power=choose_sampling_power(recipe),
    )


def choose_sampling_power(recipe: Recipe) -> float:
    """Return to what power of its number of images a recipe takes a class in an epoch, in [0, 1]."""
    sampling = recipe.train.sampling
    return {"shuffled": 1.0, "balanced": 0.0}[sampling] if isinstance(sampling, str) else sampling


def describe_backbone_normalization(recipe: Recipe, normalization: Normalization) -> tuple[str, ...]:
    """Return in a sentence how images are normalised, where it is as the backbone's weights want it."""
    if recipe.data.normalize != "backbone":
        return ()
    mean, std = (
        ", ".join(f"{value:g}" for value in values) for values in (normalization.mean, normalization.std)
    )
    return (f"normalised as {recipe.model.settings['backbone']} of timm was: mean {mean}, std {std}",)


def choose_normalization(recipe: Recipe, splits: Splits) -> Normalization:
    """Return the normalisation a recipe states, or the one measured on the training split.

    Raises:
        DataError: stated constants are not one per channel.
    """
    stated, channels = recipe.data.normalize, splits.train.in_channels
    if stated == "measured":
        return measure_normalization(splits.train.images)
    if stated == "backbone":
        return Normalization(*find_backbone_normalization(recipe.model.settings["backbone"], channels))
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
