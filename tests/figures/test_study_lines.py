import pytest

from loupe.figures.study_lines import Band, draw_study_lines


@pytest.mark.parametrize("x", [[1, 2, 3], [0.05, 0.5, 1]], ids=["whole", "shares"])
def test_whole_numbers_have_whole_ticks(x: list[float]) -> None:
    figure = draw_study_lines(
        {"width 8": {"one": Band(x, [70, 78, 81], [69, 77, 80], [71, 79, 82])}},
        x_label="blocks",
        y_label="accuracy (%)",
    )
    (axes,) = figure.axes
    figure.canvas.draw()
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert len(ticks) >= 3
    assert all(float(tick).is_integer() for tick in ticks) == (x == [1, 2, 3])
