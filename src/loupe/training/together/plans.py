"""What several trainings at once can do of a plan."""

from loupe.training.losses.cross_entropy import CrossEntropy
from loupe.training.losses.mean_squared_error import MeanSquaredError
from loupe.training.objectives import Classification, Objective, Reconstruction
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


_LOSSES = {Classification: CrossEntropy, Reconstruction: MeanSquaredError}


def find_plan_obstacle(plan: TrainingPlan) -> str | None:
    """Return why a plan cannot be carried out together with others; None if it can.

    A field that is not named above has to be at its default. So one that is added to the plan is carried out
    alone until it is known here. Of losses, the usual one of each objective is known.
    """
    unknown = [name for name in plan.find_settings() if name not in SUPPORTED]
    if unknown:
        return f"its plan sets {unknown[0]}, which is not trained together"
    return _find_loss_obstacle(plan.objective)


def _find_loss_obstacle(objective: Objective) -> str | None:
    known, loss = _LOSSES.get(type(objective)), getattr(objective, "loss", objective)
    return (
        None if type(loss) is known else f"its loss is {type(loss).__name__}, which is not trained together"
    )
