import gzip

import pytest
import torch

from loupe.data import SOURCES, Dataset, load_dataset
from loupe.errors import UnknownNameError

from ..conftest import needs_official_data, official_data

AT_HAND = [
    "digits",
    *(pytest.param(name, marks=needs_official_data) for name in ("cifar10", "fashion-mnist")),
]


@pytest.mark.parametrize("name", AT_HAND)
def test_contract(name: str) -> None:
    dataset, facts = load_dataset(name), SOURCES.facts(name)
    assert tuple(dataset.train.images.shape[1:]) == facts["image_shape"]
    assert dataset.train.num_classes == facts["num_classes"]
    assert facts["origin"], "author, year, address and licence are stated"
    assert min(dataset.train.class_counts()) > 0
    assert min(dataset.test.class_counts()) > 0
    assert dataset.train.images.max() == 255
    assert dataset.train.digest == load_dataset(name).train.digest
    assert dataset.test.openings == ()


def test_an_unknown_dataset_gets_a_suggestion() -> None:
    with pytest.raises(UnknownNameError) as caught:
        load_dataset("fashion")
    assert str(caught.value) == (
        "There is no dataset called 'fashion'.\n  got: fashion\n"
        f"  allowed: {', '.join(SOURCES.names())}\n  did you mean: fashion-mnist\n"
        "  next: `loupe datasets` lists them"
    )


def test_digits_are_the_published_ones(digits: Dataset) -> None:
    """Digests pin pixels, labels and the fixed test part; 17 grey levels come back exactly."""
    assert digits.train.digest.startswith("535543aad91d1431")
    assert digits.test.digest.startswith("eb95ef4cd47244e4")
    assert (len(digits.train), len(digits.test)) == (1437, 360)
    levels = (digits.train.images.double() * 16 / 255).round()
    assert levels.unique().tolist() == list(range(17))
    assert torch.equal((levels * 255 / 16).round().to(torch.uint8), digits.train.images)


def test_no_digit_is_on_both_sides() -> None:
    dataset = load_dataset("digits")
    train = {tuple(image.flatten().tolist()) for image in dataset.train.images}
    test = dataset.test.open("count images that are on both sides").images
    assert not train & {tuple(image.flatten().tolist()) for image in test}


@needs_official_data
def test_cifar10_rows_are_label_then_red_green_and_blue_planes() -> None:
    folder = official_data()
    assert folder is not None
    row = (folder / "cifar-10-batches-bin" / "data_batch_3.bin").read_bytes()[7 * 3073 : 8 * 3073]
    train = load_dataset("cifar10").train
    assert int(train.labels[20_007]) == row[0]
    assert bytes(train.images[20_007].flatten().tolist()) == row[1:]
    assert train.class_counts() == [5000] * 10


@needs_official_data
def test_fashion_mnist_pixels_are_the_files_own() -> None:
    folder = official_data()
    assert folder is not None
    data = gzip.decompress((folder / "fashion-mnist" / "train-images-idx3-ubyte.gz").read_bytes())
    train = load_dataset("fashion-mnist").train
    assert bytes(train.images[123].flatten().tolist()) == data[16 + 123 * 784 : 16 + 124 * 784]
    assert train.class_counts() == [6000] * 10


@needs_official_data
def test_class_subsets_keep_the_named_classes_in_the_named_order() -> None:
    """A16, A17: fm2 = 2 Pullover, 3 Dress, 6 Shirt, 7 Sneaker, 9 Ankle boot."""
    whole = load_dataset("fashion-mnist").train
    fm2 = load_dataset("fashion-mnist", classes=[2, 3, 6, 7, 9])
    assert fm2.train.class_names == ("Pullover", "Dress", "Shirt", "Sneaker", "Ankle boot")
    assert (len(fm2.train), len(fm2.test)) == (30_000, 5_000)
    old = torch.tensor([2, 3, 6, 7, 9])
    kept = torch.isin(whole.labels, old)
    assert torch.equal(old[fm2.train.labels], whole.labels[kept])
    assert torch.equal(fm2.train.images, whole.images[kept])
