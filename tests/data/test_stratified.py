import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from loupe.data import Dataset, load_dataset, split_dataset
from loupe.data.stratified import hold_out, stratified_order, take_fraction
from loupe.errors import DataError

from ..conftest import needs_official_data

labels_of_any_kind = st.lists(st.integers(0, 4), min_size=1, max_size=120).map(torch.tensor)
balanced_labels = st.tuples(st.integers(2, 6), st.integers(2, 25)).map(
    lambda sizes: torch.arange(sizes[0]).repeat(sizes[1])
)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(labels=labels_of_any_kind, seed=st.integers(0, 2**32))
def test_the_order_is_a_permutation_that_the_seed_decides(labels: torch.Tensor, seed: int) -> None:
    order = stratified_order(labels, generator(seed))
    assert order.sort().values.tolist() == list(range(len(labels)))
    assert torch.equal(order, stratified_order(labels, generator(seed)))


@given(labels=labels_of_any_kind, seed=st.integers(0, 2**32))
def test_every_prefix_is_stratified(labels: torch.Tensor, seed: int) -> None:
    ordered = labels[stratified_order(labels, generator(seed))]
    num_classes = len(labels.unique())
    for length in range(1, len(ordered) + 1):
        for label in labels.unique():
            share = (labels == label).float().mean().item()
            counted = (ordered[:length] == label).sum().item()
            # half an image of rounding in each class, shared out over the others
            assert abs(counted - length * share) <= 0.5 + share * num_classes / 2 + 1e-6


@given(labels=balanced_labels, seed=st.integers(0, 2**32))
def test_with_equal_classes_counts_in_a_prefix_differ_by_one_at_most(labels: torch.Tensor, seed: int) -> None:
    ordered = labels[stratified_order(labels, generator(seed))]
    for length in range(1, len(ordered) + 1):
        counts = torch.bincount(ordered[:length], minlength=int(labels.max()) + 1)
        assert counts.max() - counts.min() <= 1


@given(
    labels=balanced_labels, amount=st.one_of(st.floats(0.2, 0.8), st.integers(6, 10)), seed=st.integers(0, 99)
)
def test_held_out_and_kept_are_disjoint_and_together_everything(
    labels: torch.Tensor, amount: int | float, seed: int
) -> None:
    num_classes = int(labels.max()) + 1
    count = amount if isinstance(amount, int) else round(amount * len(labels))
    if not num_classes <= count <= len(labels) - num_classes:
        return
    kept, held_out = hold_out(labels, amount, generator(seed), num_classes=num_classes)
    assert len(held_out) == count
    assert sorted(kept.tolist() + held_out.tolist()) == list(range(len(labels)))


@given(
    labels=balanced_labels,
    fractions=st.lists(st.floats(0.3, 1.0), min_size=2, max_size=5),
    seed=st.integers(0, 99),
)
def test_fractions_nest(labels: torch.Tensor, fractions: list[float], seed: int) -> None:
    num_classes = int(labels.max()) + 1
    parts = [
        set(take_fraction(labels, fraction, generator(seed), num_classes=num_classes).tolist())
        for fraction in sorted(fractions)
        if round(fraction * len(labels)) >= num_classes
    ]
    for smaller, larger in itertools.pairwise(parts):
        assert smaller <= larger


def test_different_seeds_split_differently(digits: Dataset) -> None:
    splits = [split_dataset(digits, validation=200, seed=seed) for seed in (0, 0, 1)]
    assert splits[0].validation.digest == splits[1].validation.digest
    assert splits[0].validation.digest != splits[2].validation.digest


def test_the_validation_images_are_the_same_for_every_fraction(digits: Dataset) -> None:
    small = split_dataset(digits, validation=200, fraction=0.1, seed=3)
    whole = split_dataset(digits, validation=200, seed=3)
    assert small.validation.digest == whole.validation.digest
    assert len(small.train) == round(0.1 * len(whole.train))


def test_a_part_without_some_class_is_refused(digits: Dataset) -> None:
    with pytest.raises(DataError) as caught:
        split_dataset(digits, validation=5)
    assert str(caught.value) == (
        "The held-out part would hold only 5 of 10 classes.\n"
        "  got: 5 of 1437 images held out (data.validation = 5)\n"
        "  allowed: at least one image of each class on both sides, 10 or more\n"
        "  next: set data.validation=10, or add images"
    )
    with pytest.raises(DataError, match=r"The kept part would hold only 0 of 10 classes\."):
        split_dataset(digits, validation=5000)
    with pytest.raises(DataError, match=r"A fraction of 0\.001 keeps only 1 of 10 classes"):
        split_dataset(digits, validation=200, fraction=0.001)


@needs_official_data
def test_five_fashion_classes_split_into_exactly_balanced_parts() -> None:
    """D-004-6: an unseeded, unstratified split gave validation counts such as 1025/979/1059/965/972."""
    fm1 = load_dataset("fashion-mnist", classes=["T-shirt/top", "Trouser", "Coat", "Sandal", "Bag"])
    splits = split_dataset(fm1, validation=5000, seed=0)
    assert splits.train.class_counts() == [5000] * 5
    assert splits.validation.class_counts() == [1000] * 5
    assert splits.test.class_counts() == [1000] * 5


def test_of_many_classes_some_may_be_held_out_nowhere() -> None:
    labels = torch.arange(30).repeat(3)
    kept, held_out = hold_out(labels, 20, torch.Generator().manual_seed(0), num_classes=30)
    assert len(labels[held_out].unique()) == 20
    assert len(labels[kept].unique()) == 30
    with pytest.raises(DataError, match="would hold only 10 of 30"):
        hold_out(labels, 10, torch.Generator().manual_seed(0), num_classes=30)
