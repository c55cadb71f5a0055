"""From a recipe to the plan of its training: the one place where fields become others."""

from collections.abc import Mapping, Sequence

import torch

from loupe.data import ImageDataset
from loupe.data.dataset import find_classes
from loupe.metrics import EpochMetrics, choose_metrics
from loupe.metrics.registry import ChosenMetric
from loupe.models import objective_of
from loupe.recipe import Recipe
from loupe.recipe.class_balance import read_beta
from loupe.runtime import choose_precision
from loupe.training import (
    Classification,
    LaterFreezing,
    LookaheadPlan,
    Objective,
    Reconstruction,
    TrainingPlan,
    WindowedEarlyStopping,
    build_loss,
    build_schedule,
)
from loupe.training.class_weights import ClassWeighted, name_weights, weigh_classes
from loupe.training.losses import DEFAULT_LOSSES


def plan_training(
    recipe: Recipe,
    device: torch.device,
    *,
    steps_per_epoch: int,
    class_counts: Sequence[int],
    class_names: Sequence[str] | None = None,
) -> TrainingPlan:
    """Return how a recipe has its network trained.

    Args:
        recipe: checked and resolved.
        device: what it computes on.
        steps_per_epoch: ≥ 1.
        class_counts: training images of each class.
        class_names: of them; None where they are not known.
    """
    train = recipe.train
    later, slow, stopping, hard = (
        train.freeze_later,
        train.lookahead,
        train.early_stopping,
        train.hard_examples,
    )
    return TrainingPlan(
        num_epochs=train.epochs,
        schedule=build_schedule(
            train.schedule.name,
            num_epochs=train.epochs,
            steps_per_epoch=steps_per_epoch,
            warmup_epochs=train.warmup_epochs,
            **train.schedule.settings,
        ),
        objective=choose_objective(recipe, class_counts, class_names),
        clip_norm=train.clip_norm,
        average_decay=train.average_decay,
        lookahead=LookaheadPlan(slow.every, slow.decay, slow.power) if slow else None,
        keep_hardest=hard.keep if hard else 1.0,
        accumulate=train.accumulate,
        precision=choose_precision(train.precision, device),
        freezing=LaterFreezing(later.last_epochs) if later else None,
        early_stopping=WindowedEarlyStopping(stopping.window, stopping.min_improvement) if stopping else None,
        select_by=recipe.evaluate.select_by,
        metrics=make_validation_metrics(recipe),
    )


def choose_objective(
    recipe: Recipe, class_counts: Sequence[int], class_names: Sequence[str] | None = None
) -> Objective:
    """Return what the recipe's model is for, with the loss that its training minimises.

    Args:
        recipe: checked and resolved.
        class_counts: training images of each class.
        class_names: of them; where they are not known, weights that name classes are 1.

    Raises:
        DataError: class weights of a class that is not there.
    """
    kind, choice = objective_of(recipe.model.name), recipe.train.loss
    name, settings = (choice.name, choice.settings) if choice else (DEFAULT_LOSSES[kind], {})
    smoothing = recipe.train.label_smoothing
    loss = build_loss(name, settings, label_smoothing=smoothing, class_counts=class_counts)
    if kind == "reconstruction":
        return Reconstruction(loss)
    weights = choose_class_weights(recipe, class_counts, class_names)
    return Classification(loss if weights is None else ClassWeighted(loss, weights))


def choose_class_weights(
    recipe: Recipe, class_counts: Sequence[int], class_names: Sequence[str] | None
) -> tuple[float, ...] | None:
    """Return what an image counts by its class; None for all alike. Arguments as `choose_objective`.

    Raises:
        DataError: a weight for a class that is not there.
    """
    stated = recipe.train.class_weights
    if isinstance(stated, Mapping):
        known = class_names if class_names is not None else ()
        labels = find_classes(known, list(stated), "train.class_weights") if known else []
        return name_weights(dict(zip(labels, stated.values(), strict=False)), len(class_counts))
    beta = read_beta(stated)
    if stated == "balanced" or beta is not None:
        return weigh_classes("balanced" if beta is None else "effective", class_counts, beta or 0.0)
    return None


def count_classes(images: ImageDataset) -> tuple[int, ...]:
    """Return how many images of each class there are."""
    return tuple(torch.bincount(images.labels, minlength=images.num_classes).tolist())


def make_validation_metrics(recipe: Recipe) -> EpochMetrics | None:
    """Return what is measured on validation beside loss and accuracy; None for nothing."""
    chosen = choose_recipe_metrics(recipe)
    return EpochMetrics(chosen, objective_of(recipe.model.name)) if chosen else None


def choose_recipe_metrics(recipe: Recipe) -> tuple[ChosenMetric, ...]:
    """Return the metrics that a recipe names, what selects the best epoch among them."""
    return choose_metrics([*recipe.evaluate.metrics, recipe.evaluate.select_by])
