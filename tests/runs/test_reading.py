"""Files of a run, whatever stands in their place: said as damage, never a traceback, never waited for."""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import loupe
from loupe.cli import main
from loupe.cli.run_tables import list_runs
from loupe.errors import LoupeError, RunError
from loupe.runs import RunFolder, load_model
from loupe.runs.arrays import read_arrays, write_arrays
from loupe.runs.reading import is_plain
from loupe.web.run_index import RunIndex
from tests.quick_runs import QUICK


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("finished") / "runs"
    return loupe.train("digits", *QUICK, f"run.folder={folder}", "evaluate.track_examples=20")


@pytest.fixture
def run(finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunFolder]:
    """A copy without digests, as if it had not ended, so that what is read is looked at by its content."""
    monkeypatch.setattr("loupe.runs.evidence._has_ended", lambda folder: False)
    shutil.copytree(finished.path, tmp_path / "runs" / finished.path.name)
    copy = RunFolder(tmp_path / "runs" / finished.path.name)
    copy.digests_file.unlink()
    yield copy
    for file in copy.path.rglob("*"):  # a pipe would keep whoever clears up waiting
        if not is_plain(file) and not file.is_dir():
            file.unlink()


def read_everything(run: RunFolder) -> list[str]:
    """Return what went wrong with each way of reading a run; each must be a mistake in words."""
    ways: dict[str, Callable[[], object]] = {
        "recipe": run.read_recipe,
        "environment": run.read_environment,
        "result": run.read_result,
        "history": run.read_history,
        "images": run.read_images,
        "predictions": run.read_predictions,
        "evaluations": run.read_evaluations,
        "pictures": run.read_evaluations,
        "examples": run.read_examples,
        "snapshot": run.read_snapshot,
        "openings": run.count_openings,
        "looks": run.read_test_looks,
        "progress": run.read_progress,
        "finished": run.is_finished,
        "training": run.is_being_trained,
        "model": lambda: load_model(run),
    }
    refused = []
    for name, read in ways.items():
        try:
            read()
        except LoupeError as error:
            refused.append(name if run.path.name in error.message else f"{name}: {error.message}")
    return refused


NESTED = "[" * 200_000 + "]" * 200_000
FILES = {
    "recipe": "recipe.toml",
    "environment": "environment.json",
    "result": "result.json",
    "history": "history.csv",
    "images": "images.npz",
    "predictions": "predictions.npz",
    "evaluations": "evaluations.json",
    "pictures": "evaluations.npz",
    "examples": "examples.npz",
    "snapshot": "last/checkpoint.safetensors",
    "openings": "test_openings.jsonl",
    "model": "best.safetensors",
}


def put_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def put_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def put_link(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def put_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("put", [put_pipe, put_device, put_link, put_folder])
def test_only_regular_files_are_opened(run: RunFolder, name: str, put: Callable[[Path], None]) -> None:
    put(run.path / FILES[name])
    assert name in read_everything(run)
    assert len(list_runs(run.path.parent)) == 1
    assert len(RunIndex(run.path.parent).list_all()) == 1


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 100,
        b"{}",
        b"[]",
        b"null",
        NESTED.encode(),
        b'{"a": ' * 50_000,
        b"x," * 200_000,
        b"\xff\xfe",
    ],
    ids=["empty", "zeros", "object", "list", "null", "nested", "nested objects", "long line", "no text"],
)
def test_any_content_is_said_as_damage(run: RunFolder, name: str, content: bytes) -> None:
    (run.path / FILES[name]).write_bytes(content)
    refused = read_everything(run)
    is_sound = content == b"" and name in ("openings", "recipe")  # no look so far; every default
    assert (name in refused) != is_sound
    assert len(list_runs(run.path.parent)) == 1


def damage_zip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def write_npz(path: Path, **arrays: np.ndarray) -> None:
    with path.open("wb") as file:
        np.savez(file, **arrays)


