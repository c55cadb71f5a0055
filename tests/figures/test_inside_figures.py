"""Figures of what is inside: what is drawn is what was given, once each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loupe.figures.feature_map_grid import draw_feature_maps, draw_maps_by_class
from loupe.figures.filter_grid import draw_filters
from loupe.figures.mosaic import choose_columns, lay_tiles


@given(
    count=st.integers(1, 60), height=st.integers(1, 9), width=st.integers(1, 9), columns=st.integers(1, 12)
)
def test_every_tile_is_laid_once_in_order(count: int, height: int, width: int, columns: int) -> None:
    """D-002-6: rows were taken for columns, and most tiles were repeats."""
    tiles = np.arange(count)[:, None, None] * np.ones((count, height, width))
    picture = lay_tiles(tiles, columns)
    seen = picture[:: height + 1, :: width + 1].flatten()
    assert seen[~np.isnan(seen)].tolist() == list(range(count))
    assert (~np.isnan(picture)).sum() == count * height * width


def test_columns_make_a_wide_rectangle() -> None:
    assert choose_columns(64, 8, 8) == 11
    assert choose_columns(1, 8, 8) == 1
    assert choose_columns(3, 100, 1) == 3


@pytest.mark.parametrize("own_scale", [False, True])
def test_filters_share_one_scale_unless_asked(own_scale: bool) -> None:
    """D-004-18: each was scaled for itself, and shades were read as weights."""
    weights = np.zeros((4, 1, 3, 3))
    weights[:, 0, 1, 1] = [0.5, -1.0, 0.25, 2.0]
    figure = draw_filters(weights, "conv1", own_scale=own_scale)
    drawn = figure.axes[0].images[0].get_array()
    middles = drawn[1::4, 1::4].compressed().tolist()
    assert middles == ([1.0, -1.0, 1.0, 1.0] if own_scale else [0.25, -0.5, 0.125, 1.0])
    title = " ".join(figure.axes[0].get_title(loc="left").split())
    assert ("on a scale of its own" in title) == own_scale
    assert len(figure.axes) == (1 if own_scale else 2), "a shared scale has its bar"


def test_filters_that_see_colour_are_drawn_in_colour_about_grey() -> None:
    weights = np.zeros((2, 3, 2, 2))
    weights[0, 0] = 4.0
    weights[1, 2] = -4.0
    drawn = draw_filters(weights, "conv1").axes[0].images[0].get_array()
    assert drawn[0, 0].tolist() == [1.0, 0.5, 0.5]
    assert drawn[0, 3].tolist() == [0.5, 0.5, 0.0]


def test_deeper_filters_have_a_row_a_filter_and_say_how_many_channels_are_left_out() -> None:
    figure = draw_filters(np.random.default_rng(0).normal(size=(5, 40, 3, 3)), "conv2")
    assert "5 filters, 16 of 40 input channels" in figure.axes[0].get_title(loc="left")
    assert figure.axes[0].images[0].get_array().shape == (5 * 4 - 1, 16 * 4 - 1)


def test_feature_maps_are_all_there() -> None:
    maps = np.arange(30.0)[:, None, None] * np.ones((30, 4, 4))
    picture = np.zeros((8, 8, 1), np.uint8)
    drawn = draw_feature_maps(picture, maps, "relu1").axes[1].images[0].get_array()
    values = set(drawn.compressed().tolist())
    assert values == set(range(30))
    own = draw_feature_maps(picture, maps, "relu1", own_scale=True)
    assert "each on a scale of its own" in own.axes[1].get_title(loc="left")


def test_maps_by_class_say_which_channels_are_shown() -> None:
    maps = np.random.default_rng(0).random((3, 20, 4, 4))
    pictures = [np.zeros((8, 8, 3), np.uint8)] * 3
    figure = draw_maps_by_class(pictures, maps, "relu1", ["a", "b", "c"])
    assert figure.axes[1].get_title(loc="left").startswith("relu1: channels 0 to 11 of 20")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a", "b", "c"]


def test_channels_in_one_row_have_their_own_numbers() -> None:
    pictures = [np.zeros((8, 8, 1), np.uint8)] * 2
    figure = draw_maps_by_class(pictures, np.random.default_rng(0).random((2, 3, 4, 4)), "relu1", ["a", "b"])
    axes = next(one for one in figure.axes if one.get_title(loc="left"))
    assert [one.get_text() for one in axes.get_xticklabels()] == ["0", "1", "2"]
    several = draw_feature_maps(
        np.zeros((8, 8, 1), np.uint8), np.random.default_rng(0).random((9, 8, 8)), "relu1", "a"
    )
    labels = [one.get_text() for one in several.axes[1].get_xticklabels()]
    assert labels[:2] == ["0", "+1"], "numbers go on from row to row"
