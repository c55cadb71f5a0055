from loupe.training.schedules import Schedule, ScheduleStep, register_schedule


@register_schedule("constant")
def constant(*, num_epochs: int, steps_per_epoch: int) -> Schedule:
    """The same learning rate throughout."""
    return lambda step, losses: ScheduleStep(1.0)
