"""One run by two real processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import loupe
from loupe.errors import TrainingError
from loupe.running.process_group.gathering import Member
from loupe.runs import RunFolder
from loupe.training import Observer, TrainingState
from tests.quick_runs import StopAfter, Train, is_same_weights

pytest.importorskip("lightning_fabric", reason="the extra `fabric` is not installed")

TWO = ("run.processes=2", "run.threads=1", "run.device=cpu")


def assert_close(run: RunFolder, other: RunFolder, atol: float = 1e-5) -> None:
    a, b = load_file(run.checkpoint_file), load_file(other.checkpoint_file)
    assert a.keys() == b.keys()
    for name, tensor in a.items():
        torch.testing.assert_close(tensor, b[name], atol=atol, rtol=0)


def list_children() -> list[int]:
    """Return the process ids of this process's children that are not zombies (Linux)."""
    found = []
    for file in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        found += [int(child) for child in file.read_text().split()]
    return [child for child in found if is_alive(child)]


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.thorough
def test_two_processes_end_where_one_does(train: Train) -> None:
    """Ctrl-C after an epoch, and on with one process; the whole of it with one process alone."""
    recipe = ("model=mlp", "train.optimizer=sgd", "train.epochs=2", "run.threads=1")
    alone = train(*recipe)
    before = list_children()
    run = train(*recipe, *TWO, observers=[StopAfter(1, KeyboardInterrupt())])
    assert list_children() == before, "a process was left behind"
    assert run.read_result().status == "interrupted"
    assert run.read_environment()["processes"] == 2
    loupe.resume(run.path, processes=1)
    result = run.read_result()
    assert result.status == "finished"
    (warning,) = result.warnings
    assert warning.startswith("Resumed under other conditions (processes 2 → 1)")
    assert_close(run, alone)
    for one, other in zip(run.read_history(), alone.read_history(), strict=True):
        assert one.validation_accuracy == other.validation_accuracy
        assert one.train_loss == pytest.approx(other.train_loss, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["mlp", "{name='cnn', conv_layers=4, dense_layers=2, width=1}"])
def test_weights_are_those_of_one_process(train: Train, model: str) -> None:
    recipe = (f"model={model}", "train.optimizer=sgd", "train.epochs=2", "data.fraction=1.0")
    alone, run = train(*recipe), train(*recipe, *TWO)
    assert_close(run, alone)
    assert run.read_result().notes == ("trained by 2 processes, each on its share of every batch",)
    assert run.read_result().best.test.accuracy == alone.read_result().best.test.accuracy


@pytest.mark.slow
def test_a_run_begun_by_one_is_gone_on_with_by_two(train: Train) -> None:
    recipe = ("model=mlp", "train.optimizer=sgd", "train.epochs=4", "run.threads=1")
    alone = train(*recipe)
    run = train(*recipe, observers=[StopAfter(2, KeyboardInterrupt())])
    loupe.resume(run.path, processes=2)
    assert_close(run, alone)
    (warning,) = run.read_result().warnings
    assert "processes 1 → 2" in warning


@pytest.mark.slow
def test_batch_norm_is_trained_and_said_of(train: Train) -> None:
    recipe = ("model={name='resnet', depth=20}", "train.epochs=2")
    first, again = train(*recipe, *TWO), train(*recipe, *TWO)
    assert is_same_weights(first.checkpoint_file, again.checkpoint_file)
    assert any(note.startswith("batch norm: ") for note in first.read_result().notes)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_a_killed_run_leaves_no_process_and_resumes_to_the_bit(train: Train, tmp_path: Path) -> None:
    recipe = ("train.epochs=12", "train.clean_train_images=0", "model.width=1", "data.fraction=0.5")
    recipe = (*recipe, "evaluate.look_inside=false", *TWO)
    whole = loupe.train("digits", *recipe, f"run.folder={tmp_path / 'whole'}")
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "loupe", "train", "digits", *recipe, f"run.folder={folder}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            histories = list(folder.glob("*/history.csv"))
            if histories and len(histories[0].read_text().splitlines()) > 4:
                break
            time.sleep(0.005)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 1
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 10
    while is_alive(int(children[0])):
        assert time.monotonic() < deadline, "the other process goes on alone"
        time.sleep(0.01)
    (path,) = folder.iterdir()
    assert RunFolder(path).read_result() is None
    run = loupe.resume(path)
    assert run.read_result().status == "finished"
    assert run.read_result().warnings == ()
    assert is_same_weights(run.checkpoint_file, whole.checkpoint_file)
    assert is_same_weights(run.best_file, whole.best_file)


@pytest.mark.slow
def test_a_process_that_dies_fails_the_run_and_costs_nothing_reached(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members: list[Member] = []
    start = Member.__init__

    def remember(self: Member, rank: int) -> None:
        members.append(self)
        start(self, rank)

    class KillTheOther(Observer):
        def on_epoch_end(self, state: TrainingState) -> None:
            if state.epoch == 2:
                members[-1]._process.kill()

    monkeypatch.setattr(Member, "__init__", remember)
    recipe = ("model=mlp", "train.epochs=4")
    with pytest.raises(TrainingError) as caught:
        train(*recipe, *TWO, observers=[KillTheOther()])
    assert caught.value.message == "Process 2 of this run died."
    assert caught.value.got.startswith("exit status -9")
    monkeypatch.undo()
    (path,) = (tmp_path / "runs").iterdir()
    run = RunFolder(path)
    assert run.read_result().status == "failed"
    assert len(run.read_history()) == 2
    loupe.resume(path)
    assert is_same_weights(run.checkpoint_file, train(*recipe, *TWO).checkpoint_file)


@pytest.mark.slow
def test_a_process_that_cannot_begin_is_said(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here Python itself does not find its library; whatever was said last is shown."""
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    with pytest.raises(TrainingError) as caught:
        train("model=mlp", *TWO)
    assert caught.value.message == "Process 2 of this run died."
    assert caught.value.got.startswith("exit status 1: ")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_ctrl_c_on_the_keyboard_ends_all_processes_tidily(tmp_path: Path) -> None:
    """It reaches every process of the terminal's group."""
    recipe = ("model=mlp", "train.epochs=100000", "evaluate.look_inside=false", *TWO)
    command = [sys.executable, "-m", "loupe", "train", "digits", *recipe, f"run.folder={tmp_path}"]
    process = subprocess.Popen(
        [sys.executable, "-c", f"import signal, runpy, sys; sys.argv = {command[2:]!r}; "
         "signal.signal(signal.SIGINT, signal.default_int_handler); "
         "runpy.run_module('loupe', run_name='__main__', alter_sys=True)"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("*/history.csv")) or not list(tmp_path.glob("*/best.safetensors")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert "Traceback" not in said
    assert not is_alive(int(child))
    (path,) = tmp_path.iterdir()
    result = RunFolder(path).read_result()
    assert result.status == "interrupted"
    assert result.best is not None


@pytest.mark.slow
def test_an_error_of_ones_own_is_not_laid_to_the_others(train: Train) -> None:
    class Fail(Observer):
        def on_step(self, step: int) -> None:
            raise RuntimeError("a fault in an observer")

    with pytest.raises(RuntimeError, match="a fault in an observer"):
        train("model=mlp", *TWO, observers=[Fail()])


@pytest.mark.slow
def test_a_loss_that_is_no_number_ends_all_processes_alike(train: Train) -> None:
    with pytest.raises(TrainingError, match="The training loss is no longer a number at epoch 1, step "):
        train("model=mlp", "train.optimizer={name='sgd', learning_rate=1e30}", *TWO)
