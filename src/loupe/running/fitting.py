"""Training what a setup has ready, as its recipe says."""

import sys
from collections.abc import Sequence

from loupe.recipe import Recipe
from loupe.running.cached_features import cache_features
from loupe.running.training_setup import TrainingSetup
from loupe.runtime import Streams, tell_compiler
from loupe.training import Observer, ProcessGroup, Snapshot, Training, TrainingState, fit


def fit_setup(
    recipe: Recipe,
    setup: TrainingSetup,
    streams: Streams,
    *,
    observers: Sequence[Observer] = (),
    start: Snapshot | None = None,
    group: ProcessGroup | None = None,
) -> TrainingState:
    """Train the network of a setup as its plan says, and return what was reached.

    Args:
        recipe: of the setup.
        setup: network, batches, optimizer and plan.
        streams: grown from the recipe's seed.
        observers: told of steps and epochs.
        start: where an earlier training of the same recipe stopped.
        group: the processes that train together; None for this one alone.

    Raises:
        TrainingError: the loss is no longer a finite number.
        RunError: `start` does not belong to this network and optimizer.
    """
    if "torch._inductor" in sys.modules:  # a plugin may have loaded it, to compile by itself
        tell_compiler()
    setup = cache_features(recipe, setup)
    return fit(lay_out_training(setup, streams, observers), start=start, group=group)


def lay_out_training(setup: TrainingSetup, streams: Streams, observers: Sequence[Observer] = ()) -> Training:
    """Return what a setup trains, on what and how: by itself, or as one of several."""
    return Training(
        setup.model,
        setup.train,
        setup.validation,
        setup.plan,
        setup.optimizer,
        streams,
        hard_examples=setup.hard_examples,
        clean_train=setup.clean_train,
        observers=observers,
    )
