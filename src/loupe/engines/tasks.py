"""What travels between a driver and a worker that may be on another machine."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from loupe.engines.engine import Ended, Job
from loupe.recipe import Recipe
from loupe.running.recipe_digest import digest_recipe, is_recorded_in
from loupe.runs import RunFolder
from loupe.runs.moving import PackedRun, pack_run, unpack_run


@dataclass(frozen=True)
class Task:
    """A job on its way to a worker.

    Args:
        job: what is to be done.
        run: what the job's folder holds, where the worker does not see it; None where it does.
        source: the run it starts from, likewise.
    """

    job: Job
    run: PackedRun | None = None
    source: PackedRun | None = None


@dataclass(frozen=True)
class Returned:
    """How a job ended, and the files of its run where the driver does not see them."""

    ended: Ended
    files: PackedRun | None = None


def carry_out_task(task: Task, carry_out: Callable[[Job], Ended]) -> Returned:
    """Carry out a job where it belongs, or else in a temporary folder whose files are returned."""
    job = task.job
    if task.run is None:
        return Returned(carry_out(job))
    with tempfile.TemporaryDirectory(prefix="loupe-") as temporary:
        here = _move_job(job, Path(temporary))
        unpack_run(task.run, here.folder)
        if here.source is not None:
            unpack_run(task.source or {}, here.source)
            _move_source(here.folder, before=job, now=here)
        ended = carry_out(here)
        if here.source is not None:
            _move_source(here.folder, before=here, now=job)
        return Returned(ended, pack_run(here.folder))


def _move_job(job: Job, parent: Path) -> Job:
    """Return the job with its folders below another one."""
    folder = parent / "run" / job.folder.name
    if job.source is None:
        return replace(job, folder=folder)
    source = parent / "source" / job.source.name
    return replace(job, recipe=_start_from(job.recipe, source), folder=folder, source=source)


def _start_from(recipe: Recipe, source: Path) -> Recipe:
    assert recipe.transfer is not None
    return recipe.model_copy(
        update={"transfer": recipe.transfer.model_copy(update={"run": str(source)})},
    )


def _move_source(folder: Path, *, before: Job, now: Job) -> None:
    """Say in a run's record where its starting weights are now; they are the same weights.

    A record of another recipe is left alone.
    """
    run = RunFolder(folder)
    if not run.environment_file.exists():
        return
    environment = run.read_environment()
    if not is_recorded_in(run, before.recipe):
        return
    transfer = environment.get("transfer") or {}
    moved = {str(now.source): digest for digest in transfer.values()}
    run.move_source(
        now.recipe, {**environment, "recipe_digest": digest_recipe(now.recipe), "transfer": moved}
    )
