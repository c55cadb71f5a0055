import signal
from pathlib import Path

import pytest

from loupe.engines import Job, open_engine
from loupe.engines.serial import SerialEngine
from loupe.errors import LoupeError, UnknownNameError
from loupe.runs import RunFolder
from loupe.training import EpochRecord

from .conftest import Jobs, make_diverging_job, make_jobs, read_numbers


def test_a_failed_run_does_not_stop_the_others(tmp_path: Path) -> None:
    first, last = make_jobs(tmp_path, 2)
    jobs = Jobs([first, make_diverging_job(tmp_path), last])
    SerialEngine().carry_out(jobs)
    assert {name: ended.status for name, ended in jobs.ended.items()} == {
        "job 0": "finished",
        "diverging": "failed",
        "job 1": "finished",
    }
    assert "no longer a number" in jobs.ended["diverging"].reason
    assert jobs.epochs[:3] == [("job 0", 1), ("job 0", 2), ("job 0", 3)]


def test_a_run_ends_where_the_scheduler_wishes_and_can_be_resumed(tmp_path: Path) -> None:
    (whole,) = make_jobs(tmp_path / "whole", 1)
    (job,) = make_jobs(tmp_path, 1)
    stopped = Jobs([job], lambda job, record: record.epoch < 2)
    engine = SerialEngine()
    engine.carry_out(stopped)
    assert stopped.statuses == ["stopped"]
    assert not RunFolder(job.folder).is_finished()
    engine.carry_out(Jobs([whole]))
    rest = Jobs([job])
    engine.carry_out(rest)
    assert rest.epochs[0] == ("job 0", 3)
    assert read_numbers(job.folder) == read_numbers(whole.folder)


def test_ctrl_c_ends_the_run_and_the_rest_is_not_started(tmp_path: Path) -> None:
    def press(job: Job, record: EpochRecord) -> bool:
        signal.raise_signal(signal.SIGINT)
        return True

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell ignores it
    jobs = Jobs(make_jobs(tmp_path, 2), press)
    try:
        with pytest.raises(KeyboardInterrupt):
            SerialEngine().carry_out(jobs)
    finally:
        signal.signal(signal.SIGINT, before)
    assert jobs.statuses == ["interrupted"]
    assert len(jobs.waiting) == 1
    assert len(RunFolder(tmp_path / "0").read_history()) == 1


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    engine, jobs = SerialEngine(), make_jobs(tmp_path, 1)
    engine.carry_out(Jobs(jobs))
    before = RunFolder(jobs[0].folder).result_file.stat().st_mtime_ns
    again = Jobs(jobs)
    engine.carry_out(again)
    assert again.epochs == []
    assert RunFolder(jobs[0].folder).result_file.stat().st_mtime_ns == before


def test_an_unfinished_run_of_another_recipe_gives_way(tmp_path: Path) -> None:
    (old,) = make_jobs(tmp_path, 1, "train.batch_size=32")
    (new,) = make_jobs(tmp_path, 1)
    engine = SerialEngine()
    engine.carry_out(Jobs([old], lambda job, record: False))
    engine.carry_out(Jobs([new]))
    assert RunFolder(new.folder).read_recipe().train.batch_size == new.recipe.train.batch_size


def test_engines_are_opened_by_name() -> None:
    assert isinstance(open_engine("serial"), SerialEngine)
    with pytest.raises(UnknownNameError, match="no engine called 'procesess'") as caught:
        open_engine("procesess")
    assert caught.value.nearest == "processes"
    with pytest.raises(LoupeError, match="one run at a time"):
        open_engine("serial", workers=2)
    with pytest.raises(LoupeError, match="Runs need a worker"):
        open_engine("processes", workers=0)
