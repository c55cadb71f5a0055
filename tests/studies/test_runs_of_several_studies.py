"""A run that more than one process is at: waited for, held, never cleared away under another."""

import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from loupe.engines import Ended, Job
from loupe.engines.worker import Worker
from loupe.runs.locking import holding_lock
from loupe.searches.folder import SearchFolder
from loupe.studies import Study
from loupe.studies.folder import StudyFolder
from loupe.studies.run import prepare_study, run_study
from loupe.studies.scheduler import Watcher

from .conftest import make_study, read_table


class Other(Watcher):
    """Another process that holds the run of seed 0, and lets go of it when there is nothing else to do."""

    def __init__(self, study: Study, out: Path, engine: str, finished: Path | None) -> None:
        scheduler = prepare_study(study, out, engine=engine).scheduler
        self._folder = scheduler.waiting[0].folder
        self._finished = finished
        self._held = contextlib.ExitStack()
        self._folder.mkdir(parents=True)
        self._held.enter_context(holding_lock(self._folder / ".lock"))
        self.heard: list[str] = []

    def on_end(self, job: Job, ended: Ended, num_done: int, num_all: int) -> None:
        self.heard.append(f"{job.name} {ended.status}")

    def on_wait(self, names: Sequence[str]) -> None:
        self.heard.append(f"waits for {', '.join(names)}")
        if self._finished is not None:
            shutil.copytree(self._finished / self._folder.name, self._folder, dirs_exist_ok=True)
        self._held.close()


@pytest.mark.parametrize("engine", ["serial", pytest.param("together", marks=pytest.mark.thorough)])
@pytest.mark.parametrize("it_finishes", [True, False], ids=["finished there", "left there"])
def test_a_run_that_another_study_is_at_is_waited_for(tmp_path: Path, it_finishes: bool, engine: str) -> None:
    study = make_study()
    run_study(study, tmp_path / "alone", engine=engine)
    other = Other(study, tmp_path / "here", engine, tmp_path / "alone" / "runs" if it_finishes else None)
    run_study(study, tmp_path / "here", engine=engine, watcher=other)
    assert other.heard == [
        "recipe, seed 1 finished",
        "waits for recipe, seed 0",
        "recipe, seed 0 finished",
    ]
    assert read_table(study, tmp_path / "here") == read_table(study, tmp_path / "alone")


def test_a_run_that_another_process_takes_first_is_held_and_not_failed(tmp_path: Path) -> None:
    """The lock was free when the study looked, and taken when its worker came."""
    study = make_study(seeds=[0])
    prepared = prepare_study(study, tmp_path)
    job = prepared.scheduler.next_job()
    assert job is not None
    job.folder.mkdir(parents=True)
    prepared.folder.path.mkdir()
    with holding_lock(job.folder / ".lock"):
        ended = Worker().carry_out(job, lambda record: True)
        assert ended.status == "held"
        assert "is being trained by another process" in ended.reason
        prepared.scheduler.on_end(job, ended)
        assert prepared.scheduler.find_held() == ["recipe, seed 0"]
        assert prepared.scheduler.next_job() is None
    assert prepared.scheduler.next_job() == job


def test_a_folder_that_cannot_be_locked_is_a_failure_and_not_waited_for(tmp_path: Path) -> None:
    study = make_study(seeds=[0])
    folder = prepare_study(study, tmp_path).scheduler.waiting[0].folder
    (folder / ".lock").mkdir(parents=True)
    analysis = run_study(study, tmp_path, engine="serial")
    (row,) = analysis.failed
    assert "cannot be locked" in (row.reason or "")


def test_the_leftovers_of_another_recipe_are_not_cleared_away_under_its_process(tmp_path: Path) -> None:
    job = prepare_study(make_study(seeds=[0]), tmp_path).scheduler.next_job()
    assert job is not None
    Worker().carry_out(job, lambda record: False)
    other = job.recipe.model_copy(update={"name": "another-name"})
    before = sorted(path.name for path in job.folder.iterdir())
    with holding_lock(job.folder / ".lock"):
        assert Worker().carry_out(replace(job, recipe=other), lambda record: True).status == "held"
        assert sorted(path.name for path in job.folder.iterdir()) == before
    assert Worker().carry_out(replace(job, recipe=other), lambda record: True).status == "finished"


def test_what_a_process_killed_while_it_began_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    job = prepare_study(make_study(seeds=[0]), tmp_path).scheduler.next_job()
    assert job is not None
    job.folder.mkdir(parents=True)
    half_written = job.folder / ".recipe.toml.78cb_oqq.new"
    half_written.write_text("[data")
    assert Worker().carry_out(job, lambda record: True).status == "finished"
    assert not half_written.exists()


@pytest.mark.parametrize("kind", [StudyFolder, SearchFolder])
def test_whoever_takes_up_a_folder_clears_what_a_killed_process_left_there(
    kind: type[StudyFolder | SearchFolder], tmp_path: Path
) -> None:
    folder = kind(tmp_path / "one")
    left = [folder.path / ".results.csv.78cb_oqq.new", folder.path / "recipes" / ".a.toml.1x_oqq.new"]
    of_run = folder.path / "fresh" / "0" / ".recipe.toml.92_abcd.new"  # whose process may be at work
    for path in (*left, of_run):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    with folder.locked():
        pass
    assert not any(path.exists() for path in left)
    assert of_run.exists()
