"""Pictures as addresses: how wide they have to be so that their type can be read."""

import pytest

from loupe.figures.style import new_axes, new_figure
from loupe.reports.pictures import encode_figure, measure_readable


@pytest.mark.parametrize("dpi", [110, 150])
def test_how_wide_a_picture_is_read_does_not_depend_on_its_dots(dpi: int) -> None:
    figure = new_figure(5, 2)
    new_axes(figure)
    assert measure_readable(encode_figure(figure, dpi)) == pytest.approx(440, abs=1)
