"""Figures with a row for each class, of more classes than a page has room for."""

import torch

from loupe.data import ImageDataset
from loupe.figures.class_balance import MOST_CLASSES, draw_class_balance, pick_extremes
from loupe.publishing.class_figures import ClassShares, pick_worst
from loupe.reports.data_card import pick_one_per_class
from loupe.statistics import Interval

NAMES = tuple(f"class {number}" for number in range(300))


def test_classes_with_the_most_and_the_fewest_images_are_drawn() -> None:
    counts = [number % 150 for number in range(300)]
    assert pick_extremes(counts, 4) == [0, 149, 150, 299]
    assert pick_extremes([5, 1, 5], 4) == [0, 1, 2]
    figure = draw_class_balance(NAMES, {"training": counts, "validation": [1] * 300, "test": [0] * 300})
    width, height = figure.get_size_inches()
    assert width == 9
    assert height < 12
    title = figure.get_suptitle()
    assert title == "20 classes with the most and 20 with the fewest, of 300"
    axes = figure.axes[0]
    assert len(axes.get_yticklabels()) == MOST_CLASSES
    assert axes.get_title() == f"training: {sum(counts):,} images", "of all classes"
    few = draw_class_balance(NAMES[:3], {"training": [2, 1, 0]})
    assert few.get_suptitle() == ""


def test_the_classes_with_the_least_f1_are_drawn() -> None:
    def score(index: int) -> ClassShares:
        value = (index * 7 % 300 / 300, Interval(0, 1))
        return ClassShares(NAMES[index], 4, 4, value, value, value if index else None)

    worst = pick_worst([score(index) for index in range(300)])
    assert len(worst) == MOST_CLASSES
    assert worst[0].name == "class 0", "undefined first"
    values = [one.f1[0] for one in worst[1:] if one.f1 is not None]
    assert values == [rank / 300 for rank in range(1, MOST_CLASSES)]


def test_a_class_without_images_has_no_example() -> None:
    pixels = torch.zeros(4, 1, 2, 2, dtype=torch.uint8)
    images = ImageDataset(pixels, torch.tensor([3, 1, 1, 3]), NAMES[:5], "made here")
    sample = pick_one_per_class(images, torch.Generator().manual_seed(0))
    assert images.labels[sample].tolist() == [1, 3]
