"""Data sets of Hugging Face's on disk; nothing is asked of the network."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from loupe.data import load_dataset
from loupe.errors import DataError, DataFileError

datasets = pytest.importorskip("datasets", reason="the package datasets is not installed")

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 5, 4, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))


def make(count: int, labels: object = None) -> object:
    pictures = [Image.fromarray(PIXELS[index]) for index in range(count)]
    kinds = labels or datasets.ClassLabel(names=["ant", "bee"])
    features = datasets.Features({"picture": datasets.Image(), "kind": kinds, "id": datasets.Value("int64")})
    rows = {"picture": pictures, "kind": [index % 2 for index in range(count)], "id": list(range(count))}
    return datasets.Dataset.from_dict(rows, features=features)


@pytest.mark.parametrize("form", ["saved", "parquet"])
def test_a_data_set_on_disk_is_read(tmp_path: Path, form: str) -> None:
    whole = datasets.DatasetDict({"train": make(12), "test": make(6), "unsupervised": make(4)})
    if form == "saved":
        whole.save_to_disk(str(tmp_path / "set"))
    else:
        (tmp_path / "set" / "data").mkdir(parents=True)
        for split in ("train", "test"):
            whole[split].to_parquet(str(tmp_path / "set" / "data" / f"{split}-00000-of-00001.parquet"))
    dataset = load_dataset("huggingface", path=str(tmp_path / "set"))
    assert dataset.train.class_names == ("ant", "bee")
    assert np.array_equal(dataset.train.images.numpy(), PIXELS.transpose(0, 3, 1, 2))
    assert dataset.train.labels.tolist() == [0, 1] * 6
    assert len(dataset.test) == 6
    assert any("unsupervised (4 rows)" in note for note in dataset.notes) == (form == "saved")


def test_columns_are_found_or_asked_for(tmp_path: Path) -> None:
    numbers = datasets.Value("int64")
    datasets.DatasetDict({"train": make(12, numbers), "test": make(6, numbers)}).save_to_disk(
        str(tmp_path / "set")
    )
    with pytest.raises(DataError, match=r"no one column of labels\.\n  got: picture, kind, id"):
        load_dataset("huggingface", path=str(tmp_path / "set"))
    with pytest.raises(DataError, match=r"no column kinds\.(.|\n)*did you mean: kind"):
        load_dataset("huggingface", path=str(tmp_path / "set"), label_column="kinds")
    dataset = load_dataset("huggingface", path=str(tmp_path / "set"), label_column="kind")
    assert dataset.train.class_names == ("0", "1")


def test_a_data_set_that_is_not_here_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="There is no data set"):
        load_dataset("huggingface", path=str(tmp_path / "nowhere"))


def test_an_image_that_cannot_be_read_is_named_by_its_row(tmp_path: Path) -> None:
    written = io.BytesIO()
    Image.fromarray(PIXELS[0]).save(written, "PNG")
    rows = [{"bytes": written.getvalue(), "path": None}, {"bytes": b"no picture", "path": None}] * 2
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})
    one = datasets.Dataset.from_dict({"image": rows, "label": [0, 0, 1, 1]}, features=features)
    datasets.DatasetDict({"train": one, "test": one}).save_to_disk(str(tmp_path / "set"))
    with pytest.raises(DataFileError, match=r"4 of 8 images in .*\n  got: train/1 \(not an image\), train/3"):
        load_dataset("huggingface", path=str(tmp_path / "set"))
