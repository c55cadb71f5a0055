"""Verbs that only read what is written answer without torch, which alone takes a second or two to load."""

import subprocess
import sys
from pathlib import Path

import pytest

import loupe
from tests.quick_runs import QUICK

TELL = "import sys; from loupe.cli import main; main(sys.argv[1:]); print({%s} & sys.modules.keys())"
HEAVY = ("torch", "scipy", "pandas", "matplotlib", "sklearn")


def say(place: Path, *arguments: str) -> tuple[str, str]:
    """Return what a verb prints in a process of its own, and which large libraries that loads."""
    command = [sys.executable, "-c", TELL % str(HEAVY)[1:-1], *arguments]
    done = subprocess.run(command, cwd=place, check=True, capture_output=True, text=True)
    said, _, loaded = done.stdout.rstrip("\n").rpartition("\n")
    return said, loaded


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, a series of seeds, and a run whose test set stays locked."""
    place = tmp_path_factory.mktemp("place")
    common = (*QUICK, f"run.folder={place / 'runs'}", 'evaluate.metrics=["balanced_accuracy"]')
    loupe.train("digits", *common, "name=one")
    loupe.train("digits", *common, "name=several", "run.seeds=[1, 2]")
    loupe.train("digits", *common, "name=locked", "evaluate.test=false")
    return place


def test_runs_are_listed_without_torch(place: Path) -> None:
    said, loaded = say(place, "list", "--metrics", "loss,balanced_accuracy")
    assert "validation balanced" in said
    assert "mean: " in said  # of the seeds, with an interval
    assert "locked" in said
    assert "looks at the test set: these 3 runs: 3 times" in said
    assert loaded == "set()"
