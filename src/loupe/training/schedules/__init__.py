"""Learning-rate schedules: one file each; pure functions of what has happened, with no state to save.

A schedule scales the optimizer's learning rate, which therefore is always the *largest* one used.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from loupe.registry import Registry


class ScheduleStep(NamedTuple):
    """What holds during one step: a factor on the learning rate, and the momentum if it changes."""

    factor: float
    momentum: float | None = None


Schedule = Callable[[int, Sequence[float]], ScheduleStep]
"""Maps a step (0, 1, …, counted over all epochs) and the validation losses of the epochs completed to the
learning-rate factor of that step."""

Per = Annotated[
    Literal["epoch", "step"], Field(description="When the rate changes: after each epoch or each step.")
]

SCHEDULES = Registry(
    "schedule",
    "loupe.training.schedules",
    given=("num_epochs", "steps_per_epoch"),
    list_command="loupe schedules",
    methods={"__call__": "a function of (step, validation losses) that returns a ScheduleStep"},
)
register_schedule = SCHEDULES.register


def build_schedule(
    name: str, *, num_epochs: int, steps_per_epoch: int, warmup_epochs: float = 0.0, **settings: Any
) -> Schedule:
    """Return the schedule called `name` for a training of known length.

    Args:
        name: registered name; `loupe schedules` lists them.
        num_epochs: epochs of the training, ≥ 1.
        steps_per_epoch: steps of each, ≥ 1.
        warmup_epochs: epochs over which the rate rises from nothing to what the schedule says, ≥ 0.
        settings: the schedule's own settings.

    Raises:
        UnknownNameError: there is no such schedule.
        LoupeError: a setting is unknown or out of range.
    """
    schedule: Schedule = SCHEDULES.build(
        name, settings, num_epochs=num_epochs, steps_per_epoch=steps_per_epoch
    )
    return warm_up(schedule, round(warmup_epochs * steps_per_epoch)) if warmup_epochs else schedule


def warm_up(schedule: Schedule, num_steps: int) -> Schedule:
    """Return a schedule that rises linearly to the given one over the first steps (Goyal et al., 2017)."""

    def warmed(step: int, losses: Sequence[float]) -> ScheduleStep:
        step_settings = schedule(step, losses)
        return step_settings._replace(factor=step_settings.factor * min(1.0, (step + 1) / (num_steps + 1)))

    return warmed


def count_ticks(per: Per, *, num_epochs: int, steps_per_epoch: int) -> tuple[int, int]:
    """Return steps per tick and ticks in all, where a tick is an epoch or a step."""
    if per == "epoch":
        return steps_per_epoch, num_epochs
    return 1, num_epochs * steps_per_epoch
