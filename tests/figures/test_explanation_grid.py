from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from loupe.figures.explanation_grid import MapColumn, draw_explanation_grid
from loupe.figures.style import save_figure

IMAGES = np.full((2, 4, 4, 1), 128, dtype=np.uint8)
SIGNED = np.zeros((2, 4, 4))
SIGNED[0, 0, 0], SIGNED[0, 3, 3], SIGNED[1, 0, 0] = 2.0, -1.0, 0.5


def pixels(figure: Figure, place: int) -> np.ndarray:
    """Return what a panel shows; row by row; then come colour bars, the first a blank one."""
    return np.asarray(figure.axes[place].images[0].get_array())


def lightness(colour: np.ndarray) -> float:
    return float(colour @ np.array([0.2126, 0.7152, 0.0722]))


def test_signs_have_colours_of_their_own_that_survive_grey_print() -> None:
    figure = draw_explanation_grid(IMAGES, ["a", "b"], [MapColumn("one", SIGNED, True)], percentile=100)
    shown = pixels(figure, 1)
    positive, negative, zero = shown[0, 0], shown[3, 3], shown[1, 1]
    assert np.ptp(zero) < 0.02  # 0 is grey
    assert positive[0] > positive[2] + 0.1  # for the class: amber
    assert negative[2] > negative[0] + 0.1  # against it: blue
    assert lightness(positive) > lightness(zero) + 0.1
    assert lightness(zero) > lightness(negative) + 0.05


@pytest.mark.thorough
def test_every_map_has_its_own_scale_or_all_share_one_and_the_label_says_so() -> None:
    column = MapColumn("one", SIGNED, True, "drop")
    own = draw_explanation_grid(IMAGES, ["a", "b"], [column], percentile=100)
    np.testing.assert_allclose(pixels(own, 1)[0, 0], pixels(own, 3)[0, 0])
    shared = draw_explanation_grid(IMAGES, ["a", "b"], [column], percentile=100, scale="column")
    assert lightness(pixels(shared, 1)[0, 0]) > lightness(pixels(shared, 3)[0, 0]) + 0.05
    assert "drop\neach map its own scale" in own.axes[-1].get_xlabel()
    assert "drop\none scale for all maps" in shared.axes[-1].get_xlabel()
    assert [text.get_text() for text in shared.axes[-1].get_xticklabels()] == ["−2", "0", "+2"]
    clipped = draw_explanation_grid(IMAGES, ["a", "b"], [column], percentile=95)
    assert "95 % quantile" in clipped.axes[-1].get_xlabel()


@pytest.mark.parametrize("channels", [1, 3])
def test_titles_pictures_and_empty_maps(channels: int, tmp_path: Path) -> None:
    images = np.arange(2 * 16 * channels, dtype=np.uint8).reshape(2, 4, 4, channels)
    maps = np.stack([np.zeros((4, 4)), np.eye(4)])
    columns = [MapColumn("grad-cam", maps, False), MapColumn("occlusion", maps - 0.5, True)]
    figure = draw_explanation_grid(images, ["cat 0.93", "dog 0.41"], columns)
    titles = [axes.get_title() for axes in figure.axes[:6]]
    assert titles == ["cat 0.93", "grad-cam", "occlusion", "dog 0.41", "", ""]
    assert figure.axes[1].get_xlabel() == "zero everywhere"
    assert figure.axes[4].get_xlabel() == ""
    np.testing.assert_array_equal(pixels(figure, 3), images[1, ..., 0] if channels == 1 else images[1])
    assert [text.get_text() for text in figure.axes[7].get_xticklabels()] == ["0", "1"]
    save_figure(figure, tmp_path / "grid.png")
    assert (tmp_path / "grid.png").stat().st_size > 0
    bottoms = [axes.get_position().y0 for axes in figure.axes[:3]]
    assert max(bottoms) - min(bottoms) < 0.01  # picture and maps stand in line


def test_the_picture_shows_through() -> None:
    halves = IMAGES.copy()
    halves[:, :2] = 0
    shown = pixels(draw_explanation_grid(halves, ["", ""], [MapColumn("one", SIGNED, True)]), 1)
    assert lightness(shown[2, 0]) > lightness(shown[1, 1]) + 0.05
