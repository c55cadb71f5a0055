"""The cache of decoded images: made once, by one process, and kept while it is wanted."""

import shutil
import subprocess
import sys
import threading
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from loupe.data import load_dataset, pixel_cache
from loupe.data.pixel_cache import decoding_alone, find_cache_folder, list_entries
from loupe.errors import DataError

COUNTING = """
import sys
from loupe.data import image_lists, load_dataset
decode = image_lists.decode_parts
def count(*arguments):
    print("decoded")
    return decode(*arguments)
image_lists.decode_parts = count
print("ready", flush=True)
sys.stdin.readline()
print(load_dataset("folder", path=sys.argv[1]).train.digest)
"""


def write_crops(folder: Path, count: int, side: int) -> Path:
    generator = np.random.default_rng(0)
    for label in ("ant", "bee"):
        (folder / label).mkdir(parents=True)
        for index in range(count):
            pixels = generator.integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{index}.png")
    return folder


@pytest.mark.thorough
def test_processes_that_ask_at_once_decode_once(tmp_path: Path) -> None:
    crops = write_crops(tmp_path / "crops", 150, 64)
    command = [sys.executable, "-c", COUNTING, str(crops)]
    asking = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for one in asking:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in asking:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    said = [one.communicate(timeout=60)[0].splitlines() for one in asking]
    assert [one.returncode for one in asking] == [0, 0, 0]
    assert sum(lines.count("decoded") for lines in said) == 1
    assert len({lines[-1] for lines in said}) == 1


def test_others_wait_until_it_is_decoded(tmp_path: Path) -> None:
    order = []

    def ask() -> None:
        with decoding_alone("key"):
            order.append("second")

    with decoding_alone("key"):
        other = threading.Thread(target=ask)
        other.start()
        other.join(0.2)
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]
    assert list_entries() == [], "a lock is no entry"


def test_the_entry_just_made_stays_however_large_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_dataset("folder", path=str(write_crops(tmp_path / "old", 30, 4)))
    monkeypatch.setattr(pixel_cache, "MOST_BYTES", 10)
    monkeypatch.setattr(pixel_cache, "_ROOM", 2000)
    load_dataset("folder", path=str(write_crops(tmp_path / "new", 30, 32)))
    assert [entry.title for entry in list_entries()] == ["folder new"]


def test_a_disk_that_is_too_small_is_told_before_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops = write_crops(tmp_path / "crops", 30, 8)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(10_000, 9_000, 1_000))
    with pytest.raises(DataError, match="do not fit on the disk of the cache"):
        load_dataset("folder", path=str(crops))
    assert not list(find_cache_folder().glob("unfinished-*"))
