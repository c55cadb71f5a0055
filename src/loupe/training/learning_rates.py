"""From the factor of a schedule to the settings of an optimizer."""

from collections.abc import Sequence

import torch

from loupe.training.schedules import ScheduleStep


def read_rates(optimizer: torch.optim.Optimizer) -> list[float]:
    """Return the learning rate of each group, as it was built: the largest one."""
    return [group["lr"] for group in optimizer.param_groups]


def apply_schedule_step(
    optimizer: torch.optim.Optimizer, step_settings: ScheduleStep, base_rates: Sequence[float]
) -> None:
    """Set learning rate, and momentum if the schedule moves it, for the next step."""
    for group, base_rate in zip(optimizer.param_groups, base_rates, strict=True):
        group["lr"] = base_rate * step_settings.factor
        if step_settings.momentum is not None:
            if "betas" in group:
                group["betas"] = (step_settings.momentum, group["betas"][1])
            else:
                group["momentum"] = step_settings.momentum
