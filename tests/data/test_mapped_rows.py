"""Rows of mapped files: the same as of an array, and the system is asked for these rows and no others."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loupe.data import mapped_rows
from loupe.data.mapped_rows import find_runs, read_rows, request_rows

ROWS, ROW = 300, (3, 50, 50)  # 7,500 bytes: rows begin and end within pages
PIXELS = np.random.default_rng(0).integers(0, 256, (ROWS, *ROW), dtype=np.uint8)
NUMBERS = st.lists(st.integers(0, ROWS - 1), max_size=60).map(lambda one: np.array(one, dtype=np.int64))


class Watched:
    """A mapped file that notes what it is asked to fetch, and fetches it."""

    def __init__(self, mapped: object) -> None:
        self.mapped, self.asked = mapped, list[range]()

    def __len__(self) -> int:
        return len(self.mapped)  # type: ignore[arg-type]

    def madvise(self, option: int, start: int, length: int) -> None:
        assert option == mapped_rows._WILL_NEED
        self.mapped.madvise(option, start, length)  # type: ignore[attr-defined]
        self.asked.append(range(start, start + length))


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    path = tmp_path_factory.mktemp("rows") / "rows.npy"
    np.save(path, PIXELS)
    loaded: np.ndarray = np.load(path, mmap_mode="c")
    return loaded


@given(numbers=NUMBERS)
def test_rows_are_those_of_the_array(mapped: np.ndarray, numbers: np.ndarray) -> None:
    last = mapped.transpose(0, 2, 3, 1)
    assert np.array_equal(read_rows(mapped, numbers), PIXELS[numbers])
    assert np.array_equal(read_rows(PIXELS, numbers), PIXELS[numbers])
    assert np.array_equal(read_rows(last, numbers), PIXELS.transpose(0, 2, 3, 1)[numbers])
    assert np.array_equal(read_rows(mapped[100:], numbers % 200), PIXELS[100:][numbers % 200])
    assert read_rows(last, numbers).flags.c_contiguous


@given(numbers=NUMBERS)
def test_runs_are_the_numbers_without_gaps(numbers: np.ndarray) -> None:
    runs = find_runs(numbers) if len(numbers) else np.empty((0, 2), np.int64)
    listed = [number for first, last in runs.tolist() for number in range(first, last + 1)]
    assert listed == sorted(set(numbers.tolist()))
    assert all(after - before > 1 for before, after in zip(runs[:-1, 1], runs[1:, 0], strict=True))


@pytest.mark.skipif(mapped_rows._WILL_NEED is None, reason="this system cannot be asked for pages")
@pytest.mark.parametrize("skipped", [0, 100])
def test_the_system_is_asked_for_whole_rows_and_little_else(
    mapped: np.ndarray, skipped: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = mapped[skipped:]
    watched = Watched(part._mmap)  # type: ignore[attr-defined]
    monkeypatch.setattr(part, "_mmap", watched, raising=True)
    monkeypatch.setattr(np, "frombuffer", lambda one, kind: np.asarray(memoryview(one.mapped)).view(kind))
    numbers = np.array([150, 3, 4, 5, 199])
    assert request_rows(part, numbers) == len(watched.asked) == 3
    header = Path(mapped.filename).stat().st_size - PIXELS.nbytes  # type: ignore[attr-defined]
    asked = {place for one in watched.asked for place in one}
    size = PIXELS[0].nbytes
    for number in numbers:
        start = header + (skipped + int(number)) * size
        assert set(range(start, start + size)) <= asked
    assert len(asked) <= 5 * size + 3 * mapped_rows.mmap.PAGESIZE


def test_nothing_is_asked_where_nothing_can_be(mapped: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    some = np.array([1, 5])
    assert request_rows(PIXELS, some) == 0
    assert request_rows(mapped, some[:0]) == 0
    assert request_rows(mapped[::-1], some) == 0
    assert request_rows(mapped.transpose(3, 1, 2, 0), some) == 0, "as Fortran lays arrays"
    monkeypatch.setattr(mapped_rows, "_WILL_NEED", None)
    assert request_rows(mapped, some) == 0
    assert np.array_equal(read_rows(mapped, some), PIXELS[some])
