"""Several trainings at once, as one batched network: runs of a study that share shapes."""

from loupe.training.together.loop import Fitted as Fitted
from loupe.training.together.loop import find_form as find_form
from loupe.training.together.loop import find_obstacle as find_obstacle
from loupe.training.together.loop import fit_together as fit_together
from loupe.training.together.plans import find_plan_obstacle as find_plan_obstacle
