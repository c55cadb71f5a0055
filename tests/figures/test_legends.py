"""Curves of many names: no two look alike, and their legend lies on none of them."""

import io
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loupe.figures.learning_curve import Law, draw_learning_curve
from loupe.figures.line_chart import Curve, draw_lines
from loupe.figures.study_lines import Band, draw_study_lines
from loupe.figures.style import new_axes, new_figure, place_legend, save_figure

X = [1, 2, 4, 8]


def draw_curves(count: int) -> Figure:
    curves = [Curve(f"arm {one}", [one + 1 / x for x in X]) for one in range(count)]
    return draw_lines(X, curves, x_label="epoch", y_label="loss")


def draw_bands(count: int) -> Figure:
    bands = {f"arm {one}": Band(X, X, X, X) for one in range(count)}
    return draw_study_lines({"": bands}, x_label="width", y_label="accuracy (%)")


def draw_laws(count: int) -> Figure:
    laws = {f"arm {one}": Law([1, 2, 4], [[8], [4], [2]], X, [8, 4, 2, 1], X, X) for one in range(count)}
    return draw_learning_curve(laws, y_label="error (%)")


KINDS = [draw_curves, draw_bands, draw_laws]


def look_of(axes: Axes) -> list[tuple[object, ...]]:
    handles: list[Any] = axes.get_legend_handles_labels()[0]
    return [(one.get_color(), one.get_linestyle(), one.get_marker()) for one in handles]


@pytest.mark.parametrize("draw", KINDS)
def test_no_two_of_twenty_curves_look_alike_nor_two_of_five_without_colour(
    draw: Callable[[int], Figure],
) -> None:
    (axes,) = draw(20).axes
    assert len(set(look_of(axes))) == 20
    assert len({(line, marker) for _, line, marker in look_of(axes)[:5]}) == 5


def test_a_curve_beside_another_has_its_colour_and_other_dashes() -> None:
    curves = []
    for arm in range(6):
        curves += [Curve(f"{arm}, validation", X), Curve(f"{arm}, training", X, beside=f"{arm}, validation")]
    (axes,) = draw_lines(X, curves, x_label="epoch", y_label="loss").axes
    looks = look_of(axes)
    assert len(set(looks)) == 12
    for validation, training in zip(looks[::2], looks[1::2], strict=True):
        assert (validation[0], validation[2]) == (training[0], training[2])
    assert len({line for _, line, _ in looks[::2]}) == len({line for _, line, _ in looks[1::2]}) == 1
    assert looks[0][1] != looks[1][1]


@pytest.mark.parametrize("draw", KINDS)
def test_a_legend_of_many_names_stands_beside_the_axes(draw: Callable[[int], Figure]) -> None:
    for count, is_beside in ((4, False), (5, True)):
        figure = draw(count)
        figure.draw_without_rendering()
        (axes,) = figure.axes
        legend = axes.get_legend()
        assert legend is not None
        assert bool(legend.get_window_extent().x0 >= axes.get_window_extent().x1) is is_beside
        assert legend.get_window_extent().x1 <= figure.bbox.x1 + 1


def test_panels_share_one_legend_and_name_their_axes_at_the_edges() -> None:
    bands = {f"arm {one}": Band(X, X, X, X) for one in range(6)}
    figure = draw_study_lines({f"width {one}": bands for one in range(5)}, x_label="rate", y_label="loss")
    assert [bool(axes.get_ylabel()) for axes in figure.axes] == [True, False, False, True, False]
    assert [bool(axes.get_xlabel()) for axes in figure.axes] == [False, False, True, True, True]
    assert [axes.get_legend() for axes in figure.axes] == [None] * 5
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 6


def test_a_legend_of_hundreds_names_the_first_and_counts_the_others() -> None:
    figure = new_figure(6, 5)
    axes = new_axes(figure)
    for number in range(300):
        axes.plot([0, 1], [number, number], label=f"class {number}")
    place_legend(axes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as: there is no room for the axes
        save_figure(figure, io.BytesIO())
    legend = axes.get_legend()
    assert legend is not None
    names = [text.get_text() for text in legend.get_texts()]
    assert names == [*(f"class {number}" for number in range(30)), "… and 270 others"]
