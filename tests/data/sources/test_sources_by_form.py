"""Folder, table and arrays of the same images are the same images on the same sides; odd ones are refused."""

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from loupe.data import Dataset, load_dataset, split_dataset
from loupe.data.sources import tiny_imagenet
from loupe.errors import DataError, DataFileError

Row = tuple[str, str, np.ndarray]


def draw_crops(count: int = 60) -> list[Row]:
    """Return (path, class, pixels) of images of three classes."""
    generator = np.random.default_rng(4)
    return [
        (f"{name}/{index:03}.png", name, generator.integers(0, 256, (8, 6, 3), dtype=np.uint8))
        for name in ("ant", "bee", "cow")
        for index in range(count)
    ]


def write_images(root: Path, rows: list[Row]) -> None:
    for path, _, pixels in rows:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / path)


def write_table(path: Path, rows: list[list[str]], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    path.write_text(text.getvalue(), encoding=encoding)
    return path


@pytest.fixture
def crops(tmp_path: Path) -> tuple[Path, list[Row]]:
    rows = draw_crops()
    write_images(tmp_path / "crops", rows)
    return tmp_path / "crops", rows


def look(dataset: Dataset) -> tuple[str, str]:
    return dataset.train.digest, dataset.test.digest


def test_folder_table_and_arrays_give_the_same_images_and_sides(
    crops: tuple[Path, list[Row]], tmp_path: Path
) -> None:
    root, rows = crops
    table = write_table(
        tmp_path / "crops.csv", [["label", "path"], *([label, path] for path, label, _ in rows[::-1])]
    )
    labels = np.array([label for _, label, _ in rows])
    np.savez(tmp_path / "crops.npz", images=np.stack([pixels for *_, pixels in rows]), labels=labels)
    datasets = [
        load_dataset("folder", path=str(root)),
        load_dataset("csv", path=str(table), folder=str(root)),
        load_dataset("arrays", path=str(tmp_path / "crops.npz")),
    ]
    assert datasets[0].train.class_names == ("ant", "bee", "cow")
    assert 0 < len(datasets[0].test) < 60
    for other in datasets[1:]:
        assert other.train.class_names == datasets[0].train.class_names
        assert look(other) == look(datasets[0])
    splits = [split_dataset(dataset, validation=0.25) for dataset in datasets]
    assert len({one.validation.digest for one in splits}) == 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_table_with_splits(crops: tuple[Path, list[Row]], delimiter: str, encoding: str) -> None:
    root, rows = crops
    sides = ("train", "Training", "val", "testing")
    listed = [[path, label, sides[index % 4]] for index, (path, label, _) in enumerate(rows)]
    table = write_table(root / "list.csv", [["file", "class", "split"], *listed], delimiter, encoding)
    dataset = load_dataset("csv", path=str(table))
    assert dataset.validation is not None
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (90, 45, 45)
    assert dataset.train.paths is not None
    assert dataset.train.paths[0] == rows[0][0]


def test_columns_by_any_name(crops: tuple[Path, list[Row]]) -> None:
    root, rows = crops
    listed = [[str(index), path, label, "dev"] for index, (path, label, _) in enumerate(rows)]
    table = write_table(root / "list.csv", [["id", "Where", "What", "split"], *listed])
    with pytest.raises(DataError, match=r"has no column of paths\.\n  got: id, Where, What, split"):
        load_dataset("csv", path=str(table))
    with pytest.raises(DataError, match="lists too little"):
        load_dataset("csv", path=str(table), path_column="where", label_column="what")
    table = write_table(root / "list.csv", [["id", "Where", "What"], *(row[:3] for row in listed)])
    dataset = load_dataset("csv", path=str(table), path_column="Where", label_column="what")
    assert look(dataset) == look(load_dataset("folder", path=str(root)))


def test_classes_that_are_numbers_stand_in_their_order(tmp_path: Path) -> None:
    rows = [(f"{index}.png", str(index % 11), pixels) for index, (_, _, pixels) in enumerate(draw_crops(22))]
    write_images(tmp_path, rows)
    sides = ["train" if index < 44 else "test" for index in range(len(rows))]
    listed = [[path, label, side] for (path, label, _), side in zip(rows, sides, strict=True)]
    table = write_table(tmp_path / "list.csv", [["path", "label", "split"], *listed])
    assert load_dataset("csv", path=str(table)).train.class_names == tuple(map(str, range(11)))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([["path", "label"], ["ant/000.png"]], r"Line 2 of .*\n  got: 1 cells under 2 columns"),
        ([["path", "label"], ["ant/000.png", ""]], r"Line 2 of .*\n  got: no label"),
        ([["path", "label"], ["", "ant"]], r"Line 2 of .*\n  got: no path"),
        (
            [["path", "label"], ["ant/000.png", "ant"], ["ant/000.png", "bee"]],
            r"Line 3 of .*\n  got: ant/000.png stands in it as train ant and as train bee",
        ),
        (
            [["path", "label", "split"], ["ant/000.png", "ant", "other"]],
            r"got: split other\n",
        ),
        (
            [["path", "label", "split"], ["ant/000.png", "ant", ""]],
            r"got: split left empty",
        ),
        ([["path", "label"]], "lists too little"),
        ([], "has no column of paths"),
    ],
)
def test_tables_that_cannot_be_used(
    crops: tuple[Path, list[Row]], rows: list[list[str]], message: str
) -> None:
    table = write_table(crops[0] / "list.csv", rows)
    with pytest.raises(DataError, match=message):
        load_dataset("csv", path=str(table))


