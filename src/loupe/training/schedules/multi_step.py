from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from loupe.training.schedules import Schedule, ScheduleStep, register_schedule


@register_schedule("multi-step")
def multi_step(
    *,
    num_epochs: int,
    steps_per_epoch: int,
    drops: Annotated[
        tuple[Annotated[int, Field(ge=1)], ...],
        Field(min_length=1, description="Epochs after which the rate drops, such as [80, 120]."),
    ],
    gamma: Annotated[float, Field(gt=0, le=1, description="Factor of each drop, in (0, 1].")] = 0.1,
) -> Schedule:
    """Drop the learning rate by a factor after each of the named epochs."""

    def schedule(step: int, losses: Sequence[float]) -> ScheduleStep:
        epochs_done = step // steps_per_epoch
        return ScheduleStep(gamma ** sum(epochs_done >= drop for drop in drops))

    return schedule
