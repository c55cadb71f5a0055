"""What is promised of images holds for every source: sides that stay, leaks, looks, verify, moved data."""

import csv
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import loupe
from loupe.cli import main
from loupe.data.identity import to_keys
from loupe.data.sources import SOURCES
from loupe.runs import RunFolder
from loupe.using.verify_run import verify
from tests.data.mini_sets import MINI_SETS, make_mini_set
from tests.data.sources.test_sources_by_form import write_tiny

NAMES = ("ant", "bee")


@dataclass(frozen=True)
class Row:
    """An image, its file and its class."""

    path: str
    label: int
    pixels: np.ndarray


def draw(count: int, seed: int) -> list[Row]:
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 6, 5, 3), dtype=np.uint8)
    return [Row(f"{NAMES[index % 2]}/{seed}-{index}.png", index % 2, one) for index, one in enumerate(pixels)]


def write_files(root: Path, rows: Sequence[Row]) -> None:
    shutil.rmtree(root, ignore_errors=True)
    for row in rows:
        (root / row.path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(row.pixels).save(root / row.path)


def write_folder(root: Path, rows: Sequence[Row]) -> dict[str, Any]:
    write_files(root / "images", rows)
    return {"path": str(root / "images")}


def write_table(root: Path, rows: Sequence[Row]) -> dict[str, Any]:
    write_files(root / "files", rows)
    with (root / "table.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label"])
        writer.writerows([row.path, NAMES[row.label]] for row in rows)
    return {"path": str(root / "table.csv"), "folder": str(root / "files")}


def write_arrays(root: Path, rows: Sequence[Row]) -> dict[str, Any]:
    root.mkdir(parents=True, exist_ok=True)
    np.save(root / "pictures.npy", np.stack([row.pixels for row in rows]))
    np.save(root / "classes.npy", np.array([row.label for row in rows]))
    return {"path": str(root / "pictures.npy"), "labels_path": str(root / "classes.npy")}


def write_huggingface(root: Path, rows: Sequence[Row]) -> dict[str, Any]:
    datasets = pytest.importorskip("datasets")
    shutil.rmtree(root / "set", ignore_errors=True)
    kinds = {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(NAMES))}
    columns = {
        "image": [Image.fromarray(row.pixels) for row in rows],
        "label": [row.label for row in rows],
    }
    whole = datasets.Dataset.from_dict(columns, features=datasets.Features(kinds))
    whole.save_to_disk(str(root / "set"))
    return {"path": str(root / "set")}


Write = Callable[[Path, Sequence[Row]], dict[str, Any]]
WRITERS: dict[str, Write] = {
    "folder": write_folder,
    "csv": write_table,
    "arrays": write_arrays,
    "huggingface": write_huggingface,
}


@pytest.fixture(params=WRITERS)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    if request.param == "huggingface":
        pytest.importorskip("datasets")
        monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
        monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "hf"))
    torch.set_num_threads(1)
    return str(request.param)


def train(form: str, settings: dict[str, Any], folder: Path, *overrides: str) -> RunFolder:
    recipe = {"data": {"name": form, "validation": 0.25, **settings}, "model": {"name": "mlp", "widths": [4]}}
    quick = ("train.epochs=1", "evaluate.look_inside=false", "run.threads=1", f"run.folder={folder}")
    return loupe.train(recipe, *quick, *overrides)


def read_sides(run: RunFolder) -> dict[bytes, str]:
    record = run.read_images()
    assert record is not None
    tables = {side: record.table(side) for side in ("train", "validation", "test")}
    return {key: side for side, table in tables.items() for key in to_keys(table.identities)}


def save_test_images(run: RunFolder, rows: Sequence[Row], place: Path) -> list[Path]:
    """Write those of the rows that are test images of the run as files."""
    from loupe.data.identity import digest_picture

    sides, files = read_sides(run), []
    for index, row in enumerate(rows):
        if sides.get(digest_picture(row.pixels)) == "test":
            file = place / NAMES[row.label] / f"{index}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(row.pixels).save(file)
            files.append(file)
    return files


def test_every_source_that_grows_is_tried_here() -> None:
    growing = {name for name in SOURCES if SOURCES.facts(name).get("can_grow")}
    assert growing == set(WRITERS)


def test_sides_stay_when_the_data_move_on(form: str, tmp_path: Path) -> None:
    rows = draw(160, 0)
    before = train(form, WRITERS[form](tmp_path / "data", rows), tmp_path / "runs")
    moved_on = [*draw(40, 1), *rows[:60:-1], *rows[:3]]  # some are gone, others came, all stand elsewhere
    after = train(form, WRITERS[form](tmp_path / "data", moved_on), tmp_path / "runs")
    old, new = read_sides(before), read_sides(after)
    shared = old.keys() & new.keys()
    assert len(shared) == 102
    assert all(old[key] == new[key] for key in shared)
    assert len(new) == 142


