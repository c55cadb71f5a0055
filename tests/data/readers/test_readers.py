"""Readers of file forms: what is written comes back, what is damaged is refused, nothing is unpickled."""

import bz2
import gzip
import io
import lzma
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loupe.data.readers.idx import read_idx
from loupe.data.readers.libsvm import read_libsvm
from loupe.data.readers.matlab import read_matlab
from loupe.data.readers.numpy_files import list_npz, read_npy, read_npz
from loupe.data.readers.planes import read_planes
from loupe.errors import DataFileError

from ..mini_sets import pack_idx

reusing_tmp_path = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@reusing_tmp_path
@given(
    shape=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    kind=st.sampled_from(["u1", "i2", "i4", "f4"]),
    pack=st.sampled_from([bytes, gzip.compress, bz2.compress, lzma.compress]),
    seed=st.integers(0, 9),
)
def test_idx_files_come_back(
    tmp_path: Path, shape: list[int], kind: str, pack: Callable[[bytes], bytes], seed: int
) -> None:
    values = np.random.default_rng(seed).integers(0, 255, shape).astype(kind)
    path = tmp_path / "values"
    path.write_bytes(pack(pack_idx(values)))
    read = read_idx(path)
    assert read.dtype == values.dtype
    assert np.array_equal(read, values)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: b"\1" + data[1:],
        lambda data: data[:2] + b"\x07" + data[3:],
        lambda data: b"",
        lambda data: b"\0\0\x08",
        lambda data: gzip.compress(data)[:-9],
        lambda data: b"<html>not found</html>",
    ],
)
def test_damaged_idx_files_are_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "values"
    path.write_bytes(damage(pack_idx(np.zeros((3, 4), np.uint8))))
    with pytest.raises(DataFileError, match=r"is not an idx file|cannot be unpacked"):
        read_idx(path)


def test_planes_must_be_whole(tmp_path: Path) -> None:
    path = tmp_path / "batch.bin"
    path.write_bytes(bytes(range(13)) * 2)
    images, labels = read_planes([path, path], num_labels=1, image_shape=(3, 2, 2))
    assert images.shape == (4, 3, 2, 2)
    assert images[1, 2, 1].tolist() == [11, 12]
    assert labels.ravel().tolist() == [0] * 4
    path.write_bytes(bytes(25))
    with pytest.raises(DataFileError, match="does not hold whole images"):
        read_planes([path], num_labels=1, image_shape=(3, 2, 2))


@pytest.mark.parametrize("is_packed", [True, False])
def test_matlab_files_come_back(tmp_path: Path, is_packed: bool) -> None:
    path, values = tmp_path / "a.mat", np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    scipy.io.savemat(path, {"X": values, "y": np.array([[1], [2]])}, do_compression=is_packed)
    found, labels = read_matlab(path, ("X", "y"))
    assert np.array_equal(found, values)
    assert labels.tolist() == [[1], [2]]
    with pytest.raises(DataFileError, match=r"lacks an array\.\n  got: X"):
        read_matlab(path, ("X", "z"))
    scipy.io.savemat(path, {"X": {"a": 1}})
    with pytest.raises(DataFileError, match="lacks an array"):
        read_matlab(path, ("X",))
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM" + bytes(400))
    with pytest.raises(DataFileError, match=r"save -v7"):
        read_matlab(path, ("X",))
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(DataFileError, match=r"is not a \.mat file"):
        read_matlab(path, ("X",))


def test_numpy_files_come_back_mapped(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    np.save(tmp_path / "a.npy", values)
    np.savez(tmp_path / "a.npz", x=values, y=values[0])
    read = read_npy(tmp_path / "a.npy")
    assert isinstance(read, np.memmap)
    assert np.array_equal(read, values)
    assert list_npz(tmp_path / "a.npz") == ["x", "y"]
    assert np.array_equal(read_npz(tmp_path / "a.npz", ("y",))[0], values[0])
    with pytest.raises(DataFileError, match=r"got: no z; it holds x, y"):
        read_npz(tmp_path / "a.npz", ("z",))
    with pytest.raises(DataFileError, match="several arrays"):
        read_npy(tmp_path / "a.npz")
    with pytest.raises(DataFileError, match="one array"):
        list_npz(tmp_path / "a.npy")


class Trap:
    """Something whose unpickling would be noticed."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (_spring, ("unpickled",))


def _spring(word: str) -> None:
    raise AssertionError(word)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    objects = np.empty(1, dtype=object)
    objects[0] = Trap()
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "a.npz", allow_pickle=True, x=objects)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Trap()))
    for read in (
        lambda: read_npy(tmp_path / "a.npy"),
        lambda: read_npz(tmp_path / "a.npz", ("x",)),
        lambda: read_npy(tmp_path / "b.npy"),
        lambda: list_npz(tmp_path / "b.npy"),
    ):
        with pytest.raises(DataFileError, match=r"could run a program when read|cannot be read"):
            read()


@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
def test_cut_numpy_files_are_refused(tmp_path: Path, name: str) -> None:
    written = io.BytesIO()
    values = np.random.default_rng(0).integers(0, 255, (40, 40), dtype=np.uint8)
    np.savez_compressed(written, x=values) if name == "a.npz" else np.save(written, values)
    whole = written.getvalue()
    for kept in (0, 1, 60, len(whole) // 2, len(whole) - 1):
        (tmp_path / name).write_bytes(whole[:kept])
        with pytest.raises(DataFileError):
            read_npy(tmp_path / name) if name == "a.npy" else read_npz(tmp_path / name, ("x",))
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    (tmp_path / name).write_bytes(flipped)
    if name == "a.npz":  # a flipped bit in an .npy cannot be seen
        with pytest.raises(DataFileError):
            read_npz(tmp_path / name, ("x",))


def test_libsvm_lines_are_sparse(tmp_path: Path) -> None:
    path = tmp_path / "a.bz2"
    path.write_bytes(bz2.compress(b"3 2:0.5 4:-1\n10 1:1\n"))
    values, labels = read_libsvm(path, 4)
    assert values.tolist() == [[0, 0.5, 0, -1], [1, 0, 0, 0]]
    assert labels.tolist() == [3, 10]
    for line in (b"3 5:1\n", b"x 1:1\n", b"3 1=1\n", b"3 0:1\n"):
        path.write_bytes(line)
        with pytest.raises(DataFileError, match="Line 1 of"):
            read_libsvm(path, 4)