def claim(path: Path, shape: tuple[int, ...], kind: str = "<f4") -> None:
    """Write an npz whose array claims a shape that the file does not fill."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    member = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + b"\0" * 16
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("validation_labels.npy", member)


HOSTILE_ARRAYS: dict[str, Callable[[Path], object]] = {
    "flipped": damage_zip,
    "huge": lambda path: claim(path, (10**12,)),
    "negative": lambda path: claim(path, (-4,)),
    "overflowing": lambda path: claim(path, (2**40, 2**40)),
    "objects": lambda path: claim(path, (2,), "|O"),
    "texts": lambda path: claim(path, (1,), "<U4"),
    "other names": lambda path: write_npz(path, a=np.zeros(3)),
    "other types": lambda path: write_npz(
        path, validation_labels=np.zeros(3), validation_logits=np.zeros((3, 2))
    ),
    "other lengths": lambda path: write_npz(
        path, validation_labels=np.zeros(3, np.int64), validation_logits=np.zeros((4, 2), np.float32)
    ),
    "other labels": lambda path: write_npz(
        path, validation_labels=np.full(3, 9), validation_logits=np.zeros((3, 2), np.float32)
    ),
}


@pytest.mark.parametrize("name", ["images", "predictions", "pictures", "examples"])
@pytest.mark.parametrize("damage", HOSTILE_ARRAYS.values(), ids=HOSTILE_ARRAYS)
def test_arrays_that_are_not_what_they_should_be(
    run: RunFolder, name: str, damage: Callable[[Path], object]
) -> None:
    damage(run.path / FILES[name])
    assert name in read_everything(run)


@pytest.mark.parametrize(
    "changes",
    [
        {"class_names": [1, 2, 3]},
        {"class_names": []},
        {"in_channels": 0},
        {"in_channels": 2},
        {"image_size": [8, 8, 8]},
        {"image_size": [8, 10**9]},
        {"normalization": {}},
        {"normalization": {"mean": [0.1], "sd": [0.0]}},
        {"model": "mlp"},
        {"objective": "mischief"},
    ],
)
def test_a_description_of_another_network_is_damage(run: RunFolder, changes: dict[str, object]) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file

    with safe_open(run.best_file, framework="pt") as file:
        described = json.loads(file.metadata()["loupe"])
    for metadata in ({"loupe": json.dumps({**described, **changes})}, {}):
        save_file(load_file(run.best_file), run.best_file, metadata=metadata)
        with pytest.raises(RunError, match=r"best\.safetensors is missing or damaged"):
            load_model(run)


@pytest.mark.parametrize("field", ["status", "best", "num_images", "seconds", "test_openings"])
def test_a_result_of_other_types_is_damage(run: RunFolder, field: str) -> None:
    values = json.loads(run.result_file.read_text())
    run.result_file.write_text(json.dumps({**values, field: {"a": [object.__name__]}}))
    with pytest.raises(RunError, match=r"result\.json is missing or damaged"):
        run.read_result()


def test_one_damaged_run_hides_no_other(
    run: RunFolder, finished: RunFolder, capsys: pytest.CaptureFixture
) -> None:
    import shutil

    sound = run.path.parent / "sound"
    shutil.copytree(finished.path, sound)
    (run.path.parent / "tags.json").write_text(NESTED)
    run.result_file.write_text(NESTED)
    assert main(["list", str(run.path.parent)]) == 0
    rows = {row[0]: row for row in list_runs(run.path.parent)}
    assert rows["sound"][1] == "finished"
    assert rows[run.path.name][1].startswith("damaged: ")
    statuses = {one.name: one.status for one in RunIndex(run.path.parent).list_all()}
    assert statuses == {"sound": "finished", run.path.name: "damaged"}


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    arrays = {
        "turned": torch.arange(6).view(2, 3).T,
        "none": torch.zeros(0, 3),
        "one": torch.tensor(True),
        "bytes": torch.arange(5, dtype=torch.uint8),
    }
    write_arrays(tmp_path / "some.npz", arrays)
    again = read_arrays(tmp_path / "some.npz")
    assert all(torch.equal(again[name], array) for name, array in arrays.items())
    assert again["turned"].dtype == torch.int64


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.npy", b"\0" * 10**7)
    content = buffer.getvalue().replace((10**7).to_bytes(4, "little"), (2**32 - 2).to_bytes(4, "little"))
    (tmp_path / "bomb.npz").write_bytes(content)
    with pytest.raises(RunError, match="missing or damaged"):
        read_arrays(tmp_path / "bomb.npz")
