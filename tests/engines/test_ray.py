"""A cluster of two simulated nodes on this machine; each node is a set of processes of its own."""

import os
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loupe.engines import Job, open_engine
from loupe.engines.engine import Ended
from loupe.engines.ray_worker import RayWorker
from loupe.engines.serial import SerialEngine
from loupe.engines.tasks import Task, carry_out_task
from loupe.engines.worker import Worker
from loupe.errors import LoupeError
from loupe.running import load_recipe
from loupe.runs import RunFolder
from loupe.runs.moving import pack_run, unpack_run
from loupe.training import EpochRecord

from .conftest import QUICK, Jobs, make_diverging_job, make_fragile_job, make_jobs, needs_ray, read_numbers


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes with a CPU each, and this process connected to them."""
    ray = pytest.importorskip("ray", reason="the package ray is not installed")
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Ray leaves pipes of its processes to the collector
        nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        nodes.add_node(num_cpus=1)
        ray.init(address=nodes.address, log_to_driver=False, logging_level="ERROR")
        yield nodes
        ray.shutdown()
        nodes.shutdown()


def test_a_run_in_a_folder_of_its_own_comes_back_as_if_it_had_been_here(tmp_path: Path) -> None:
    """The path for machines without a shared disk, without Ray."""
    (here,), (there,) = make_jobs(tmp_path / "here", 1), make_jobs(tmp_path / "there", 1)
    SerialEngine().carry_out(Jobs([here]))
    worker = RayWorker()
    message = worker.begin(Task(there, run={}))
    epochs = []
    while isinstance(message, EpochRecord):
        epochs.append(message.epoch)
        message = worker.go_on(True)
    assert epochs == [1, 2, 3]
    assert message.ended == Ended("finished")
    assert message.files is not None
    assert not there.folder.exists()
    assert set(message.files) == set(pack_run(here.folder))
    assert message.files["recipe.toml"] == RunFolder(here.folder).recipe_file.read_bytes()


@pytest.mark.thorough
def test_a_source_that_was_sent_along_leaves_no_trace_of_where_it_was(tmp_path: Path) -> None:
    """A run sent back is resumed here, as if its starting weights had been read here."""
    (source,) = make_jobs(tmp_path, 1)
    SerialEngine().carry_out(Jobs([source]))
    recipe = load_recipe("digits", [*QUICK, "run.seed=5", f"transfer='{source.folder}'"])
    job, other = (Job("from it", recipe, tmp_path / name, source.folder) for name in ("moved", "plain"))
    SerialEngine().carry_out(Jobs([other]))
    engine = Worker()
    task = Task(job, run={}, source=pack_run(source.folder))
    returned = carry_out_task(task, lambda job: engine.carry_out(job, lambda record: record.epoch < 2))
    assert returned.ended.status == "stopped"
    assert returned.files is not None
    unpack_run(returned.files, job.folder)
    rest = Jobs([job])
    SerialEngine().carry_out(rest)
    assert rest.epochs == [("from it", 3)]
    assert read_numbers(job.folder) == read_numbers(other.folder)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "loupe.engines.ray", raising=False)
    with pytest.raises(LoupeError, match="needs the package ray") as caught:
        open_engine("ray")
    assert "loupe-bench[ray]" in str(caught.value)


@needs_ray
@pytest.mark.slow
def test_sixteen_runs_with_a_worker_killed_equal_those_of_one_process(tmp_path: Path, cluster: Any) -> None:
    victims: list[int] = []

    def kill_one(job: Job, record: EpochRecord) -> bool:
        if len(jobs.ended) >= 4 and record.epoch == 2 and not victims:
            victims.append(next(one.process for one in engine._actors if one.job == job))
            os.kill(victims[0], signal.SIGKILL)
        return True

    one, many = make_jobs(tmp_path / "one", 16), make_jobs(tmp_path / "many", 16)
    SerialEngine().carry_out(Jobs(one))
    jobs = Jobs(many, kill_one)
    engine = open_engine("ray")
    try:
        assert engine.num_workers == 2
        engine.carry_out(jobs)
    finally:
        engine.close()
    assert len(victims) == 1
    assert jobs.statuses == ["finished"] * 16
    for a, b in zip(one, many, strict=True):
        assert read_numbers(a.folder) == read_numbers(b.folder)
    assert sorted(path.name for path in (tmp_path / "many").iterdir()) == sorted(map(str, range(16)))


@needs_ray
@pytest.mark.slow
def test_without_a_shared_disk_the_files_come_back(tmp_path: Path, cluster: Any) -> None:
    one, many = make_jobs(tmp_path / "one", 3), make_jobs(tmp_path / "many", 3)
    SerialEngine().carry_out(Jobs(one))
    jobs = Jobs([*many, make_diverging_job(tmp_path / "many")])
    engine = open_engine("ray", workers=2)
    engine._markers[tmp_path / "many"] = tmp_path / "a file that workers do not see", "token"
    try:
        engine.carry_out(jobs)
    finally:
        engine.close()
    assert jobs.ended.pop("diverging").status == "failed"
    assert jobs.statuses == ["finished"] * 3
    for a, b in zip(one, many, strict=True):
        assert read_numbers(a.folder) == read_numbers(b.folder)


@needs_ray
@pytest.mark.slow
def test_a_job_that_costs_too_many_workers_has_failed(tmp_path: Path, cluster: Any) -> None:
    jobs = Jobs([make_fragile_job(tmp_path / "fragile", most=99), *make_jobs(tmp_path, 2)])
    engine = open_engine("ray", workers=2)
    try:
        engine.carry_out(jobs)
    finally:
        engine.close()
    ended = jobs.ended.pop("fragile")
    assert ended.status == "failed"
    assert "died 3 times" in ended.reason
    assert jobs.statuses == ["finished"] * 2


@needs_ray
@pytest.mark.slow
def test_runs_of_a_lost_node_are_resumed_elsewhere(tmp_path: Path, cluster: Any) -> None:
    third = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    lost: list[Any] = []

    def lose_the_third(job: Job, record: EpochRecord) -> bool:
        if len({name for name, _ in jobs.epochs}) == 3 and not lost:  # each node has a run under way
            lost.append(third)
            cluster.remove_node(third, allow_graceful=False)
        return True

    jobs = Jobs(make_jobs(tmp_path, 6, "train.epochs=20"), lose_the_third)
    engine = open_engine("ray")
    try:
        assert engine.num_workers == 3
        engine.carry_out(jobs)
    finally:
        engine.close()
    assert len(lost) == 1
    assert jobs.statuses == ["finished"] * 6


@needs_ray
@pytest.mark.slow
def test_a_cluster_without_room_is_refused(
    tmp_path: Path, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loupe.engines.ray._ROOM_SECONDS", 2.0)
    engine = open_engine("ray", threads=4)
    try:
        with pytest.raises(LoupeError, match="has no room for a run"):
            engine.carry_out(Jobs(make_jobs(tmp_path, 1)))
    finally:
        engine.close()
