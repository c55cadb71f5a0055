"""What several trainings at once can do of a plan."""

from loupe.training.plan import TrainingPlan

SUPPORTED = frozenset(
    {
        "num_epochs",
        "schedule",
        "objective",
        "clip_norm",
        "average_decay",
        "early_stopping",
        "select_by",
        "metrics",
    }
)
"""Fields of a plan that are carried out here as `fit` carries them out, each training with its own value."""


def find_plan_obstacle(plan: TrainingPlan) -> str | None:
    """Return why a plan cannot be carried out together with others; None if it can.

    A field that is not named above has to be at its default. So one that is added to the plan is carried out
    alone until it is known here.
    """
    unknown = [name for name in plan.find_settings() if name not in SUPPORTED]
    return f"its plan sets {unknown[0]}, which is not trained together" if unknown else None
