import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loupe.engines import Job
from loupe.engines.processes import ProcessEngine
from loupe.engines.retrying import MOST_TRIES
from loupe.engines.serial import SerialEngine
from loupe.runs import RunFolder
from loupe.training import EpochRecord

from .conftest import Jobs, make_diverging_job, make_fragile_job, make_jobs, needs_ray, read_numbers


@pytest.fixture
def two_processes() -> Iterator[ProcessEngine]:
    engine = ProcessEngine(2)
    yield engine
    engine.close()


@pytest.mark.thorough
def test_two_processes_give_the_numbers_of_one(tmp_path: Path, two_processes: ProcessEngine) -> None:
    one, two = make_jobs(tmp_path / "one", 2), make_jobs(tmp_path / "two", 2)
    SerialEngine().carry_out(Jobs(one))
    jobs = Jobs(two)
    two_processes.carry_out(jobs)
    assert jobs.statuses == ["finished"] * 2
    assert len(multiprocessing.active_children()) == 2
    for a, b in zip(one, two, strict=True):
        assert read_numbers(a.folder) == read_numbers(b.folder)


@pytest.mark.slow
def test_killed_processes_are_replaced_and_the_numbers_are_those_of_one_process(
    tmp_path: Path, two_processes: ProcessEngine
) -> None:
    victims: list[int] = []

    def kill_all_once(job: Job, record: EpochRecord) -> bool:
        if record.epoch == 2 and not victims:
            for child in multiprocessing.active_children():
                victims.append(child.pid)
                child.kill()
        return True

    one, two = make_jobs(tmp_path / "one", 4), make_jobs(tmp_path / "two", 4)
    SerialEngine().carry_out(Jobs(one))
    jobs = Jobs(two, kill_all_once)
    two_processes.carry_out(jobs)
    assert len(victims) == 2
    assert not set(victims) & {child.pid for child in multiprocessing.active_children()}
    assert jobs.statuses == ["finished"] * 4
    for a, b in zip(one, two, strict=True):
        assert read_numbers(a.folder) == read_numbers(b.folder)


@pytest.mark.slow
def test_a_job_that_costs_too_many_processes_has_failed_and_the_others_go_on(
    tmp_path: Path, two_processes: ProcessEngine
) -> None:
    jobs = Jobs(
        [
            make_fragile_job(tmp_path / "for ever", most=99),
            make_diverging_job(tmp_path),
            *make_jobs(tmp_path, 2),
        ]
    )
    two_processes.carry_out(jobs)
    ended = jobs.ended.pop("fragile")
    assert ended.status == "failed"
    assert f"died {MOST_TRIES} times (exit status -9" in ended.reason
    assert len(list((tmp_path / "for ever" / "deaths").iterdir())) == MOST_TRIES
    assert jobs.statuses == ["failed", "finished", "finished"]


@pytest.mark.slow
def test_a_job_that_costs_some_processes_is_finished(tmp_path: Path, two_processes: ProcessEngine) -> None:
    jobs = Jobs([make_fragile_job(tmp_path, most=MOST_TRIES - 1)])
    two_processes.carry_out(jobs)
    assert jobs.statuses == ["finished"]


SCRIPT = """
import multiprocessing, signal, sys
from pathlib import Path

from loupe.engines import open_engine
from tests.engines.conftest import Jobs, make_jobs


def tell(job, record):
    print(job.name, record.epoch, *(child.pid for child in multiprocessing.active_children()), flush=True)
    return True


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell ignores it
    jobs = Jobs(make_jobs(Path(sys.argv[1]), 3, "train.epochs=80"), tell)
    engine = open_engine(sys.argv[2], workers=2)
    try:
        engine.carry_out(jobs)
    except KeyboardInterrupt:
        print("interrupted", *jobs.statuses, len(jobs.waiting), flush=True)
    finally:
        engine.close()
"""


@pytest.fixture
def driver(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that carries out long runs with two workers."""
    engine = getattr(request, "param", "processes")
    script = tmp_path / "driver.py"
    script.write_text(SCRIPT, encoding="utf-8")
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "runs"), engine],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "src")])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    process.kill()
    process.communicate()


def wait_for_both(driver: subprocess.Popen[str]) -> list[int]:
    """Return the processes of the workers when both have told of an epoch."""
    assert driver.stdout is not None
    heard = set()
    for line in driver.stdout:
        _, number, _, *children = line.split()
        heard.add(number)
        if len(heard) == 2:
            return [int(child) for child in children]
    raise AssertionError(driver.communicate()[1])


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc which processes run")
def test_workers_end_with_a_killed_parent(driver: subprocess.Popen[str]) -> None:
    workers = wait_for_both(driver)
    assert all(map(is_running, workers))
    driver.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(map(is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, workers))


@pytest.mark.slow
@pytest.mark.parametrize("driver", ["processes", pytest.param("ray", marks=needs_ray)], indirect=True)
def test_ctrl_c_ends_runs_after_their_epoch_and_they_can_be_resumed(
    driver: subprocess.Popen[str], tmp_path: Path
) -> None:
    wait_for_both(driver)
    os.killpg(driver.pid, signal.SIGINT)  # as the terminal does: to the workers too
    out, err = driver.communicate(timeout=60)
    assert out.splitlines()[-1] == "interrupted stopped stopped 1"
    assert "Traceback" not in err
    jobs = make_jobs(tmp_path / "runs", 2, "train.epochs=80")
    for job in jobs:
        result = RunFolder(job.folder).read_result()
        assert result is not None
        assert result.status == "interrupted"
    rest = Jobs(jobs)
    SerialEngine().carry_out(rest)
    assert rest.statuses == ["finished", "finished"]
    assert rest.epochs[0][1] > 1
