import numpy as np
import pytest
import torch

from loupe.data import Dataset
from loupe.using.drawing import DrawingStyle, fit_drawing, measure_style

BOARD = np.zeros((280, 280), np.uint8)
BOARD[100:200, 30:80] = 255


def test_the_style_of_digits_is_measured(digits: Dataset) -> None:
    style = measure_style(digits.train.images)
    assert style.is_light_on_dark
    assert (style.height, style.width) == (1.0, 0.75)
    upside = measure_style(255 - digits.train.images)
    assert not upside.is_light_on_dark
    assert (upside.height, upside.width) == (1.0, 0.75)


def test_a_drawing_comes_to_the_middle_in_its_proportions() -> None:
    image = fit_drawing(BOARD, (20, 20), DrawingStyle(True, height=0.5, width=0.5))
    rows, columns = ((image[0] > 128).any(axis).nonzero().flatten().tolist() for axis in (1, 0))
    assert (rows[0], rows[-1]) == (5, 14)
    assert (columns[0], columns[-1]) == (7, 11)


@pytest.mark.parametrize("size", [(8, 8), (28, 28), (7, 13)])
def test_thin_strokes_become_as_thick_as_usual(size: tuple[int, int]) -> None:
    thin = np.zeros((280, 280), np.uint8)
    thin[40:240, 138:142] = 255
    style = DrawingStyle(True, 1.0, 0.75, ink=77)
    assert fit_drawing(thin, size, style).float().mean() >= 0.5 * 77
    assert fit_drawing(thin, size, style).shape == (1, *size)


def test_an_empty_board_is_background() -> None:
    assert fit_drawing(BOARD * 0, (8, 8), DrawingStyle(True)).sum() == 0
    assert torch.equal(
        fit_drawing(BOARD * 0, (8, 8), DrawingStyle(False)), torch.full((1, 8, 8), 255, dtype=torch.uint8)
    )


def test_dark_sets_get_dark_ink() -> None:
    light = fit_drawing(BOARD, (8, 8), DrawingStyle(True, 1.0, 0.75))
    assert torch.equal(fit_drawing(BOARD, (8, 8), DrawingStyle(False, 1.0, 0.75)), 255 - light)
