from typing import Annotated

from pydantic import Field

from loupe.training.schedules import Schedule, ScheduleStep, register_schedule


@register_schedule("step")
def step(
    *,
    num_epochs: int,
    steps_per_epoch: int,
    every: Annotated[int, Field(ge=1, description="Epochs between two drops, ≥ 1.")],
    gamma: Annotated[float, Field(gt=0, le=1, description="Factor of each drop, in (0, 1].")] = 0.1,
) -> Schedule:
    """Drop the learning rate by a factor every few epochs."""
    return lambda step, losses: ScheduleStep(gamma ** (step // steps_per_epoch // every))
