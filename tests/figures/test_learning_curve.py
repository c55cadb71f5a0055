from matplotlib.figure import Figure

from loupe.figures.learning_curve import Law, draw_learning_curve


def draw(low: float = 2.0) -> Figure:
    law = Law(
        sizes=[1000, 2000, 4000],
        errors=[[16.0, 17.0], [8.0, 9.0], [low, 5.0]],
        x=[1000, 2000, 4000, 6000, 8000],
        curve=[16, 8, 4, 3, 2.5],
        lows=[15, 7, 3, 2, 0],
        highs=[17, 9, 5, 4, 3.5],
    )
    return draw_learning_curve({"plain": law}, y_label="test error (%)")


def test_runs_curve_and_prediction_are_drawn_on_logarithmic_scales() -> None:
    (axes,) = draw().axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    measured, beyond, *points, bar, end, _ = axes.get_lines()
    assert list(measured.get_xdata()) == [1000, 2000, 4000]
    assert list(beyond.get_xdata()) == [4000, 6000, 8000]
    assert (measured.get_linestyle(), beyond.get_linestyle()) == ("-", "--")
    assert [list(one.get_ydata()) for one in points] == [[16, 17], [8, 9], [2, 5]]
    assert list(bar.get_ydata()) == [0, 3.5]
    assert (list(end.get_xdata()), list(end.get_ydata())) == ([8000], [2.5])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1,000", "2,000", "4,000", "8,000"]


def test_a_law_that_predicts_nothing_ends_with_its_runs() -> None:
    law = Law([100, 200], [[5.2], [4.1]], [100, 200], [5.2, 4.1], [5.1, 4.0], [5.3, 4.2])
    (axes,) = draw_learning_curve({"bent": law}, y_label="test error (%)").axes
    drawn = [value for line in axes.get_lines() for value in line.get_xdata()]
    assert max(drawn) == 200
    assert [text.get_text() for text in axes.get_xticklabels()] == ["100", "200"]


def test_an_error_of_0_does_not_stretch_the_scale() -> None:
    (axes,) = draw(low=0.0).axes
    assert axes.get_ylim() == (0.9 * 2.5, 1.1 * 17)
    assert list(axes.get_yticks()) == [3, 4, 6, 8, 10, 15]


def test_errors_that_hardly_differ_have_ticks_too() -> None:
    law = Law([100, 200], [[5.2], [5.1]], [100, 200, 400], [5.2, 5.1, 5.05], [5.2, 5.1, 5.0], [5.2, 5.1, 5.1])
    (axes,) = draw_learning_curve({"plain": law}, y_label="test error (%)").axes
    assert list(axes.get_yticks()) == [4.75, 5.0, 5.25, 5.5]
