"""Figures with a row for each class, of more classes than a page has room for."""

from itertools import pairwise

import numpy as np
import torch

from loupe.data import ImageDataset
from loupe.figures.class_balance import MOST_CLASSES, draw_class_balance, pick_extremes
from loupe.figures.image_grid import draw_image_grid
from loupe.figures.image_map import draw_image_map
from loupe.publishing.class_figures import ClassShares, pick_worst
from loupe.reports.data_card import pick_one_per_class
from loupe.statistics import Interval

NAMES = tuple(f"class {number}" for number in range(300))


def test_classes_with_the_most_and_the_fewest_images_are_drawn() -> None:
    counts = [number % 150 for number in range(300)]
    assert pick_extremes(counts, 4) == [149, 299, 0, 150]
    assert pick_extremes([5, 1, 5], 4) == [0, 1, 2]
    figure = draw_class_balance(NAMES, {"training": counts, "validation": [1] * 300, "test": [0] * 300})
    width, height = figure.get_size_inches()
    assert 8 < width < 9
    assert height < 12
    title = figure.get_suptitle()
    assert title == "20 classes with the most and 20 with the fewest training images, of 300,\nmost first"
    axes = figure.axes[0]
    assert len(axes.get_yticklabels()) == MOST_CLASSES
    assert axes.get_title() == f"training:\n{sum(counts):,} images", "of all classes"
    few = draw_class_balance(NAMES[:3], {"training": [2, 1, 0]})
    assert few.get_suptitle() == ""


def test_a_long_name_leaves_the_panels_of_a_class_balance_their_room() -> None:
    long = "ein sehr langer Klassenname der wirklich nicht mehr aufhört und noch weiter geht"
    counts = {"training": [2161, 8], "validation": [249, 2], "test": [593, 10]}
    figure = draw_class_balance(("a", long), counts)
    figure.draw_without_rendering()
    titles = [axes.title.get_window_extent() for axes in figure.axes]
    assert all(left.x1 < right.x0 for left, right in pairwise(titles))
    assert titles[-1].x1 < figure.bbox.x1
    assert max(len(one.get_text()) for one in figure.axes[0].get_yticklabels()) <= 32


def test_titles_of_images_side_by_side_do_not_run_together() -> None:
    titles = [f"{number}: Glyph {number} in einer Farbe, die lang heißt" for number in range(5)]
    figure = draw_image_grid(np.zeros((5, 8, 8, 1), np.uint8), titles, columns=5)
    figure.draw_without_rendering()
    boxes = [axes.title.get_window_extent() for axes in figure.axes]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert figure.axes[0].get_title() == "0: Glyph 0 i…lang heißt"


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


def test_a_map_names_the_classes_with_the_most_images() -> None:
    labels = [*range(300), *range(200, 240)]
    positions = np.stack([np.arange(340), np.arange(340) % 9], 1).astype(float)
    figure = draw_image_map(positions, labels, [False] * 339 + [True], NAMES, ("x", "y"))
    (axes,) = figure.axes
    legend = axes.get_legend()
    assert legend is not None
    shown = [one.get_text() for one in legend.get_texts()]
    assert shown[:MOST_CLASSES] == [f"class {label}" for label in range(200, 240)]
    assert sorted(shown[MOST_CLASSES:]) == ["260 others, with no more images", "taken for another"]
