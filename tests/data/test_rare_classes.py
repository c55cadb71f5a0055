"""A class of few images: what is refused names a value that works, whatever divides the images."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from loupe.data import Dataset, load_dataset, split_dataset
from loupe.data.missing_classes import find_working_amount
from loupe.data.stratified import hold_out, take_fraction
from loupe.errors import MissingClassError


def write_classes(root: Path, counts: dict[str, int]) -> Path:
    """Write noise, so many images a class."""
    generator = torch.Generator().manual_seed(0)
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            pixels = torch.randint(0, 256, (8, 8), generator=generator, dtype=torch.uint8)
            Image.fromarray(pixels.numpy()).save(root / name / f"{number}.png")
    return root


def load(folder: Path, **settings: object) -> Dataset:
    return load_dataset("folder", path=str(folder), **settings)


def find_error(attempt: Callable[[], object]) -> MissingClassError | None:
    try:
        attempt()
    except MissingClassError as error:
        return error
    return None


labelled = st.lists(st.integers(0, 2), min_size=3, max_size=40).map(torch.tensor)


@given(labelled, st.integers(0, 10**6), st.one_of(st.floats(0.01, 0.99), st.integers(1, 40)))
def test_what_is_said_to_work_of_a_draw_does(labels: torch.Tensor, seed: int, wanted: float | int) -> None:
    numbers = torch.rand(len(labels), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    amount = find_working_amount(labels, numbers, wanted).amount
    by_class = [numbers[labels == label] for label in labels.unique()]
    is_possible = max(float(one.min()) for one in by_class) < min(float(one.max()) for one in by_class)
    if amount is None:
        assert not is_possible or isinstance(wanted, float)  # a share of six digits may not lie between
        return
    is_held_out = numbers < (amount if isinstance(amount, float) else numbers.sort().values[amount])
    for of_class in (is_held_out[labels == label] for label in labels.unique()):
        assert bool(of_class.any())
        assert not bool(of_class.all())


@given(labelled, st.integers(0, 10**6), st.one_of(st.floats(0.001, 0.999), st.integers(1, 60)))
def test_what_is_said_to_work_of_a_stratified_order_does(
    labels: torch.Tensor, seed: int, wanted: float | int
) -> None:
    def try_out(amount: float | int) -> None:
        generator = torch.Generator().manual_seed(seed)
        hold_out(labels, amount, generator, num_classes=len(labels.unique()))

    error = find_error(lambda: try_out(wanted))
    if error is not None:
        assume(error.works is not None)
        assert type(error.works) is type(wanted)
        assert f"set data.validation={error.works:g}" in str(error)
        try_out(error.works or 0)


@given(labelled, st.integers(0, 10**6), st.floats(0.001, 0.9))
def test_what_is_said_to_work_of_a_fraction_does(labels: torch.Tensor, seed: int, fraction: float) -> None:
    def try_out(amount: float) -> None:
        generator = torch.Generator().manual_seed(seed)
        take_fraction(labels, amount, generator, num_classes=len(labels.unique()))

    error = find_error(lambda: try_out(fraction))
    if error is not None:
        assert error.works is not None
        try_out(error.works)


def test_the_test_part_that_works_is_named(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "crops", {"many": 60, "rare": 3})
    with pytest.raises(MissingClassError) as caught:
        load(folder, test_part=0.1)
    share = caught.value.works
    assert share is not None
    assert str(caught.value).startswith("The test part would hold no image of rare.")
    assert "none of: rare (3 in all)" in str(caught.value)
    assert f"for these images, {share:g} to " in str(caught.value)
    assert f"next: set data.test_part={share:g}, add images of rare, or put each side's" in str(caught.value)
    assert load(folder, test_part=share).test_part == share


def test_a_class_of_one_image_cannot_be_divided_and_may_be_left_out(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "crops", {"many": 60, "more": 60, "single": 1})
    with pytest.raises(MissingClassError) as caught:
        load(folder)
    assert caught.value.works is None
    assert caught.value.hopeless == ("single",)
    assert "so three different images of a class, or more, to train, to validate and to test" in str(
        caught.value
    )
    assert "next: add images of single, leave the class out with data.classes, or put" in str(caught.value)
    assert load(folder, classes=["many", "more"]).train.class_names == ("many", "more")


def test_a_folder_of_too_few_images_for_a_test_side_names_a_share(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "crops", {"one": 3, "two": 3})
    with pytest.raises(MissingClassError) as caught:
        load(folder, test_part=0.001)
    assert caught.value.works is not None
    load(folder, test_part=caught.value.works)


@pytest.mark.parametrize("count", [3, 4, 5])
def test_a_share_that_is_named_leaves_images_to_train_and_to_validate(tmp_path: Path, count: int) -> None:
    folder = write_classes(tmp_path / "crops", {"many": 60, "rare": count})
    error = find_error(lambda: load(folder, test_part=0.01))
    assert error is not None
    assert error.works is not None
    dataset = load(folder, test_part=error.works)
    error = find_error(lambda: split_dataset(dataset, validation=0.01))
    assert error is not None
    assert error.setting == "data.validation"
    split_dataset(dataset, validation=float(error.works or 0))


def test_a_class_of_two_images_is_not_sent_to_a_share_that_fails_next(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "crops", {"many": 60, "more": 60, "pair": 2})
    shares = (0.001, 0.2, 0.5, 0.8, 0.999)
    errors = [
        find_error(lambda share=share: split_dataset(load(folder, test_part=share), validation=0.1))
        for share in shares
    ]
    for error in errors:
        assert error is not None
        assert error.works is None
        assert "pair" in error.hopeless
        assert "so three different images of a class, or more" in str(error)
        assert "set data." not in str(error)


def test_where_test_took_too_much_of_a_class_another_share_of_test_is_named(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "crops", {"many": 60, "rare": 4})
    small = find_error(lambda: load(folder, test_part=0.001))
    assert small is not None
    assert small.works is not None
    largest, too_large = float(small.works), 1.0  # the largest leaves one image of the rare class
    while too_large - largest > 0.001:
        share = (largest + too_large) / 2
        if find_error(lambda share=share: load(folder, test_part=share)) is None:
            largest = share
        else:
            too_large = share
    error = find_error(lambda: split_dataset(load(folder, test_part=largest), validation=0.5))
    assert error is not None
    assert error.setting == "data.test_part"
    assert error.works is not None
    assert "rare (1 of 4)" in str(error)
    split = find_error(lambda: split_dataset(load(folder, test_part=error.works), validation=0.001))
    assert split is not None
    assert split.setting == "data.validation"
    assert split.works is not None


def test_the_validation_share_that_works_is_named(tmp_path: Path) -> None:
    dataset = load(write_classes(tmp_path / "crops", {"many": 60, "rare": 8}), test_part=0.3)
    for amount in (0.001, 1, 0.999):
        with pytest.raises(MissingClassError) as caught:
            split_dataset(dataset, validation=amount)
        assert caught.value.setting == "data.validation"
        assert caught.value.works is not None
        split_dataset(dataset, validation=caught.value.works)


def test_the_fraction_and_the_folds_that_work_are_named(tmp_path: Path) -> None:
    dataset = load(write_classes(tmp_path / "crops", {"many": 60, "rare": 14}), test_part=0.3)
    with pytest.raises(MissingClassError) as caught:
        split_dataset(dataset, validation=0.4, fraction=0.01)
    assert caught.value.setting == "data.fraction"
    split_dataset(dataset, validation=0.4, fraction=float(caught.value.works or 0))
    folds = [partial(split_dataset, dataset, validation=0.4, fold=(number, 30)) for number in range(1, 31)]
    error = next(one for one in map(find_error, folds) if one is not None)
    parts = int(error.works or 0)
    assert f"set data.fold={{number=1, of={parts}}}, in a study folds={parts}, " in str(error)
    for number in range(1, parts + 1):
        split_dataset(dataset, validation=0.4, fold=(number, parts))


def test_stratified_folds_name_a_number_too(digits: Dataset) -> None:
    with pytest.raises(MissingClassError) as caught:
        split_dataset(digits, validation=0.1, fold=(1, 300))
    parts = int(caught.value.works or 0)
    for number in range(1, parts + 1):
        split_dataset(digits, validation=0.1, fold=(number, parts))
