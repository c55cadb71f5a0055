"""Picking runs that share shapes from those that wait, to be trained together."""

import json
from collections.abc import Callable

from loupe.engines.engine import Ended, Job, Scheduler
from loupe.recipe import Recipe
from loupe.running.plan import plan_training
from loupe.runs import RunFolder
from loupe.runtime import choose_device
from loupe.training.together import find_plan_obstacle

_LOOK_AHEAD = 4  # jobs held for each slot of a group, in search of those that share shapes


class GroupPicker:
    """Holds a few jobs back, and picks groups among them.

    Args:
        group_size: runs of a group at most, ≥ 1.

    `reasons` says of jobs, by name, why they are carried out alone.
    """

    def __init__(self, group_size: int) -> None:
        self._group_size = group_size
        self.reasons: dict[str, str] = {}
        self._obstacles: dict[str, str] = {}  # by what jobs have to share
        self._waiting: list[Job] = []

    def next_group(
        self, next_job: Callable[[], Job | None], num_idle: int = 1, *, looks_ahead: bool = True
    ) -> list[Job]:
        """Return the first job that waits and those that can be trained with it; nothing if none waits.

        Args:
            next_job: returns a further job; None while there is none.
            num_idle: workers that wait for a group: what is left is shared out among them.
            looks_ahead: whether many more jobs may be asked for than are started, in search of like ones; if
                not, asking ends with the first unlike one, which waits.
        """
        looks_ahead = looks_ahead and self._group_size > 1
        most = self._group_size * (_LOOK_AHEAD if looks_ahead else num_idle)
        while len(self._waiting) < most and len(self._find_like()) < self._group_size * num_idle:
            if not looks_ahead and self._is_complete():
                break
            job = next_job()
            if job is None:
                break
            self._waiting.append(job)
        like = self._find_like()
        group = like[: min(self._group_size, -(-len(like) // num_idle))]
        self._waiting = [job for job in self._waiting if job not in group]
        return group

    def note(self, job: Job, reason: str) -> None:
        """Remember that jobs like this one have to be carried out alone."""
        self.reasons[job.name] = reason
        self._obstacles[describe_shared(job.recipe)] = reason

    def give_back(self, scheduler: Scheduler) -> None:
        """Tell the scheduler that the jobs held back are not carried out."""
        for job in self._waiting:
            scheduler.on_end(job, Ended("interrupted"))
        self._waiting.clear()

    def _find_like(self) -> list[Job]:
        """Return the first job and all that can be trained with it."""
        if not self._waiting:
            return []
        first = self._waiting[0]
        if self._group_size == 1 or self._find_obstacle(first) is not None:
            return [first]
        shared = describe_shared(first.recipe)
        return [
            job
            for job in self._waiting
            if describe_shared(job.recipe) == shared and self._find_obstacle(job) is None
        ]

    def _is_complete(self) -> bool:
        """Return whether the next job cannot join the first one: that goes alone, or an unlike one waits."""
        if not self._waiting:
            return False
        goes_alone = self._group_size == 1 or self._find_obstacle(self._waiting[0]) is not None
        return goes_alone or len(self._find_like()) < len(self._waiting)

    def _find_obstacle(self, job: Job) -> str | None:
        found = find_job_obstacle(job) or self._obstacles.get(describe_shared(job.recipe))
        if found:
            self.reasons[job.name] = found
        return found


def find_job_obstacle(job: Job) -> str | None:
    """Return what in a job's recipe or folder has it carried out alone; None if nothing does."""
    recipe = job.recipe
    device = choose_device(recipe.run.device)
    if device.type != "cpu":
        return f"it runs on {device.type}"
    if recipe.train.compile:
        return "its network is compiled"
    if recipe.evaluate.show_test_picking:
        return "it looks at the test set after every epoch"
    if recipe.run.processes > 1:
        return "it is trained by several processes"
    if recipe.run.observers:
        return "it has observers, which see one network at a time"
    # before its data is loaded: a plan for other data says as much of what is set
    obstacle = find_plan_obstacle(plan_training(recipe, device, steps_per_epoch=1, class_counts=(1, 1)))
    if obstacle is not None:
        return obstacle
    if job.recipe.run.continues is not None or RunFolder(job.folder).checkpoint_file.exists():
        return "it goes on from a checkpoint"
    return None


def describe_shared(recipe: Recipe) -> str:
    """Return what of recipes must be the same for their runs to share shapes, as text."""
    data, model, train = recipe.data, recipe.model, recipe.train
    shared = [
        [data.name, data.classes, data.sides_of, data.corrections, data.settings],
        [model.name, model.settings],
        [train.batch_size, train.optimizer.name],
    ]
    return json.dumps(shared, sort_keys=True, default=str)
