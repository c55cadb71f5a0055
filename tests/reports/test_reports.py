import re
from pathlib import Path

import pytest

import loupe
from loupe.data import AUGMENTATIONS, Dataset, build_augmentation, load_dataset, split_dataset
from loupe.reports.data_card import compare_presets, describe_balance, write_data_card
from loupe.wording import format_duration

from ..conftest import needs_official_data


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("runs")
    run = loupe.train("digits", "train.epochs=3", f"run.folder={folder}")
    return run.report_file.read_text(encoding="utf-8")


def test_a_report_asks_nothing_of_the_network_and_is_small(page: str) -> None:
    assert len(page.encode()) < 5_000_000
    for attribute in ("src", "href", "action", "srcset"):
        for target in re.findall(rf'\b{attribute}="([^"]*)"', page):
            assert target.startswith(("data:", "#")), f"{attribute}={target[:60]}"
    assert all(target.startswith('"data:image/') for target in re.findall(r"url\((.{12})", page))
    assert "@import" not in page
    assert "fetch(" not in page


def test_a_report_holds_every_part(page: str) -> None:
    for heading in ("weights", "curves", "classes", "mistakes", "predictions", "recipe", "layers", "record"):
        assert f'<h2 id="{heading}">' in page
        assert f'href="#{heading}"' in page
    assert page.count('<figure class="chart"') == 8
    assert "looks at it: <b>this run: once; this test set on this machine: " in " ".join(page.split())
    assert "95 % interval" in page
    assert "[train.optimizer]" in page
    assert len(re.findall(r'<tr>\s*<th scope="row"', page)) == 20  # ten classes, on test and on validation


def test_headline_and_table_agree(page: str) -> None:
    """D-003-2: a table of the last weights stood under the accuracy of the best ones."""
    headline = re.search(r"<strong>([\d.]+ %)</strong>", page)
    assert headline is not None
    right, total = re.search(r": ([\d,]+) of ([\d,]+) images right", page).groups()
    assert headline.group(1) == f"{100 * int(right) / int(total):.2f} %"
    diagonal = [int(count) for count in re.findall(r'<td class="diagonal"[^>]*>(\d+)</td>', page)][
        -10:
    ]  # of the test images, without links
    assert sum(diagonal) == int(right)


@pytest.mark.thorough
def test_text_in_a_report_is_escaped(tmp_path: Path) -> None:
    recipe = {"about": "<script>alert(1)</script>", "train": {"epochs": 1}, "data": {"fraction": 0.2}}
    run = loupe.train(recipe, f"run.folder={tmp_path}")
    assert "<script>alert" not in run.report_file.read_text(encoding="utf-8")


@pytest.mark.thorough
def test_a_data_card_costs_no_look_at_the_test_set(digits: Dataset, tmp_path: Path) -> None:
    splits = split_dataset(digits, validation=200)
    crop = build_augmentation("padded-crop", padding=1)
    page = write_data_card(tmp_path, title="digits", splits=splits, augmentations=[("crop", crop)], seed=0)
    assert splits.test.openings == ()
    text = page.read_text(encoding="utf-8")
    assert splits.train.digest in text
    assert text.count("<img") == 10 + 3  # an image of each class, and three figures


def test_a_data_card_shows_every_augmentation(digits: Dataset, tmp_path: Path) -> None:
    splits = split_dataset(digits, validation=200)
    every = [(name, build_augmentation(name)) for name in AUGMENTATIONS.names()]
    page = write_data_card(tmp_path, title="digits", splits=splits, augmentations=every, seed=0)
    text = page.read_text(encoding="utf-8")
    assert (tmp_path / "augmentations.png").is_file()
    assert all(type(augmentation).__name__ in text for _, augmentation in every)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ([5, 5, 5], "Balanced: every class has 5 training images."),
        ([5, 4, 5], "Balanced: every class has 4 or 5 training images."),
        (
            [5, 90, 5],
            "Unbalanced: from 5 training images (a and c) to 90 (b). "
            "Always saying b would be right for 90.0 % of them.",
        ),
    ],
)
def test_balance_is_judged_over_all_classes(counts: list[int], sentence: str) -> None:
    """A6: the statement looked at class 0 only."""
    assert describe_balance(["a", "b", "c"], counts) == sentence


@needs_official_data
def test_the_card_of_cifar10_warns_of_the_wrong_constants() -> None:
    """D-X-1."""
    from loupe.data.normalization import measure_normalization

    train = load_dataset("cifar10").train
    rows = {row.name: row for row in compare_presets(measure_normalization(train.images))}
    assert rows["cifar10"].verdict == "agrees with the training split"
    assert rows["cifar10-per-image-sd"].is_wrong
    assert rows["cifar10-per-image-sd"].verdict == "std -18 %, -18 %, -23 % against the training split"


@pytest.mark.parametrize(
    ("seconds", "text"), [(7.31, "7.3 s"), (252, "4 min 12 s"), (3600 * 2 + 300, "2 h 05 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