def test_files_that_a_table_names_and_are_not_there_are_named(crops: tuple[Path, list[Row]]) -> None:
    root, rows = crops
    listed = [[path, label] for path, label, _ in rows]
    table = write_table(root / "list.csv", [["path", "label"], *listed, ["ant/nowhere.png", "ant"]])
    with pytest.raises(DataFileError, match=r"1 of 181 images in .*\n  got: ant/nowhere.png \("):
        load_dataset("csv", path=str(table))
    dataset = load_dataset("csv", path=str(table), on_unreadable="skip")
    assert look(dataset) == look(load_dataset("folder", path=str(root)))


def test_a_table_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="There is no table"):
        load_dataset("csv", path=str(tmp_path / "nowhere.csv"))
    with pytest.raises(DataFileError, match=r"data\.name=folder"):
        load_dataset("csv", path=str(tmp_path))
    (tmp_path / "a.csv").write_bytes(b"path,label\n\xff\xfe,a\n")
    with pytest.raises(DataFileError, match=r"The table .* cannot be read"):
        load_dataset("csv", path=str(tmp_path / "a.csv"))


PIXELS = np.random.default_rng(1).integers(0, 256, (40, 5, 4, 3), dtype=np.uint8)
LABELS = np.arange(40) % 2


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (PIXELS, LABELS),
        (PIXELS, LABELS[:, None]),
        (PIXELS, np.eye(2)[LABELS]),
        (PIXELS, LABELS.astype(float)),
        (PIXELS.transpose(0, 3, 1, 2), LABELS.astype(np.uint8)),
        (PIXELS / 255, LABELS),
        (PIXELS.astype(np.float32), LABELS),
        (PIXELS.astype(np.int64), LABELS),
    ],
)
@pytest.mark.parametrize(
    "names", [("images", "labels"), ("train_images", "train_labels"), ("x_train", "y_train")]
)
def test_arrays_of_any_usual_kind(
    tmp_path: Path, images: np.ndarray, labels: np.ndarray, names: tuple[str, str]
) -> None:
    arrays = dict(zip(names, (images, labels), strict=True))
    if names[0] != "images":
        arrays |= {name.replace("train", "test"): values[:10] for name, values in arrays.items()}
    np.savez(tmp_path / "a.npz", **arrays)
    dataset = load_dataset("arrays", path=str(tmp_path / "a.npz"))
    assert dataset.train.class_names == ("0", "1")
    whole = np.concatenate([dataset.train.images.numpy(), dataset.test.open("compare").images.numpy()])
    meant = {image.tobytes() for image in PIXELS.transpose(0, 3, 1, 2)}
    assert {image.tobytes() for image in whole} == meant


def test_npy_files_in_a_folder_and_as_a_pair(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", PIXELS)
    np.save(tmp_path / "labels.npy", LABELS)
    pair = {"path": str(tmp_path / "images.npy"), "labels_path": str(tmp_path / "labels.npy")}
    names = ("left", "right")
    datasets = [
        load_dataset("arrays", path=str(tmp_path), class_names=names),
        load_dataset("arrays", **pair, class_names=names),
    ]
    assert look(datasets[0]) == look(datasets[1])
    assert datasets[0].train.class_names == names
    with pytest.raises(DataError, match=r"images without labels\.(.|\n)*data\.labels_path="):
        load_dataset("arrays", path=pair["path"])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": PIXELS, "b": LABELS}, r"no arrays of the usual names\.\n  got: a, b"),
        ({"images": PIXELS[..., :2], "labels": LABELS}, r"have no shape of images"),
        ({"images": PIXELS.reshape(40, -1), "labels": LABELS}, r"have no shape of images"),
        ({"images": np.zeros((40, 3, 4, 3), np.uint8), "labels": LABELS}, r"channels first or last"),
        ({"images": PIXELS * 2.5, "labels": LABELS}, r"range is not known\.\n  got: float64 from"),
        ({"images": PIXELS.astype(float) - 9, "labels": LABELS}, r"range is not known"),
        ({"images": PIXELS.astype(np.int64) * 9, "labels": LABELS}, r"range is not known"),
        ({"images": np.full((40, 4, 4), np.nan), "labels": LABELS}, r"range is not known"),
        ({"images": PIXELS, "labels": np.ones((40, 3))}, r"do not name one class an image"),
        ({"images": PIXELS, "labels": LABELS[:9]}, r"one whole-number label an image"),
        (
            {
                "train_images": PIXELS,
                "train_labels": LABELS,
                "test_images": PIXELS,
                "test_labels": LABELS + 1,
            },
            r"test labels of .* name classes that there are not\.\n  got: 2",
        ),
    ],
)
def test_arrays_that_are_no_images(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message):
        load_dataset("arrays", path=str(tmp_path / "a.npz"))


