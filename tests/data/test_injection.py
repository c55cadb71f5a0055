import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from loupe.data import Dataset, ImageDataset
from loupe.data.injection import change_labels, inject, thin_out
from loupe.errors import DataError


@pytest.fixture(scope="module")
def images(digits: Dataset) -> ImageDataset:
    return digits.train


def test_classes_shrink_geometrically(images: ImageDataset) -> None:
    before, after = images.class_counts(), thin_out(images, 20, 0).class_counts()
    for label, (many, few) in enumerate(zip(before, after, strict=True)):
        assert few == round(many * 20 ** (-label / 9))


def test_a_longer_tail_lies_inside_a_shorter_one(images: ImageDataset) -> None:
    assert thin_out(images, 50, 0).table.keys() < thin_out(images, 5, 0).table.keys()
    assert thin_out(images, 5, 0).table.keys() != thin_out(images, 5, 1).table.keys()


@settings(max_examples=15)
@given(share=st.floats(0.02, 0.9), seed=st.integers(0, 5))
def test_a_share_of_each_class_becomes_wrong_and_the_rest_stays(
    digits: Dataset, share: float, seed: int
) -> None:
    images = digits.train
    noisy, changed = change_labels(images, "symmetric", share, seed)
    is_changed = noisy.labels != images.labels
    assert torch.equal(is_changed.nonzero().flatten(), changed)
    for label, count in enumerate(images.class_counts()):
        assert int(is_changed[images.labels == label].sum()) == round(share * count)


def test_symmetric_noise_reaches_all_other_classes_alike(images: ImageDataset) -> None:
    noisy, changed = change_labels(images, "symmetric", 0.8, 0)
    steps = (noisy.labels - images.labels)[changed] % 10
    counts = torch.bincount(steps, minlength=10)[1:].double()
    expected = len(changed) / 9
    assert float(((counts - expected) ** 2 / expected).sum()) < 26.1  # chi square of 8 degrees, p = 0.001


def test_pairwise_noise_is_the_next_class(images: ImageDataset) -> None:
    noisy, changed = change_labels(images, "pairwise", 0.3, 0)
    assert ((noisy.labels[changed] - images.labels[changed]) % 10 == 1).all()


def test_noise_by_confusion_follows_its_table(images: ImageDataset) -> None:
    noisy, changed = change_labels(images, "confusion", 0.9, 0, {"3": {"8": 3, "5": 1}})
    assert set(images.labels[changed].tolist()) == {3}
    to = noisy.labels[changed].bincount(minlength=10)
    assert int(to[8] + to[5]) == len(changed)
    assert 0.6 < int(to[8]) / len(changed) < 0.88


def test_more_noise_holds_what_less_changed(images: ImageDataset) -> None:
    less, more = (change_labels(images, "symmetric", share, 4) for share in (0.1, 0.3))
    assert set(less[1].tolist()) < set(more[1].tolist())
    assert torch.equal(less[0].labels[less[1]], more[0].labels[less[1]])


@pytest.mark.parametrize(
    ("table", "message"),
    [({"cat": {"3": 1.0}}, "no class 'cat'"), ({"3": {"3": 1.0}}, 'takes "3" for itself')],
)
def test_a_table_that_does_not_fit_is_refused(
    images: ImageDataset, table: dict[str, dict[str, float]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        change_labels(images, "confusion", 0.1, 0, table)


def test_what_was_done_is_said_in_numbers(images: ImageDataset) -> None:
    changed, said = inject(images, 0, long_tail=10, noise=("pairwise", 0.2, None))
    assert len(said) == 2
    assert f"{len(images) - len(changed):,} of {len(images):,} training images were left out" in said[0]
    assert f"of {len(changed):,} training labels were made wrong" in said[1]
    assert changed.table.labels.tolist() == changed.labels.tolist()
