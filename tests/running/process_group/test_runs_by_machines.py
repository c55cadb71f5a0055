"""One run by processes that were started separately, as on two machines: no folder and no cache in common."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from loupe.errors import LoupeError
from loupe.running.process_group.gathering import find_free_port
from loupe.running.process_group.launched import Rendezvous
from loupe.runs import RunFolder
from loupe.training.process_group import LostProcessError
from tests.quick_runs import QUICK, Train, is_same_weights
from tests.running.process_group.test_runs_by_processes import assert_close

pytest.importorskip("lightning_fabric", reason="the extra `fabric` is not installed")

RECIPE = ("digits", *QUICK, "model=mlp", "train.optimizer=sgd", "run.threads=1", "run.device=cpu")
OF_FOLDER = (
    *("digits", "model=mlp", "data.name=folder", "data.path=crops", "data.validation=0.3"),
    *("run.device=cpu", "run.threads=1"),
)
SECONDS = 120

StartNodes = Callable[..., "list[Node]"]


@dataclass
class Node:
    """A machine of its own, as far as folders go."""

    place: Path
    process: "subprocess.Popen[str]"

    def wait(self) -> tuple[int, str]:
        """Return exit status and what was said."""
        said, _ = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, said

    @property
    def run(self) -> RunFolder:
        (path,) = (self.place / "runs").iterdir()
        return RunFolder(path)


@pytest.fixture
def start_nodes(tmp_path: Path) -> Iterator[StartNodes]:
    """Start a command as two nodes that share nothing but the network."""
    nodes: list[Node] = []

    def start(*command: str) -> list[Node]:
        port = find_free_port()
        for rank, name in enumerate("ab"):
            place = tmp_path / name
            place.mkdir(exist_ok=True)
            group = {"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": "0"}
            group |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
            own = {"XDG_CACHE_HOME": str(place / "cache"), "XDG_STATE_HOME": str(place / "state")}
            process = subprocess.Popen(
                [sys.executable, "-m", "loupe", *command],
                cwd=place,
                env={**os.environ, **group, **own},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            nodes.append(Node(place, process))
        return nodes[-2:]

    yield start
    for node in nodes:
        node.process.kill()
        node.process.communicate()


def write_folder(root: Path) -> None:
    random = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 180)):
        (root / name).mkdir(parents=True)
        for index in range(60):
            pixels = np.clip(random.normal(level, 20, (8, 8)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{index}.png")


@pytest.mark.thorough
def test_two_nodes_end_where_one_machine_does(train: Train, start_nodes: StartNodes) -> None:
    alone = train(*RECIPE[len(QUICK) + 1 :], "train.epochs=2")
    first, second = start_nodes("train", *RECIPE, "train.epochs=2")
    assert second.wait() == (0, ""), "the second one says nothing, and writes nothing"
    status, said = first.wait()
    assert status == 0, said
    assert_close(first.run, alone)
    result = first.run.read_result()
    assert result.best.test.accuracy == alone.read_result().best.test.accuracy
    assert result.notes == ("trained by 2 processes, each on its share of every batch",)
    assert first.run.read_recipe().run.processes == 2
    assert "processes 1 to 2 on " in (first.run.path / "log.txt").read_text(encoding="utf-8")
    assert not (second.place / "runs").exists()


@pytest.mark.slow
def test_a_node_that_dies_is_said_and_the_run_resumed_on_both(train: Train, start_nodes: StartNodes) -> None:
    recipe = ("data.fraction=1.0", "train.batch_size=8", "train.epochs=40")
    first, second = start_nodes("train", *RECIPE, *recipe)
    deadline = time.monotonic() + SECONDS
    while not list(first.place.glob("runs/*/history.csv")) or len(first.run.read_history()) < 3:
        assert time.monotonic() < deadline
        assert first.process.poll() is None
        time.sleep(0.01)
    second.process.kill()
    status, said = first.wait()
    assert status == 1
    assert "Another process of this run is gone, or cannot be reached." in said
    assert f"loupe resume runs/{first.run.path.name}" in " ".join(said.split())
    assert "on every machine as before" in said
    assert "--processes 1" in said
    assert "Traceback" not in said
    assert first.run.read_result().status == "failed"
    assert 0 < len(first.run.read_history()) < 40
    copy = second.place / "runs" / first.run.path.name
    shutil.copytree(first.run.path, copy, ignore=shutil.ignore_patterns("last"))  # no checkpoint there
    nodes = start_nodes("resume", f"runs/{copy.name}")
    assert [node.wait()[0] for node in nodes] == [0, 0]
    assert first.run.read_result().status == "finished"
    unbroken = train(*RECIPE[len(QUICK) + 1 :], *recipe, "run.processes=2")
    assert is_same_weights(first.run.checkpoint_file, unbroken.checkpoint_file)


@pytest.mark.slow
def test_other_data_on_one_node_is_refused_on_both(tmp_path: Path, start_nodes: StartNodes) -> None:
    for name in "ab":
        write_folder(tmp_path / name / "crops")
    (tmp_path / "b/crops/dark/0.png").unlink()
    for node in start_nodes("train", *OF_FOLDER):
        status, said = node.wait()
        assert status == 1
        assert "The processes of this run do not have the same data." in said
        assert "process 2 on " in said
        assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["a", "b"])
def test_a_node_without_the_data_keeps_nobody_waiting(
    tmp_path: Path, start_nodes: StartNodes, missing: str
) -> None:
    (present,) = {"a", "b"} - {missing}
    write_folder(tmp_path / present / "crops")
    for name, node in zip("ab", start_nodes("train", *OF_FOLDER), strict=True):
        status, said = node.wait()
        assert status == 1
        number = "ab".index(missing) + 1
        there = "There is no folder" if name == missing else f"Process {number} of this run, on "
        assert there in said
        assert "Traceback" not in said


@pytest.mark.slow
def test_torchrun_starts_a_run(train: Train, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, "-m", "loupe", "train", *RECIPE, "train.epochs=2"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("finished after") == 1
    (path,) = (one for one in (tmp_path / "runs").iterdir() if (one / "recipe.toml").exists())
    assert_close(RunFolder(path), train(*RECIPE[len(QUICK) + 1 :], "train.epochs=2"))


@pytest.mark.slow
def test_others_that_never_come_are_not_waited_for_for_ever() -> None:
    from loupe.running.process_group.joining import joined

    rendezvous = Rendezvous(0, 2, "127.0.0.1", find_free_port(), 0, 1)
    with pytest.raises(LostProcessError), joined(rendezvous, torch.device("cpu"), patience_seconds=1):
        pass
    again = pytest.raises(LoupeError, match="trained a run together already")
    with again, joined(rendezvous, torch.device("cpu")):
        pass