def test_deep_arrays_have_a_range(tmp_path: Path) -> None:
    deep = (PIXELS.astype(np.uint16) * 16)[..., 0]
    np.savez(tmp_path / "a.npz", images=deep, labels=LABELS)
    dark = load_dataset("arrays", path=str(tmp_path / "a.npz"))
    assert "data.bit_range=12" in dark.notes[0]
    seen = load_dataset("arrays", path=str(tmp_path / "a.npz"), bit_range=12)
    assert seen.notes == ()
    assert int(seen.train.images.max()) > 250
    with pytest.raises(DataError, match=r"0 to 1023 with data\.bit_range=10"):
        load_dataset("arrays", path=str(tmp_path / "a.npz"), bit_range=10)


def write_tiny(count: int) -> bytes:
    """Return a zip of the true form with three classes."""
    generator, packed = np.random.default_rng(0), io.BytesIO()

    def jpeg(shade: int) -> bytes:
        written = io.BytesIO()
        pixels = generator.integers(0, 40, (64, 64, 3), dtype=np.uint8) + shade
        Image.fromarray(pixels.astype(np.uint8)).save(written, "JPEG")
        return written.getvalue()

    synsets = {"n03": 30, "n01": 100, "n02": 200}
    with zipfile.ZipFile(packed, "w") as zipped:
        root = "tiny-imagenet-200"
        zipped.writestr(f"{root}/wnids.txt", "".join(f"{one}\n" for one in synsets))
        zipped.writestr(f"{root}/words.txt", "n01\tfish, Piscis\nn02\tfrog\nn03\tfrog, other\nn99\tnone\n")
        rows = []
        for synset, shade in synsets.items():
            for index in range(count):
                zipped.writestr(f"{root}/train/{synset}/images/{synset}_{index}.JPEG", jpeg(shade))
            zipped.writestr(f"{root}/val/images/val_{synset}.JPEG", jpeg(shade))
            rows.append(f"val_{synset}.JPEG\t{synset}\t0\t0\t62\t62")
        zipped.writestr(f"{root}/val/val_annotations.txt", "\n".join(rows))
        zipped.writestr(f"{root}/test/images/test_0.JPEG", jpeg(9))
    return packed.getvalue()


def test_tiny_imagenet_opened_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses
    import hashlib

    from loupe.data.official_files import OfficialFile

    data = write_tiny(4)
    file = OfficialFile("tiny-imagenet-200.zip", f"md5:{hashlib.md5(data).hexdigest()}")
    official = dataclasses.replace(tiny_imagenet.TINY_IMAGENET, files=(file,))
    monkeypatch.setattr(tiny_imagenet, "TINY_IMAGENET", official)
    monkeypatch.setattr(tiny_imagenet, "NUM_CLASSES", 3)
    monkeypatch.setattr(tiny_imagenet, "COUNTS", {"train": 12, "test": 3})
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path))
    (tmp_path / file.name).write_bytes(data)
    packed = load_dataset("tiny-imagenet")
    assert packed.train.class_names == ("fish", "frog (n02)", "frog (n03)")
    means = [float(packed.train.images[packed.train.labels == label].float().mean()) for label in range(3)]
    assert [round(mean, -1) for mean in means] == [120, 220, 50]
    assert len(packed.notes) == 1
    (tmp_path / file.name).unlink()
    zipfile.ZipFile(io.BytesIO(data)).extractall(tmp_path)
    opened = load_dataset("tiny-imagenet")
    assert look(opened) == look(packed)
    assert "by the number of images only" in opened.notes[1]
    next((tmp_path / "tiny-imagenet-200" / "train" / "n01" / "images").iterdir()).unlink()
    with pytest.raises(DataFileError, match=r"is not complete\.\n  got: 3 classes, 11 and 3 images"):
        load_dataset("tiny-imagenet")