def test_leaks_are_found_whatever_form_the_data_have_now(form: str, tmp_path: Path) -> None:
    rows = draw(160, 0)
    first = train("folder", write_folder(tmp_path / "old", rows), tmp_path / "runs")
    settings = WRITERS[form](tmp_path / "new", [*rows[:100], *draw(200, 2)])
    transfer = (f"transfer={first.path}", "transfer.head=copied", "data.test_part=0.4", "data.split_seed=7")
    second = train(form, settings, tmp_path / "runs", *transfer)
    old, new = read_sides(first), read_sides(second)
    seen = {key for key, side in old.items() if side != "test"}
    assert seen & {key for key, side in new.items() if side == "train"}
    assert not seen & {key for key, side in new.items() if side == "test"}
    assert any(
        "test images trained or selected the weights of" in one for one in second.read_result().warnings
    )


def test_own_test_images_are_recognised(form: str, tmp_path: Path) -> None:
    rows = draw(160, 0)
    run = train(form, WRITERS[form](tmp_path / "data", rows), tmp_path / "runs")
    files = save_test_images(run, rows, tmp_path / "files")
    assert len(files) == len(run.read_images().test)
    answers = loupe.predict(run.path, *files)
    assert {answer.role for answer in answers.answers} == {"test"}
    assert run.count_openings() == 2


def test_a_run_verifies_where_its_data_are_and_where_they_went(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = WRITERS[form](tmp_path / "data", draw(160, 0))
    run = train(form, settings, tmp_path / "runs")
    (found,) = verify(run.path)
    assert {one.verdict for one in found.findings} == {"sound"}, found
    assert main(["pack", str(run.path), "--out", "with.zip", "--images"]) == 0
    (tmp_path / "data").rename(tmp_path / "moved")
    place = tmp_path / "moved" / Path(settings["path"]).name
    (found,) = verify(run.path, data=place)
    assert {one.verdict for one in found.findings} == {"sound"}, found
    assert main(["evaluate", str(run.path), "--data", str(place)]) == 0
    shutil.rmtree(tmp_path / "moved")
    assert main(["unpack", "with.zip", "--into", "theirs"]) == 0
    (found,) = verify(tmp_path / "theirs" / run.path.name)
    assert found.is_sound
    assert {one.check: one.verdict for one in found.findings}["weights"] == "sound"


def test_files_of_another_size_and_range_are_read_as_in_training(form: str, tmp_path: Path) -> None:
    """Predictions read them as the folder's files were: other pixels, and test images went uncounted."""
    if form == "arrays":
        pytest.skip("arrays are no files to be read again")
    rows = [
        Row(
            row.path,
            row.label,
            np.kron(row.pixels[..., 0].astype(np.uint16) * 16, np.ones((2, 2), np.uint16)),
        )
        for row in draw(160, 0)
    ]
    settings = WRITERS[form](tmp_path / "data", rows)
    run = train(form, {**settings, "bit_range": 12, "image_size": 5, "fit": "resize"}, tmp_path / "runs")
    for row in rows[:40]:
        Image.fromarray(row.pixels).save(tmp_path / "one.png")
        (answer,) = loupe.predict(run.path, tmp_path / "one.png").answers
        assert answer.role in ("train", "validation", "test")


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["medmnist", "cifar10", "tiny-imagenet"])
def test_official_forms_keep_their_sides_verify_and_pack(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    if name == "tiny-imagenet":
        _make_tiny(tmp_path / "data", monkeypatch)
        settings: dict[str, Any] = {}
    else:
        mini = next(one for one in MINI_SETS if one.name == name)
        make_mini_set(mini, monkeypatch, tmp_path / "data" / mini.official.folder)
        settings = mini.settings
    runs = [
        train(name, settings, tmp_path / "runs", "data.validation=0.5", f"run.seed={seed}") for seed in (0, 1)
    ]
    contents = [run.read_environment()["test_content"] for run in runs]
    assert contents[0] == contents[1]
    (found,) = verify(runs[0].path)
    assert {one.verdict for one in found.findings} == {"sound"}, found
    assert main(["pack", str(runs[0].path), "--out", "one.zip", "--images"]) == 0
    shutil.rmtree(tmp_path / "data")
    assert main(["unpack", "one.zip", "--into", "theirs"]) == 0
    (found,) = verify(tmp_path / "theirs" / runs[0].path.name)
    assert {one.check: one.verdict for one in found.findings}["weights"] == "sound"


def _make_tiny(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses
    import hashlib

    from loupe.data.official_files import OfficialFile
    from loupe.data.sources import tiny_imagenet

    data = write_tiny(6)
    file = OfficialFile("tiny-imagenet-200.zip", f"md5:{hashlib.md5(data).hexdigest()}")
    official = dataclasses.replace(tiny_imagenet.TINY_IMAGENET, files=(file,))
    monkeypatch.setattr(tiny_imagenet, "TINY_IMAGENET", official)
    monkeypatch.setattr(tiny_imagenet, "NUM_CLASSES", 3)
    monkeypatch.setattr(tiny_imagenet, "COUNTS", {"train": 18, "test": 3})
    folder.mkdir()
    (folder / file.name).write_bytes(data)
