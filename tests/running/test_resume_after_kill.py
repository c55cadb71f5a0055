"""Kill a real process at a random moment, resume it, and compare with the run that was never killed."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import loupe
from loupe.runs import RunFolder

RECIPE = (
    *("train.epochs=40", "train.clean_train_images=0", "model.width=1", "data.fraction=0.5"),
    *("run.threads=1", "evaluate.look_inside=false"),
)


def start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "loupe", "train", "digits", *RECIPE, f"run.folder={folder}"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_in_mid_run(folder: Path, draw: random.Random) -> Path:
    """Start a run, kill it during a random epoch, and return its folder."""
    process, epochs = start(folder), draw.randint(0, 35)
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline and process.poll() is None:
            histories = list(folder.glob("*/history.csv"))
            started = list(folder.glob("*/environment.json"))
            if started and epochs == 0:
                break
            if histories and len(histories[0].read_text().splitlines()) > epochs:
                break
            time.sleep(0.002)
        time.sleep(draw.random() * 0.05)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    (path,) = folder.iterdir()
    return path


def check(tmp_path: Path, kills: int, seed: int) -> None:
    draw = random.Random(seed)
    whole = loupe.train("digits", *RECIPE, f"run.folder={tmp_path / 'whole'}")
    for number in range(kills):
        path = kill_in_mid_run(tmp_path / f"killed-{number}", draw)
        run = loupe.resume(path)
        for name in ("checkpoint_file", "best_file"):
            expected, got = load_file(getattr(whole, name)), load_file(getattr(run, name))
            assert expected.keys() == got.keys()
            same = [torch.equal(expected[key], got[key]) for key in expected]
            assert all(same), f"{name} differs after kill {number}"
        assert [one.validation_loss for one in run.read_history()] == [
            one.validation_loss for one in whole.read_history()
        ]
        assert_finished(run)
        assert not list(run.path.rglob("*.new")), "a half-written file was left"


def assert_finished(run: RunFolder) -> None:
    result = run.read_result()
    assert result is not None
    assert result.status == "finished"


@pytest.mark.thorough
def test_a_killed_run_resumes_to_the_bit(tmp_path: Path) -> None:
    check(tmp_path, kills=1, seed=time.time_ns())


@pytest.mark.slow
def test_many_killed_runs_resume_to_the_bit(tmp_path: Path) -> None:
    check(tmp_path, kills=15, seed=time.time_ns())
