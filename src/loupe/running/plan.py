"""From a recipe to the plan of its training: the one place where fields become others."""

import torch

from loupe.metrics import EpochMetrics, choose_metrics
from loupe.metrics.registry import ChosenMetric
from loupe.models import objective_of
from loupe.recipe import Recipe
from loupe.runtime import choose_precision
from loupe.training import (
    Classification,
    LaterFreezing,
    LookaheadPlan,
    Objective,
    Reconstruction,
    TrainingPlan,
    WindowedEarlyStopping,
    build_schedule,
)


def plan_training(recipe: Recipe, device: torch.device, steps_per_epoch: int) -> TrainingPlan:
    """Return how a recipe has its network trained.

    Args:
        recipe: checked and resolved.
        device: what it computes on.
        steps_per_epoch: ≥ 1.
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
        objective=choose_objective(recipe),
        clip_norm=train.clip_norm,
        average_decay=train.average_decay,
        lookahead=LookaheadPlan(slow.every, slow.decay, slow.power) if slow else None,
        keep_hardest=hard.keep if hard else 1.0,
        accumulate=train.accumulate,
        precision=choose_precision(train.precision, device),
        freezing=LaterFreezing(later.layers, later.after_epoch) if later else None,
        early_stopping=WindowedEarlyStopping(stopping.window, stopping.min_improvement) if stopping else None,
        select_by=recipe.evaluate.select_by,
        metrics=make_validation_metrics(recipe),
    )


def choose_objective(recipe: Recipe) -> Objective:
    """Return what the recipe's model is for."""
    if objective_of(recipe.model.name) == "reconstruction":
        return Reconstruction()
    return Classification(recipe.train.label_smoothing)


def make_validation_metrics(recipe: Recipe) -> EpochMetrics | None:
    """Return what is measured on validation beside loss and accuracy; None for nothing."""
    chosen = choose_recipe_metrics(recipe)
    return EpochMetrics(chosen, objective_of(recipe.model.name)) if chosen else None


def choose_recipe_metrics(recipe: Recipe) -> tuple[ChosenMetric, ...]:
    """Return the metrics that a recipe names, what selects the best epoch among them."""
    return choose_metrics([*recipe.evaluate.metrics, recipe.evaluate.select_by])
