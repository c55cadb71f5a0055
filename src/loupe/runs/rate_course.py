"""The learning rate of a run from step to step, worked out from its recipe and its validation losses."""

from collections.abc import Sequence

from loupe.errors import LoupeError
from loupe.recipe import Recipe
from loupe.training import EpochRecord, build_schedule

_MOST_POINTS = 600
_STEPS_PER_EPOCH = 100  # how finely an epoch is followed; how many steps it really had is not kept
_TOLERANCE = 0.03  # of the largest rate, between what is worked out and what was kept after each epoch


def trace_rates(recipe: Recipe, history: Sequence[EpochRecord]) -> tuple[list[float], list[float]] | None:
    """Return epochs done before each step, from 0, and the learning rate of the step.

    The rates that a history keeps are those at the ends of epochs: of few epochs they hide a warm-up.

    Args:
        recipe: of the run.
        history: its epochs.

    Returns:
        None where the schedule cannot be built (its plugin is gone), or does not come to the rates that were
        kept.
    """
    choice, largest = recipe.train.schedule, recipe.train.optimizer.settings.get("learning_rate")
    if choice is None or not isinstance(largest, int | float) or not history:
        return None
    num_epochs = max(recipe.train.epochs, len(history))
    per_epoch = max(1, min(_STEPS_PER_EPOCH, _MOST_POINTS // len(history)))
    try:
        schedule = build_schedule(
            choice.name,
            num_epochs=num_epochs,
            steps_per_epoch=per_epoch,
            warmup_epochs=recipe.train.warmup_epochs,
            **choice.settings,
        )
    except LoupeError:
        return None
    losses = [record.validation_loss for record in history]
    rates = [
        largest * schedule(step, losses[: step // per_epoch]).factor
        for step in range(per_epoch * len(history))
    ]
    ends = rates[per_epoch - 1 :: per_epoch]
    off = max(abs(end - record.learning_rate) for end, record in zip(ends, history, strict=True))
    if off > _TOLERANCE * largest:
        return None
    return [step / per_epoch for step in range(len(rates))], rates
