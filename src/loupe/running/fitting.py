"""Training what lies ready on a bench, as its recipe says."""

from collections.abc import Sequence

from loupe.metrics import EpochMetrics, choose_metrics
from loupe.metrics.registry import ChosenMetric
from loupe.models import objective_of
from loupe.recipe import Recipe
from loupe.running.cached_features import cache_features
from loupe.running.training_setup import TrainingSetup
from loupe.runtime import Streams
from loupe.training import (
    LaterFreezing,
    LookaheadPlan,
    Observer,
    ProcessGroup,
    Snapshot,
    TrainingState,
    WindowedEarlyStopping,
    fit,
)
from loupe.training.together import Training


def fit_setup(
    recipe: Recipe,
    setup: TrainingSetup,
    streams: Streams,
    *,
    observers: Sequence[Observer] = (),
    start: Snapshot | None = None,
    group: ProcessGroup | None = None,
) -> TrainingState:
    """Train the network of a bench as its recipe says, and return what was reached.

    Args:
        recipe: of the bench.
        bench: network, batches, optimizer and schedule.
        streams: grown from the recipe's seed.
        observers: told of steps and epochs.
        start: where an earlier training of the same recipe stopped.
        team: the processes that train together; None for this one alone.

    Raises:
        TrainingError: the loss is no longer a finite number.
        RunError: `start` does not belong to this network and optimizer.
    """
    setup = cache_features(recipe, setup)
    later, slow = recipe.train.freeze_later, recipe.train.lookahead
    return fit(
        setup.model,
        setup.train,
        setup.validation,
        num_epochs=recipe.train.epochs,
        optimizer=setup.optimizer,
        schedule=setup.schedule,
        objective=setup.objective,
        streams=streams,
        clip_norm=recipe.train.clip_norm,
        average_decay=recipe.train.average_decay,
        lookahead=LookaheadPlan(slow.every, slow.decay, slow.power) if slow else None,
        hard_examples=setup.hard_examples,
        precision=setup.precision,
        freezing=LaterFreezing(later.layers, later.after_epoch) if later else None,
        early_stopping=make_early_stopping(recipe),
        select_by=recipe.evaluate.select_by,
        metrics=make_validation_metrics(recipe),
        clean_train=setup.clean_train,
        observers=observers,
        start=start,
        group=group,
    )


def lay_out_training(
    recipe: Recipe, setup: TrainingSetup, streams: Streams, *, observers: Sequence[Observer] = ()
) -> Training:
    """Return what `fit_bench` would train as one of several trainings that go together.

    Args:
        recipe: of the bench, without what only one network at a time can do.
        bench: network, batches, optimizer and schedule.
        streams: grown from the recipe's seed.
        observers: told of steps and epochs.
    """
    return Training(
        setup.model,
        setup.train,
        setup.validation,
        num_epochs=recipe.train.epochs,
        optimizer=setup.optimizer,
        schedule=setup.schedule,
        objective=setup.objective,
        streams=streams,
        clip_norm=recipe.train.clip_norm,
        average_decay=recipe.train.average_decay,
        early_stopping=make_early_stopping(recipe),
        select_by=recipe.evaluate.select_by,
        metrics=make_validation_metrics(recipe),
        clean_train=setup.clean_train,
        observers=observers,
    )


def make_validation_metrics(recipe: Recipe) -> EpochMetrics | None:
    """Return what is measured on validation beside loss and accuracy; None for nothing."""
    chosen = choose_recipe_metrics(recipe)
    return EpochMetrics(chosen, objective_of(recipe.model.name)) if chosen else None


def choose_recipe_metrics(recipe: Recipe) -> tuple[ChosenMetric, ...]:
    """Return the metrics that a recipe names, what selects the best epoch among them."""
    return choose_metrics([*recipe.evaluate.metrics, recipe.evaluate.select_by])


def make_early_stopping(recipe: Recipe) -> WindowedEarlyStopping | None:
    """Return what stops a recipe's training early, if it says so."""
    stopping = recipe.train.early_stopping
    return WindowedEarlyStopping(stopping.window, stopping.min_improvement) if stopping else None
