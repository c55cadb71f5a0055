import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from loupe.training.schedules import Per, Schedule, ScheduleStep, count_ticks, register_schedule


@register_schedule("cosine")
def cosine(
    *,
    num_epochs: int,
    steps_per_epoch: int,
    floor: Annotated[
        float, Field(ge=0, le=1, description="Learning rate at the end, as a part of the largest, in [0, 1].")
    ] = 0.0,
    per: Per = "epoch",
) -> Schedule:
    """Half a cosine from the full learning rate down to a floor (Loshchilov and Hutter, 2017)."""
    steps_per_tick, num_ticks = count_ticks(per, num_epochs=num_epochs, steps_per_epoch=steps_per_epoch)

    def schedule(step: int, losses: Sequence[float]) -> ScheduleStep:
        progress = (step // steps_per_tick) / num_ticks
        return ScheduleStep(floor + (1 - floor) * (1 + math.cos(math.pi * progress)) / 2)

    return schedule
