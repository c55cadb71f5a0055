"""Learning-rate schedules: one file each; pure functions of the step, with no state to save.

A schedule scales the optimizer's learning rate, which therefore is always the *largest* one used.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from loupe.registry import Registry


class Pace(NamedTuple):
    """What holds during one step: a factor on the learning rate, and the momentum if it changes."""

    factor: float
    momentum: float | None = None


Schedule = Callable[[int], Pace]
"""Maps a step (0, 1, …, counted over all epochs) to the pace of that step."""

Per = Annotated[
    Literal["epoch", "step"], Field(description="When the rate changes: after each epoch or each step.")
]

SCHEDULES = Registry(
    "schedule",
    "loupe.training.schedules",
    given=("num_epochs", "steps_per_epoch"),
    list_command="loupe schedules",
)
register_schedule = SCHEDULES.register


def build_schedule(name: str, *, num_epochs: int, steps_per_epoch: int, **settings: Any) -> Schedule:
    """Return the schedule called `name` for a training of known length.

    Raises:
        UnknownNameError: there is no such schedule.
        LoupeError: a setting is unknown or out of range.
    """
    schedule: Schedule = SCHEDULES.build(
        name, settings, num_epochs=num_epochs, steps_per_epoch=steps_per_epoch
    )
    return schedule


def count_ticks(per: Per, *, num_epochs: int, steps_per_epoch: int) -> tuple[int, int]:
    """Return steps per tick and ticks in all, where a tick is an epoch or a step."""
    if per == "epoch":
        return steps_per_epoch, num_epochs
    return 1, num_epochs * steps_per_epoch
