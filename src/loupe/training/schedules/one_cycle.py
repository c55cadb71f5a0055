import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from loupe.errors import LoupeError
from loupe.training.schedules import Per, Schedule, ScheduleStep, count_ticks, register_schedule


@register_schedule("one-cycle")
def one_cycle(
    *,
    num_epochs: int,
    steps_per_epoch: int,
    warmup: Annotated[
        float, Field(gt=0, lt=1, description="Part of the training that rises, in (0, 1).")
    ] = 0.3,
    start: Annotated[
        float, Field(gt=0, le=1, description="First learning rate, as a part of the largest, in (0, 1].")
    ] = 0.04,
    end: Annotated[
        float, Field(ge=0, le=1, description="Last learning rate, as a part of the largest, in [0, 1].")
    ] = 4e-6,
    low_momentum: Annotated[
        float | None, Field(ge=0, lt=1, description="Momentum (Adam: beta1) at the largest rate, in [0, 1).")
    ] = None,
    high_momentum: Annotated[
        float | None, Field(ge=0, lt=1, description="Momentum (Adam: beta1) at start and end, in [0, 1).")
    ] = None,
    per: Per = "step",
) -> Schedule:
    """Rise to the full learning rate, then fall to almost nothing, both as cosines (Smith, 2018).

    With `low_momentum` and `high_momentum` the momentum moves the other way; without, it stays the
    optimizer's own. Equal to torch's OneCycleLR, whose defaults are 0.85 and 0.95.
    """
    if (low_momentum is None) != (high_momentum is None):
        raise LoupeError(
            "One-cycle moves momentum between two values, and got one.",
            got=f"low_momentum = {low_momentum}, high_momentum = {high_momentum}",
            allowed="both, or neither",
            next_step="set both (torch has 0.85 and 0.95), or leave both out",
        )
    steps_per_tick, num_ticks = count_ticks(per, num_epochs=num_epochs, steps_per_epoch=steps_per_epoch)
    peak, last = max(0.0, warmup * num_ticks - 1), num_ticks - 1

    def schedule(step: int, losses: Sequence[float]) -> ScheduleStep:
        tick = step // steps_per_tick
        if tick <= peak:
            rise = tick / peak if peak > 0 else 1.0
            return ScheduleStep(_glide(start, 1.0, rise), _glide_if(high_momentum, low_momentum, rise))
        fall = (tick - peak) / (last - peak)
        return ScheduleStep(_glide(1.0, end, fall), _glide_if(low_momentum, high_momentum, fall))

    return schedule


def _glide_if(first: float | None, last: float | None, progress: float) -> float | None:
    return None if first is None or last is None else _glide(first, last, progress)


def _glide(first: float, last: float, progress: float) -> float:
    """Return a point on half a cosine between two values; progress in [0, 1]."""
    return last + (first - last) * (1 + math.cos(math.pi * progress)) / 2
