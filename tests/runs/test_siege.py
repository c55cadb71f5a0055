"""A siege of run folders: kills, flips, cuts and hostile files at random, within a few minutes.

No traceback, nothing that hangs, no figure shown that the weights do not give, and every killed run goes on
to the bit.
"""

import contextlib
import io
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

import loupe
from loupe.cli import main
from loupe.errors import LoupeError
from loupe.runs import RunFolder
from loupe.runs.evidence import read_digests, renew_digests
from loupe.runs.reading import is_plain
from loupe.web.run_details import describe_run
from loupe.web.run_index import RunIndex
from loupe.web.sessions import Sessions
from tests.quick_runs import QUICK, is_same_weights

pytestmark = pytest.mark.slow

_MOST_SECONDS = 200.0  # of each part
KILLS, FLIPS, HOSTILE = 100, 600, 200


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("siege") / "runs"
    return loupe.train(
        "digits", *QUICK, "name=victim", "evaluate.track_examples=20", "run.threads=1", f"run.folder={folder}"
    )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Image.new("L", (8, 8), 9).save("one.png")
    return tmp_path


def copy(finished: RunFolder, place: Path) -> RunFolder:
    shutil.rmtree(place / "runs", ignore_errors=True)
    for name in ("sound", "victim"):
        shutil.copytree(finished.path, place / "runs" / name)
    return RunFolder(place / "runs" / "victim")


VERBS: dict[str, list[str]] = {
    "list": ["list"],
    "predict": ["predict", "victim", "one.png"],
    "inspect": ["inspect", "victim", "--index", "0", "--layer", "conv1"],
    "card": ["export", "victim", "--format", "card"],
    "compare": ["compare", "sound", "victim"],
    "verify": ["verify", "victim"],
    "pack": ["pack", "victim"],
    "resume": ["resume", "victim"],
    "show": ["show", "runs/victim/recipe.toml"],
}


def ask_page(place: Path) -> None:
    """Ask what the page asks of a run; a mistake in words is an answer."""
    index = RunIndex(place / "runs")
    assert {one.name: one.status for one in index.list_all()}["sound"] == "finished"
    for way in (describe_run, lambda index, sessions, name: sessions.open(name).predictions):
        with contextlib.suppress(LoupeError):
            way(index, Sessions(index), "victim")


def ask(verb: str, place: Path) -> str:
    """Return what a verb prints; fail if it takes long, or ends in anything but words."""
    if verb == "page":
        ask_page(place)
        return ""
    out, err = io.StringIO(), io.StringIO()

    def give_up(*arguments: object) -> None:
        raise AssertionError(f"{verb} hangs")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(VERBS[verb])
    finally:
        signal.alarm(0)
    assert status in (0, 1)
    assert "Traceback" not in err.getvalue()
    if verb == "list":
        assert any("sound" in line and "finished" in line for line in out.getvalue().splitlines())
    return out.getvalue()


def damage(file: Path, chance: random.Random) -> str:
    content = bytearray(file.read_bytes())
    kind = chance.choice(["flip", "flip", "flip", "cut", "zero", "grow"])
    if not content:
        kind = "grow"
    if kind == "flip":
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif kind == "cut":
        del content[chance.randrange(len(content)) :]
    elif kind == "zero":
        start = chance.randrange(len(content))
        content[start : start + 64] = bytes(len(content[start : start + 64]))
    else:
        content += bytes(chance.randrange(256) for _ in range(64))
    file.write_bytes(content)
    return f"{kind} of {file.name}"


