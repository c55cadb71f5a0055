import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from loupe.training.schedules import Schedule, ScheduleStep, register_schedule


@register_schedule("plateau", follows_losses=True)
def plateau(
    *,
    num_epochs: int,
    steps_per_epoch: int,
    patience: Annotated[
        int, Field(ge=0, description="Epochs without a better validation loss that are waited out.")
    ] = 5,
    gamma: Annotated[float, Field(gt=0, lt=1, description="Factor of each drop, in (0, 1).")] = 0.1,
    min_improvement: Annotated[
        float,
        Field(ge=0, lt=1, description="Fall of the loss that counts, as a part of the best, in [0, 1)."),
    ] = 1e-4,
    floor: Annotated[
        float, Field(ge=0, le=1, description="Lowest rate, as a part of the largest, in [0, 1].")
    ] = 0.0,
) -> Schedule:
    """Drop the learning rate by a factor when the validation loss has stopped falling.

    Equal to torch's ReduceLROnPlateau, but computed anew from the losses of the epochs so far, so that a
    resumed run has nothing to remember.
    """

    def schedule(step: int, losses: Sequence[float]) -> ScheduleStep:
        factor, best, num_waited = 1.0, math.inf, 0
        for loss in losses:
            is_better = loss < best * (1 - min_improvement)
            best, num_waited = (loss, 0) if is_better else (best, num_waited + 1)
            if num_waited > patience:
                factor, num_waited = max(floor, factor * gamma), 0
        return ScheduleStep(factor)

    return schedule
