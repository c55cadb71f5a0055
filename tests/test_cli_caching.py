"""`loupe cache`, and output that cannot show every character."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from loupe.cli import main
from loupe.data import load_dataset
from loupe.data.pixel_cache import find_cache_folder, list_entries


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    for part in ("train", "test"):
        for label, name in enumerate(("cat", "dog")):
            place = tmp_path / "crops" / part / name / "0.png"
            place.parent.mkdir(parents=True)
            Image.new("RGB", (4, 4), (90 * label, 200 * (part == "test"), 40)).save(place)
    load_dataset("folder", path=str(tmp_path / "crops"))
    return tmp_path / "crops"


def test_the_cache_is_listed_and_pruned(crops: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache"]) == 0
    text = capsys.readouterr().out
    assert "folder crops" in text
    assert "today" in text
    assert f"1 in {find_cache_folder()}, 0.0 MB" in text
    assert main(["cache", "prune"]) == 0
    assert "removed 0, 0.0 MB; 1 left" in capsys.readouterr().out
    assert main(["cache", "prune", "--older-than", "30"]) == 0
    os.utime(list_entries()[0].path / "meta.json", (0, 0))
    assert main(["cache", "prune", "--older-than", "30"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "removed 1, 0.0 MB; 0 left"
    assert main(["cache", "list"]) == 0


def test_all_and_most(crops: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "prune", "--most", "1"]) == 0
    assert main(["cache", "prune", "--most", "0"]) == 0
    assert [line.partition(",")[0] for line in capsys.readouterr().out.splitlines()] == [
        "removed 0",
        "removed 1",
    ]
    load_dataset("folder", path=str(crops))
    assert main(["cache", "prune", "--all"]) == 0
    assert list_entries() == []


def test_options_of_prune_are_not_for_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "--all"]) == 1
    assert "next: loupe cache prune --all" in capsys.readouterr().err


@pytest.mark.thorough
@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1"])
@pytest.mark.parametrize(("verb", "status"), [(["schedules"], 0), (["cache", "--all"], 1), (["nowhere"], 2)])
def test_output_that_is_not_utf8_never_breaks(encoding: str, verb: list[str], status: int) -> None:
    """`PYTHONIOENCODING=cp1252 loupe schedules` once ended in a traceback."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "loupe", *verb]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    assert done.returncode == status