def test_flips_and_cuts(finished: RunFolder, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance, started, done, found = random.Random(0), time.monotonic(), 0, 0
    true = finished.read_result()
    assert true is not None
    assert true.best is not None
    shown = f"{100 * true.best.test.accuracy:.2f} %"
    names = sorted(
        file.relative_to(finished.path).as_posix()
        for file in finished.path.rglob("*")
        if file.is_file() and file.name not in (".lock", "digests.json")
    )
    for number in range(FLIPS):
        if time.monotonic() > started + _MOST_SECONDS:
            break
        run = copy(finished, place)
        what = damage(run.path / chance.choice(names), chance)
        is_forged = number % 3 == 2
        if is_forged:
            digests = read_digests(run.path)
            renew_digests(run.path, [run.path / name for name in digests if not digests[name].may_grow])
        verb = chance.choice([*VERBS, "page"])
        said = ask(verb, place)
        if verb == "list" and not is_forged:
            row = next(line for line in said.splitlines() if "victim" in line)
            assert shown in row or "damaged" in row, f"{what}: {row}"
        if not is_forged and verb != "resume":
            found += main(["verify", "victim", "--sample", "10"])
            capsys.readouterr()
            assert found, what
        done += 1
    sys.stderr.write(f"\n{done} flips and cuts: 0 tracebacks, 0 hangs\n")
    assert done > 50


def put(file: Path, chance: random.Random) -> None:
    """Put something hostile in the place of a file."""
    file.unlink()
    nested = "[" * 200_000
    texts = ["", nested, "null", '{"a":1}', "x," * 200_000, '{"metadata": {}}', "\0" * 1000, "1e999", "NaN"]
    kind = chance.choice(["pipe", "zero", "link", "folder", "passwd", *["text"] * 5, "npz"])
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind in ("zero", "passwd", "link"):
        file.symlink_to({"zero": "/dev/zero", "passwd": "/etc/passwd", "link": file.name}[kind])
    elif kind == "npz":
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({10 ** chance.randrange(1, 18)},), }}"
        header = header.ljust(117) + "\n"
        import zipfile

        with zipfile.ZipFile(file, "w") as archive:
            member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
            archive.writestr("validation_labels.npy", member)
    else:
        file.write_text(chance.choice(texts))


def test_hostile_files(finished: RunFolder, place: Path) -> None:
    chance, started, done = random.Random(1), time.monotonic(), 0
    names = sorted(
        file.relative_to(finished.path).as_posix()
        for file in finished.path.rglob("*")
        if file.is_file() and file.name != ".lock"
    )
    for number in range(HOSTILE):
        if time.monotonic() > started + _MOST_SECONDS:
            break
        run = copy(finished, place)
        if number % 2:
            run.digests_file.unlink()
        name = chance.choice(names)
        if (run.path / name).exists():
            put(run.path / name, chance)
        for verb in chance.sample([*VERBS, "page"], 2):
            ask(verb, place)
        for file in run.path.rglob("*"):  # a pipe would keep the copying waiting
            if not is_plain(file) and not (file.is_dir() and not file.is_symlink()):
                file.unlink()
        done += 1
    sys.stderr.write(f"\n{done} hostile files: 0 tracebacks, 0 hangs\n")
    assert done > 30


def _in_child(work: Callable[[], object]) -> int:
    """Start work in a process of its own, and return its id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


@pytest.mark.filterwarnings("ignore")  # of forking beside threads
def test_kills(place: Path) -> None:
    """Killed at any moment, moved, gone on with: the weights are those of the run that was left alone."""
    torch.set_num_threads(1)
    recipe = ("digits", *QUICK[1:], "train.epochs=6", "run.threads=1", "model=mlp")
    whole = loupe.train(*recipe, f"run.folder={place / 'whole'}")
    chance, started, done, resumed = random.Random(2), time.monotonic(), 0, 0
    began = time.monotonic()
    loupe.train(*recipe, f"run.folder={place / 'timed'}")
    length = time.monotonic() - began
    for number in range(KILLS):
        if time.monotonic() > started + _MOST_SECONDS:
            break
        folder = place / f"runs-{number}"
        child = _in_child(lambda folder=folder: loupe.train(*recipe, f"run.folder={folder}"))
        time.sleep(chance.uniform(0, 1.3 * length))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        done += 1
        runs = [path.parent for path in folder.glob("*/environment.json")] if folder.is_dir() else []
        if not runs:
            continue
        (path,) = runs
        if number % 2:
            path = path.rename(folder.with_name(f"moved-{number}"))
        finished = loupe.resume(path)
        assert is_same_weights(finished.best_file, whole.best_file), f"kill {number}"
        assert finished.is_finished()
        resumed += 1
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(path, ignore_errors=True)
    sys.stderr.write(
        f"\n{done} kills, {resumed} of them after the run had begun: all gone on with to the bit\n"
    )
    assert done > 10
