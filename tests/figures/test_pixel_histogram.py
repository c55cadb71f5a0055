"""The distribution of pixel values: what stands at the ends is seen, and the axis says plain percentages."""

import re

import numpy as np
import pytest
from matplotlib.axes import Axes

from loupe.figures.pixel_histogram import draw_pixel_histogram


def draw(counts: np.ndarray) -> Axes:
    figure = draw_pixel_histogram(counts, [float(one @ np.arange(256) / one.sum()) for one in counts])
    figure.draw_without_rendering()
    return figure.axes[0]


PAPER = np.array([[4800, *[0] * 15, 350] + [20] * 238 + [900]])
LEVELS = np.array([[4800, *([0] * 15 + [300]) * 15, *[0] * 14, 900]])
FLAT = np.tile(np.arange(300, 300 + 256), (3, 1))


@pytest.mark.parametrize("counts", [PAPER, LEVELS, FLAT], ids=["paper", "levels", "colours"])
def test_all_values_lie_within_the_axes_and_ticks_are_plain(counts: np.ndarray) -> None:
    axes = draw(counts)
    assert axes.get_xlim()[0] < 0
    assert axes.get_xlim()[1] > 255
    shares = 100 * counts / counts.sum(1, keepdims=True)
    low, high = axes.get_ylim()
    assert low < shares[shares > 0].min()
    assert high > shares.max()
    ticks = [one for one in axes.get_yticklabels() if low <= one.get_position()[1] <= high]
    assert len(ticks) >= 2
    assert all(re.fullmatch(r"\d+(\.\d+)? %", one.get_text()) for one in ticks)


def test_the_darkest_and_the_lightest_value_have_their_share_beside_them() -> None:
    total = PAPER.sum()
    assert [one.get_text() for one in draw(PAPER).texts] == [
        f"{480000 / total:.0f} %",
        f"{90000 / total:.2g} %",
    ]
    assert len(draw(FLAT).texts) == 0
