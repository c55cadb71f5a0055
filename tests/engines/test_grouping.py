"""Which jobs are asked for, and which are picked to go together."""

from pathlib import Path

from loupe.engines import Job
from loupe.engines.grouping import GroupPicker
from loupe.running import load_recipe

from .conftest import QUICK


def make_jobs(folder: Path, *changes: str) -> list[Job]:
    return [
        Job(f"job {number}", load_recipe("digits", [*QUICK, change]), folder / str(number))
        for number, change in enumerate(changes)
    ]


def test_like_jobs_are_sought_far_ahead_where_that_is_allowed(tmp_path: Path) -> None:
    jobs = make_jobs(tmp_path, *["model.width=1", "model.width=2"] * 4)
    picker = GroupPicker(4)
    group = picker.next_group(lambda: jobs.pop(0) if jobs else None)
    assert [job.name for job in group] == ["job 0", "job 2", "job 4", "job 6"]


def test_without_looking_ahead_one_unlike_job_waits_at_most(tmp_path: Path) -> None:
    jobs = make_jobs(tmp_path, "run.seed=1", "run.seed=2", "model.width=2", "run.seed=3", "run.seed=4")
    picker = GroupPicker(4)

    def pick() -> list[str]:
        return [
            job.name for job in picker.next_group(lambda: jobs.pop(0) if jobs else None, looks_ahead=False)
        ]

    assert pick() == ["job 0", "job 1"]
    assert [job.name for job in jobs] == ["job 3", "job 4"]
    assert pick() == ["job 2"]
    assert pick() == ["job 3", "job 4"]


def test_without_looking_ahead_nothing_is_asked_for_beside_a_job_that_goes_alone(tmp_path: Path) -> None:
    jobs = make_jobs(tmp_path, "train.compile=true", "run.seed=2")
    picker = GroupPicker(4)
    (first,) = picker.next_group(lambda: jobs.pop(0) if jobs else None, looks_ahead=False)
    assert first.name == "job 0"
    assert len(jobs) == 1


def test_jobs_that_go_alone_are_asked_for_one_by_one(tmp_path: Path) -> None:
    """One that is held back counts as started, and whoever watches would be told so."""
    jobs = make_jobs(tmp_path, *(f"run.seed={seed}" for seed in range(4)))
    picker = GroupPicker(1)
    for number in range(3):
        (job,) = picker.next_group(lambda: jobs.pop(0), num_idle=2)
        assert job.name == f"job {number}"
        assert len(jobs) == 3 - number
