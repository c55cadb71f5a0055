"""Parts of a dataset plugin are held against one another when it is loaded."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from loupe.data import ImageDataset, SourceImages, load_dataset, register_dataset
from loupe.data.dataset import find_classes
from loupe.data.sources import SOURCES
from loupe.errors import DataError

NAMES = ("a", "b")


def part(count: int = 4, shape: tuple[int, ...] = (3, 8, 8), names: tuple[str, ...] = NAMES) -> ImageDataset:
    labels = torch.arange(count) % len(names)
    return ImageDataset(torch.zeros(count, *shape, dtype=torch.uint8), labels, names, "plugin")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], object]:
    """A way to load what a plugin's function returns."""
    SOURCES.names()
    for table in ("_builders", "_facts", "_settings_types"):
        monkeypatch.setattr(SOURCES, table, dict(getattr(SOURCES, table)))

    def load(returned: object) -> object:
        register_dataset("plugged")(lambda: returned)
        try:
            return load_dataset("plugged")
        finally:
            SOURCES._builders.pop("plugged")

    return load


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (part(names=("b", "a")), r"test part of dataset 'plugged' has its classes in another order"),
        (part(names=("a", "c")), r"test part of dataset 'plugged' has other classes than"),
        (
            part(shape=(3, 8, 9)),
            r"test images of dataset 'plugged' are of another shape.*\n  got: 3 channels",
        ),
        (part(shape=(1, 8, 8)), r"test images of dataset 'plugged' are of another shape"),
        (part(count=0), r"test part of dataset 'plugged' holds too little\.\n  got: 0 images"),
        (part(shape=(8, 8, 3)), r"test images .* seem to have their channels last.*\n.*8 channels of 8 x 3"),
        (None, r"test part of dataset 'plugged' is not an ImageDataset"),
    ],
)
@pytest.mark.parametrize("place", ["test", "validation"])
def test_parts_that_do_not_fit_are_refused(
    load: Callable[[object], object], test: ImageDataset | None, message: str, place: str
) -> None:
    if place == "validation" and test is None:
        return  # a dataset may have none
    parts = {"test": part(), place: test}
    with pytest.raises(DataError, match=message.replace("test", place, 1)):
        load(SourceImages(part(), **parts))


def test_a_training_part_is_checked_too(load: Callable[[object], object]) -> None:
    with pytest.raises(DataError, match="training part of dataset 'plugged' holds too little"):
        load(SourceImages(part(count=0), part()))
    with pytest.raises(
        DataError, match="training images of dataset 'plugged' seem to have their channels last"
    ):
        load(SourceImages(part(shape=(8, 8, 1)), part(shape=(8, 8, 1))))
    with pytest.raises(DataError, match="Dataset 'plugged' returned no images"):
        load(None)


def test_parts_that_fit_are_loaded(load: Callable[[object], object]) -> None:
    for shape in ((3, 8, 8), (1, 8, 8), (4, 8, 8), (3, 3, 3)):
        assert load(SourceImages(part(shape=shape), part(2, shape), part(3, shape)))


@pytest.mark.parametrize(
    ("names", "wanted", "found"),
    [
        ([str(i) for i in range(10)], [2, 7], [2, 7]),
        (sorted(map(str, range(12))), [2, 10], [4, 2]),  # the order of texts: 0 1 10 11 2 …
        (["001", "002", "010"], [10, "002"], [2, 1]),
        (["cat", "dog", "2"], [1], [1]),  # not all are numbers: an index
    ],
)
def test_names_that_are_numbers_are_names(
    names: list[str], wanted: list[str | int], found: list[int]
) -> None:
    assert find_classes(names, wanted) == found


def test_a_number_that_is_no_name_is_refused_with_the_names() -> None:
    with pytest.raises(
        DataError, match=r"There is no class 0 in this dataset\.\n  got: 0\n  allowed: 1, 2, 10"
    ):
        find_classes(["1", "2", "10"], [0])


def test_folders_called_by_numbers_keep_their_names(tmp_path: Path) -> None:
    from PIL import Image

    for part_name in ("train", "test"):
        for number in range(12):
            place = tmp_path / part_name / str(number)
            place.mkdir(parents=True)
            Image.new("L", (4, 4), 20 * number).save(place / "0.png")
    dataset = load_dataset("folder", path=str(tmp_path), classes=[2, 10])
    assert dataset.train.class_names == ("2", "10")
    shades = dict(zip(dataset.train.labels.tolist(), dataset.train.images[:, 0, 0, 0].tolist(), strict=True))
    assert shades == {0: 40, 1: 200}
