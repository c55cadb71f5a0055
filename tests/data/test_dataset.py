import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from loupe.data import ImageDataset
from loupe.data.dataset import find_classes
from loupe.errors import DataError

NAMES = ("zero", "one", "two", "three")


def make_dataset(labels: list[int]) -> ImageDataset:
    """Images whose pixels are their own index, so that they can be told apart."""
    images = torch.arange(len(labels), dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2).contiguous()
    return ImageDataset(images, torch.tensor(labels, dtype=torch.int64), NAMES, "made by hand")


@given(
    labels=st.lists(st.integers(0, 3), max_size=60),
    classes=st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True),
)
def test_keep_classes_relabels_through_a_table_in_any_order(labels: list[int], classes: list[int]) -> None:
    dataset = make_dataset(labels)
    kept = dataset.keep_classes(classes)
    expected = [(index, classes.index(label)) for index, label in enumerate(labels) if label in classes]
    assert list(zip(kept.images[:, 0, 0, 0].tolist(), kept.labels.tolist(), strict=True)) == expected
    assert kept.class_names == tuple(NAMES[label] for label in classes)


def test_keep_classes_takes_names_whatever_their_case() -> None:
    assert make_dataset([0, 1, 2]).keep_classes(["TWO", 0]).labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["tow"], "There is no class 'tow' in this dataset.\n  got: tow\n  allowed: 0 zero, 1 one, 2 two, "
         "3 three\n  did you mean: two\n  next: mend data.classes"),
        ([4], "There is no class 4 in this dataset."),
        ([-1], "There is no class -1 in this dataset."),
        ([1, "one"], "Class 'one' is named twice in data.classes."),
    ],
)  # fmt: skip
def test_unknown_and_repeated_classes_are_refused(classes: list[str | int], message: str) -> None:
    with pytest.raises(DataError) as caught:
        make_dataset([0, 1, 2, 3]).keep_classes(classes)
    assert str(caught.value).startswith(message)


def test_the_digest_covers_pixels_labels_names_and_shape() -> None:
    dataset = make_dataset([0, 1, 2, 3])
    images = dataset.images.clone()
    images[3, 0, 1, 1] ^= 1
    others = [
        ImageDataset(images, dataset.labels, NAMES, ""),
        ImageDataset(dataset.images, dataset.labels.flip(0), NAMES, ""),
        ImageDataset(dataset.images, dataset.labels, (*NAMES[:3], "drei"), ""),
        ImageDataset(dataset.images.view(4, 4, 1, 1), dataset.labels, NAMES, ""),
    ]
    assert len({dataset.digest, *(other.digest for other in others)}) == 5
    assert make_dataset([0, 1, 2, 3]).digest == dataset.digest


def test_wrong_shapes_types_and_labels_are_refused() -> None:
    images, labels = torch.zeros(2, 1, 2, 2, dtype=torch.uint8), torch.tensor([0, 1])
    for bad_images in (images.float(), images[0]):
        with pytest.raises(DataError, match="uint8 with four axes"):
            ImageDataset(bad_images, labels, NAMES, "")
    for bad_labels in (labels[:1], labels.float()):
        with pytest.raises(DataError, match="one whole-number label an image"):
            ImageDataset(images, bad_labels, NAMES, "")
    with pytest.raises(DataError, match="got: labels 0 to 4\n  allowed: 0 to 3"):
        ImageDataset(images, torch.tensor([0, 4]), NAMES, "")


def test_classes_that_differ_in_case_only_are_told_apart() -> None:
    assert find_classes(["A", "B", "a", "b"], ["A", "b"]) == [0, 3]
    assert find_classes(["Cat", "Dog"], ["dog"]) == [1]
