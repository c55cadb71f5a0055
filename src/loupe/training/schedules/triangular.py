from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from loupe.training.schedules import Schedule, ScheduleStep, register_schedule


@register_schedule("triangular")
def triangular(
    *,
    num_epochs: int,
    steps_per_epoch: int,
    peak: Annotated[
        float, Field(ge=0, lt=1, description="Part of the training before the largest rate, in [0, 1).")
    ] = 0.23,
    start: Annotated[
        float, Field(ge=0, le=1, description="First rate, as a part of the largest, in [0, 1].")
    ] = 0.2,
    end: Annotated[
        float, Field(ge=0, le=1, description="Rate the last step comes down to, as a part, in [0, 1].")
    ] = 0.07,
) -> Schedule:
    """Rise in a straight line to the full learning rate, then fall in one to a floor.

    The defaults are those of airbench (K. Jordan, 2024). With `peak = 0` it is a linear decay. The ends of
    the lines are the first step and the one that would come after the last.
    """
    num_steps = num_epochs * steps_per_epoch
    turn = peak * num_steps

    def schedule(step: int, losses: Sequence[float]) -> ScheduleStep:
        if step < turn:
            return ScheduleStep(start + (1 - start) * step / turn)
        return ScheduleStep(1 + (end - 1) * (step - turn) / (num_steps - turn))

    return schedule
