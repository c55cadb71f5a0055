"""The scheduler of a study: what can start now, and what became of it."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loupe.engines import Ended, Job
from loupe.recipe import Recipe
from loupe.running.plan import choose_recipe_metrics
from loupe.runs import RunFolder
from loupe.studies.folder import StudyFolder
from loupe.studies.plan import PlannedRun
from loupe.studies.rows import StudyRow, make_row
from loupe.training import EpochRecord


class Watcher:
    """Hears what a study does. Override what is of interest; every method does nothing."""

    def on_start(self, job: Job) -> None:
        """Called when a run is handed to a worker."""

    def on_epoch(self, job: Job, record: EpochRecord) -> None:
        """Called after every epoch of every run."""

    def on_end(self, job: Job, ended: Ended, num_done: int, num_all: int) -> None:
        """Called when a run has ended, with the counts of runs that need no more work and of all."""

    def on_wait(self, names: Sequence[str]) -> None:
        """Called once when nothing can be started before other processes end, with the runs they are at."""


@dataclass(frozen=True)
class Task:
    """Everything that has one key: one run on disk, and the places in the study it stands for.

    Args:
        key: names what determines the run's numbers.
        runs: the planned runs that are this one.
        folder: where it is on disk.
        source: key of the run it starts from, if any.
    """

    key: str
    runs: tuple[PlannedRun, ...]
    folder: Path
    source: str | None

    @property
    def recipe(self) -> Recipe:
        return self.runs[0].recipe

    @property
    def name(self) -> str:
        return self.runs[0].name


def gather_tasks(runs: Sequence[PlannedRun], key_of: Callable[[PlannedRun], str], pool: Path) -> list[Task]:
    """Return the tasks of a study's runs, in order; runs with the same key are carried out once.

    Args:
        runs: of the plan.
        key_of: the key of a run.
        pool: folder of all run folders.
    """
    by_key: OrderedDict[str, list[PlannedRun]] = OrderedDict()
    for run in runs:
        by_key.setdefault(key_of(run), []).append(run)
    return [
        Task(
            key,
            tuple(same),
            pool / f"{same[0].recipe.model.name}-{key}",
            key_of(same[0].source) if same[0].source is not None else None,
        )
        for key, same in by_key.items()
    ]


class StudyConductor:
    """Hands out the runs of a study that are not done, and keeps `results.csv` up to date.

    Args:
        runs: of the plan, in its order.
        tasks: of these runs.
        folder: of the study.
        axes: names of the axes, for the columns.
        known: finished rows by key, from an earlier session or another machine.
        further: metrics that rows are to have, beside those that recipes name.

    `watcher` hears what happens.
    """

    plans_ahead = True

    def __init__(
        self,
        runs: Sequence[PlannedRun],
        tasks: Sequence[Task],
        folder: StudyFolder,
        axes: Sequence[str],
        known: dict[str, StudyRow],
        further: Sequence[str] = (),
    ) -> None:
        self._further = further
        self._runs = runs
        self._tasks = {task.key: task for task in tasks}
        self._folder = folder
        self._axes = axes
        self.watcher = Watcher()
        self._under_way: dict[Path, Task] = {}  # by the folder of the job
        self._rows: dict[str, StudyRow] = {}
        self._known = known  # of these some are made again, for their weights; till then they stand
        self._waiting: list[Task] = []
        self._sort_out(known)

    @property
    def planned(self) -> list[tuple[PlannedRun, str]]:
        """Every run of the study with its key, those of one key one after another."""
        return [(run, task.key) for task in self._tasks.values() for run in task.runs]

    @property
    def num_tasks(self) -> int:
        """Different runs, done or not."""
        return len(self._tasks)

    @property
    def waiting(self) -> tuple[Task, ...]:
        """What is still to be carried out, by this process or by another one that is at it."""
        return tuple(self._waiting)

    def find_held(self) -> list[str]:
        """Return the names of runs that wait for another process, which trains in their folders."""
        return [task.name for task in self._waiting if RunFolder(task.folder).is_being_trained()]

    def _sort_out(self, known: dict[str, StudyRow]) -> None:
        """Tell what is done from what is to be run.

        A row alone will do where nothing that is to be run starts from the run's weights.
        """
        on_disk = {key for key, task in self._tasks.items() if RunFolder(task.folder).is_finished()}
        todo: list[Task] = []
        wanted: set[str] = set()
        for task in reversed(list(self._tasks.values())):  # those that start from others come later
            is_known = task.key in on_disk or (task.key in known and task.key not in wanted)
            if is_known:
                row = self._make_row(task) if task.key in on_disk else known[task.key]
                self._rows[task.key] = row
                continue
            todo.append(task)
            if task.source is not None and task.source not in on_disk:
                wanted.add(task.source)
        self._waiting = todo[::-1]

    def next_job(self) -> Job | None:
        for task in list(self._waiting):
            run = RunFolder(task.folder)
            if run.is_being_trained():  # by another study; later it is done, or can be gone on with
                continue
            if run.is_finished():  # such a one has finished it
                self._put_down(task)
                continue
            if task.source is None or task.source not in self._tasks:
                return self._start(task)
            if task.source in self._rows and self._is_usable(task.source):
                return self._start(task)
            if task.source in self._rows:
                source = self._tasks[task.source].name
                self._put_down(task, f"starts from {source}, which failed")
        return None

    def _put_down(self, task: Task, failure: str = "") -> None:
        """Write down a run that need not be started, or cannot be."""
        self._waiting.remove(task)
        self._rows[task.key] = self._make_row(task, failure)
        self.write()
        ended = Ended("failed", failure) if failure else Ended("finished")
        self.watcher.on_end(make_job(task, self._tasks), ended, len(self._rows), len(self._tasks))

    def _is_usable(self, key: str) -> bool:
        return self._rows[key].is_finished and RunFolder(self._tasks[key].folder).is_finished()

    def _start(self, task: Task) -> Job:
        self._waiting.remove(task)
        job = make_job(task, self._tasks)
        self._under_way[job.folder] = task
        self.watcher.on_start(job)
        return job

    def on_epoch(self, job: Job, record: EpochRecord) -> bool:
        self.watcher.on_epoch(job, record)
        return True

    def on_end(self, job: Job, ended: Ended) -> None:
        task = self._under_way.pop(job.folder)
        if ended.status in ("interrupted", "stopped", "held"):
            self._waiting.insert(0, task)
        else:
            is_finished = RunFolder(task.folder).is_finished()  # by another study, whatever came of it here
            self._rows[task.key] = self._make_row(task, "" if is_finished else ended.reason)
            if ended.status == "failed" and not is_finished and not self._rows[task.key].reason:
                self._rows[task.key] = replace(self._rows[task.key], status="failed", reason=ended.reason)
        self.write()
        self.watcher.on_end(job, ended, len(self._rows), len(self._tasks))

    def list_rows(self) -> list[StudyRow]:
        """Return a row for each run of the study that has one, in the order of the plan."""
        places = {id(run): task.key for task in self._tasks.values() for run in task.runs}
        known = self._known | self._rows
        return [
            replace(known[key], stage=run.stage, arm=run.arm, at=run.at, seed=run.seed)
            for run in self._runs
            if (key := places[id(run)]) in known
        ]

    def write(self) -> None:
        """Write `results.csv`, and keep rows that are none of the study's any more."""
        self._folder.write_results(self.list_rows(), self._axes)
        self._folder.write_earlier([row for key, row in self._known.items() if key not in self._tasks])

    def _make_row(self, task: Task, failure: str = "") -> StudyRow:
        run = task.runs[0]
        return make_row(
            RunFolder(task.folder),
            stage=run.stage,
            arm=run.arm,
            at=run.at,
            seed=run.seed,
            key=task.key,
            failure=failure,
            further=[*self._further, *(one.metric.name for one in choose_recipe_metrics(run.recipe))],
        )


def make_job(task: Task, tasks: dict[str, Task]) -> Job:
    """Return the job of a task; its recipe names the folder its weights start from."""
    source = tasks[task.source].folder.resolve() if task.source is not None else None
    recipe = task.recipe
    if source is not None and recipe.transfer is not None:
        transfer = recipe.transfer.model_copy(update={"run": str(source)})
        recipe = recipe.model_copy(update={"transfer": transfer})
    return Job(task.name, recipe, task.folder.resolve(), source)
