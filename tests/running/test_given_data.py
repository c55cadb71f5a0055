"""Images handed over in a call: of any kind, kept by content, found again by a resume."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import loupe
from loupe.data import ImageDataset
from loupe.errors import DataError, LoupeError

GENERATOR = np.random.default_rng(0)
PIXELS = GENERATOR.integers(0, 256, (60, 5, 4, 3), dtype=np.uint8)
LABELS = np.arange(60) % 3
QUICK = (
    "train.epochs=1",
    "train.batch_size=16",
    "evaluate.look_inside=false",
    "data.validation=0.25",
    'model={name="mlp", widths=[4]}',
)


class Pairs(torch.utils.data.Dataset[Any]):
    """A data set as torchvision's are: PIL images, and names of the classes."""

    classes = ("ant", "bee", "cow")

    def __len__(self) -> int:
        return len(LABELS)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return Image.fromarray(PIXELS[index]), int(LABELS[index])


class Tensors(Pairs):
    def __getitem__(self, index: int) -> tuple[Any, int]:
        return torch.from_numpy(PIXELS[index]).permute(2, 0, 1) / 255, int(LABELS[index])


class Shifting(Pairs):
    def __getitem__(self, index: int) -> tuple[Any, int]:
        return torch.rand(3, 5, 4), 0


def train(folder: Path, dataset: object, *overrides: str) -> Any:
    return loupe.train("digits", *QUICK, f"run.folder={folder}", *overrides, dataset=dataset)


GIVEN = {
    "arrays": (PIXELS, LABELS),
    "tensors": (torch.from_numpy(PIXELS).permute(0, 3, 1, 2), torch.from_numpy(LABELS)),
    "fractions": (torch.from_numpy(PIXELS) / 255, LABELS.tolist()),
    "pictures": Pairs(),
    "items": Tensors(),
    "own": ImageDataset(
        torch.from_numpy(PIXELS).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(LABELS),
        ("ant", "bee", "cow"),
        "mine",
    ),
}


@pytest.mark.parametrize("kind", GIVEN)
def test_images_of_any_kind_are_trained_on_and_kept(kind: str, tmp_path: Path) -> None:
    run = train(tmp_path, GIVEN[kind])
    environment = run.read_environment()
    (kept,) = (tmp_path / "datasets").glob("*.npz")
    assert run.read_recipe().data.settings["path"] == str(kept)
    assert run.read_result().status == "finished"
    again = train(tmp_path, (PIXELS, LABELS))
    ours = again.read_environment()["data_digests"]
    named = kind in ("pictures", "items", "own")
    assert (ours == environment["data_digests"]) != named, "names of the classes count, too"
    assert any("are fractions" in one for one in run.read_result().warnings) == (
        kind in ("fractions", "items")
    )
    assert loupe.resume(run.path).path == run.path


def test_parts_are_taken_as_they_are_given(tmp_path: Path) -> None:
    parts = {
        "train": (PIXELS[:30], LABELS[:30]),
        "val": (PIXELS[30:45], LABELS[30:45]),
        "test": (PIXELS[45:], LABELS[45:]),
    }
    result = train(tmp_path, parts).read_result()
    assert result.num_images == {"train": 30, "validation": 15, "test": 15}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (7, r"of no kind that is known\.\n  got: int"),
        ("folder", r"of no kind that is known"),
        ({"a": (PIXELS, LABELS)}, r"no parts of a dataset\.\n  got: a"),
        ({}, r"no parts of a dataset"),
        (Shifting(), r"another image each time"),
        ([(PIXELS[0], 0), (PIXELS[0, :4], 1)], r"images differ in shape"),
        ([(PIXELS[0],)] * 3, r"Item 0 .* is no image with a label"),
        ([("a", 1)] * 3, r"This is no image"),
        ((PIXELS - 0.5, LABELS), r"range is not known"),
        ((PIXELS, LABELS[:5]), r"one whole-number label an image"),
    ],
)
def test_what_is_no_data_is_refused(given: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        train(tmp_path, given)


def test_a_recipe_with_settings_of_its_own_source_says_so(tmp_path: Path) -> None:
    with pytest.raises(LoupeError, match=r"data\.image_size"):
        train(
            tmp_path, (PIXELS, LABELS), f'data={{name="folder", path="{tmp_path}", image_size=8, fit="pad"}}'
        )
