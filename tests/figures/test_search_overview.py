from hypothesis import given
from hypothesis import strategies as st

from loupe.figures.search_overview import Point, Scale, draw_search_overview, find_limits

SCALES = {
    "optimizer": Scale(names=("adam", "sgd")),
    "rate": Scale(is_log=True),
    "momentum": Scale(),
    "width": Scale(is_whole=True),
}


def make_points() -> list[Point]:
    points = []
    for number in range(12):
        values: dict[str, float | str] = {
            "optimizer": "sgd" if number % 3 == 0 else "adam",
            "rate": 10.0**-number,
        }
        values |= {"momentum": 0.5} if number % 3 == 0 else {}
        points.append(Point(number, 90 + number / 2, number % 4 == 3, 0, {**values, "width": number}))
    return points


def test_every_parameter_has_a_slice_with_the_trials_it_applies_to() -> None:
    figure = draw_search_overview(
        make_points(),
        SCALES,
        {"rate": (0.7, 0.4, 0.8), "width": (0.3, 0.2, 0.6)},
        score_label="accuracy (%)",
        is_maximised=True,
        winner=10,
    )
    over_time, importance, *slices = figure.axes
    assert over_time.get_ylabel() == "accuracy (%)"
    assert [bar.get_width() for bar in importance.patches] == [70, 30]
    assert [axes.get_xlabel() for axes in slices] == list(SCALES)
    drawn = {axes.get_xlabel(): sum(len(one.get_offsets()) for one in axes.collections) for axes in slices}
    assert drawn == {"optimizer": 13, "rate": 13, "momentum": 4, "width": 13}  # the winner has its star too
    assert slices[1].get_xscale() == "log"
    (line,) = over_time.get_lines()
    assert list(line.get_ydata()) == [90, 90.5, 91, 92, 92.5, 93, 94, 94.5, 95, 95]


def test_without_a_finished_trial_or_importance_there_is_still_a_figure() -> None:
    points = [Point(0, 0.3, True, 0, {"rate": 0.1})]
    figure = draw_search_overview(
        points, SCALES, {}, score_label="loss", is_maximised=False, importance_note="too few"
    )
    assert figure.axes[1].texts[0].get_text() == "too few"


@given(st.lists(st.floats(0, 100, width=32), min_size=1, max_size=20), st.booleans())
def test_the_best_and_the_median_are_inside_the_scale(scores: list[float], is_maximised: bool) -> None:
    limits = find_limits(scores, is_maximised)
    assert limits is not None
    low, high = limits
    assert low < high
    best = max(scores) if is_maximised else min(scores)
    assert low <= best <= high
    assert low <= sorted(scores)[len(scores) // 2] <= high
