"""A siege of run folders: kills, flips, cuts and hostile files at random, ten minutes with the sound runs.

No traceback, nothing that hangs, no figure shown that the weights do not give, and every killed run goes on
to the bit, moved or not. Each part ends when its time is up and says how far it came.
"""

import contextlib
import io
import os
import random
import re
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
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

_MOST_SECONDS = {"flips": 190.0, "hostile": 120.0, "kills": 170.0}
KILLS, FLIPS, HOSTILE = 100, 600, 200


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("siege") / "runs"
    return loupe.train(
        "digits", *QUICK, "name=victim", "evaluate.track_examples=20", "run.threads=1", f"run.folder={folder}"
    )


@pytest.fixture(autouse=True)
def _little_memory() -> Iterator[None]:
    """Fail where a file that never ends is read, rather than take the machine's memory."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (6 * 2**30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_DATA, before)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Image.new("L", (8, 8), 9).save("one.png")
    return tmp_path


def copy(finished: RunFolder, place: Path) -> RunFolder:
    """Return the victim, sound once more, beside a run that stays so."""
    shutil.rmtree(place / "runs" / "victim", ignore_errors=True)
    if not (place / "runs" / "sound").exists():
        shutil.copytree(finished.path, place / "runs" / "sound")
    shutil.copytree(finished.path, place / "runs" / "victim")
    return RunFolder(place / "runs" / "victim")


HEAVY = ("inspect", "compare", "resume")  # seconds each: asked less often
FIGURE = re.compile(r"\b\d{1,3}\.\d\d %")
VERBS: dict[str, list[str]] = {
    "list": ["list"],
    "predict": ["predict", "victim", "one.png"],
    "inspect": ["inspect", "victim", "--index", "0", "--layer", "conv1"],
    "card": ["export", "victim", "--format", "card", "--out", "card.md"],
    "compare": ["compare", "sound", "victim", "--out", "comparison.html"],
    "evaluate": ["evaluate", "victim", "--looks", "none"],
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
    """Change a file by a bit, or some bytes, and return how; it is another file afterwards."""
    before = file.read_bytes()
    while True:
        content = bytearray(before)
        kind = chance.choice(["flip", "flip", "flip", "cut", "zero", "grow"]) if content else "grow"
        if kind == "flip":
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        elif kind == "cut":
            del content[chance.randrange(len(content)) :]
        elif kind == "zero":
            start = chance.randrange(len(content))
            content[start : start + 64] = bytes(len(content[start : start + 64]))
        else:
            content += bytes(chance.randrange(256) for _ in range(64))
        if content != before and not (kind == "grow" and file.name == "log.txt"):  # lines may come to it
            break
    file.write_bytes(content)
    return f"{kind} of {file.name}"


def choose_verb(chance: random.Random) -> str:
    verbs = [*VERBS, "page"]
    return chance.choices(verbs, [1 if verb in HEAVY else 4 for verb in verbs])[0]


def read_shown(verb: str, said: str, place: Path) -> str | None:
    """Return where a verb shows the test accuracy of the victim; None where it shows none."""
    if verb == "list":
        return next(line for line in said.splitlines() if "victim" in line)
    if verb == "card":
        card = place / "card.md"
        lines = card.read_text(encoding="utf-8").splitlines() if card.exists() else []
        return next((line for line in lines if line.startswith("- test: accuracy")), None)
    return None


def test_flips_and_cuts(finished: RunFolder, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file changed by chance is found by every reader; one whose digests were changed too, by `verify`."""
    chance, started, done, forged, unseen = random.Random(0), time.monotonic(), 0, 0, list[str]()
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
        if time.monotonic() > started + _MOST_SECONDS["flips"]:
            break
        run = copy(finished, place)
        (place / "card.md").unlink(missing_ok=True)
        what = damage(run.path / chance.choice(names), chance)
        is_forged = number % 3 == 2
        if is_forged:
            digests = read_digests(run.path)
            renew_digests(run.path, [run.path / name for name in digests if not digests[name].may_grow])
        if not is_forged:
            assert main(["verify", "victim", "--sample", "10"]) == 1, f"{what}: verify saw nothing"
        capsys.readouterr()
        verb = choose_verb(chance)
        said = ask(verb, place)
        line = read_shown(verb, said, place)
        if line is not None and FIGURE.search(line) and "damaged" not in line:
            is_right = shown in line
            if is_forged and not is_right:
                unseen += [] if main(["verify", "victim", "--sample", "10"]) == 1 else [what]
                capsys.readouterr()
            assert is_forged or is_right, f"{what}: {line}"
        forged += is_forged
        done += 1
    told = f"{done} flips and cuts, {forged} of them with new digests"
    sys.stderr.write(f"\n{told}: 0 tracebacks, 0 hangs, 0 wrong figures\n")
    assert unseen == []
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
        if time.monotonic() > started + _MOST_SECONDS["hostile"]:
            break
        run = copy(finished, place)
        if number % 2:
            run.digests_file.unlink()
        name = chance.choice(names)
        if (run.path / name).exists():
            put(run.path / name, chance)
        for verb in {choose_verb(chance), choose_verb(chance)}:
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
    small = ("train.epochs=6", "run.threads=1", "model=mlp", "evaluate.looks=[]")
    recipe = ("digits", *QUICK[1:], *small)
    whole = loupe.train(*recipe, f"run.folder={place / 'whole'}")
    chance, started, done, resumed, moved = random.Random(2), time.monotonic(), 0, 0, 0
    began = time.monotonic()
    loupe.train(*recipe, f"run.folder={place / 'timed'}")
    length = time.monotonic() - began
    for number in range(KILLS):
        if time.monotonic() > started + _MOST_SECONDS["kills"]:
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
            moved += 1
        finished = loupe.resume(path)
        assert is_same_weights(finished.best_file, whole.best_file), f"kill {number}"
        assert finished.is_finished()
        resumed += 1
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(path, ignore_errors=True)
    sys.stderr.write(
        f"\n{done} kills, {resumed} after the run had begun, {moved} moved: all gone on with to the bit\n"
    )
    assert done > 10
