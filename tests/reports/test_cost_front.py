"""Accuracy against cost: which panels there are, who is named, what the picture holds."""

from itertools import combinations, pairwise

import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.text import Text

from loupe.figures.cost_front import CostPanel, CostPoint, count_unnamed, draw_cost_front
from loupe.figures.presentation import StyleName, present
from loupe.figures.style import BLUE, GREY
from loupe.metrics import headline_of
from loupe.reports.cost_front import Cost, Costed, draw_front, write_cost
from loupe.statistics import Interval

ACCURACY = headline_of("classification")


def make(name: str, score: float, reach: float = 0.01, **costs: float | None) -> Costed:
    known: dict[Cost, float | None] = {"parameters": None, "multiply_adds": None, "seconds": None}
    known.update(costs)  # type: ignore[typeddict-item,call-arg]  # names of costs
    return Costed(name, score, Interval(score - reach, score + reach), known)


def test_each_cost_has_a_panel_and_a_sentence_of_its_own() -> None:
    front = draw_front(
        [
            make("small", 0.90, parameters=1_000, multiply_adds=5e6, seconds=30),
            make("large", 0.95, parameters=20_000, multiply_adds=6e7, seconds=20),
            make("worse", 0.93, parameters=30_000, multiply_adds=7e7, seconds=25),
        ],
        ACCURACY,
        "validation",
    )
    assert front is not None
    by_parameters, by_arithmetic, by_time = front.sentences
    assert by_parameters == (
        "By parameters, small (90.00 % at 1,000) and large (95.00 % at 20,000) are not beaten: no other "
        "is as good for as little."
    )
    assert "small (90.00 % at 5 million) and large (95.00 % at 60 million)" in by_arithmetic
    assert by_time.startswith("By seconds of training, large (95.00 % at 20 s) is not beaten")
    assert [axes.get_xlabel() for axes in front.figure.axes] == [
        "parameters",
        "multiply-adds of an image",
        "seconds of training",
    ]
    assert front.figure.axes[0].get_ylabel() == "validation accuracy (%)"
    named = {text.get_text(): to_hex(text.get_color()) for text in front.figure.axes[0].texts}
    assert named == {"small": "#000000", "large": "#000000", "worse": GREY}


def test_a_gain_within_the_intervals_is_called_that() -> None:
    networks = [make("small", 0.90, parameters=10), make("large", 0.91, parameters=20)]
    front = draw_front(networks, ACCURACY, "validation")
    assert front is not None
    assert front.sentences[0].endswith("What is gained lies within the intervals: large on small.")


def test_what_costs_the_same_has_no_panel_and_what_is_not_known_is_said() -> None:
    same = [make("one", 0.9, parameters=10, seconds=10), make("two", 0.95, parameters=10, seconds=12)]
    assert draw_front(same, ACCURACY, "validation") is None
    assert draw_front(same[:1], ACCURACY, "validation") is None
    front = draw_front([*same, make("three", 0.8, parameters=5), make("old", 0.9)], ACCURACY, "validation")
    assert front is not None
    assert front.sentences[0].endswith("Of 1 other this cost is not on record.")


def test_an_error_is_better_below() -> None:
    metric = headline_of("reconstruction")
    networks = [make("small", 0.02, 0.001, parameters=10), make("large", 0.01, 0.001, parameters=20)]
    front = draw_front([*networks, make("worse", 0.015, 0.001, parameters=30)], metric, "test")
    assert front is not None
    assert "small" in front.sentences[0]
    assert "large" in front.sentences[0]
    assert "worse" not in front.sentences[0]


def test_the_picture_has_intervals_and_steps() -> None:
    points = [CostPoint("a", 1, 90, 89, 91, True), CostPoint("b", 10, 95, None, None, True)]
    points.append(CostPoint("c", 100, 92, 91, 93, False))
    figure = draw_cost_front([CostPanel("parameters", points)], score_label="accuracy (%)")
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    drawn = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_marker() == "None"]
    bars = [line for line in drawn if line.get_drawstyle() == "default"]
    assert [tuple(line.get_ydata()) for line in bars] == [(91, 93), (89, 91)]
    assert [to_hex(line.get_color()) for line in bars] == [GREY, BLUE]
    assert any(line.get_drawstyle() == "steps-post" for line in axes.lines)


@pytest.mark.parametrize(
    "costs",
    [
        (1_610_000, 1_880_000),
        (410_000, 450_000),
        (1.06, 1.33),
        (7.1, 9.9),
        (999, 1001),
        (5, 5e7),
        (0.02, 0.3),
        (2, 4),
    ],
)
def test_an_axis_of_costs_has_several_numbers(costs: tuple[float, float]) -> None:
    points = [CostPoint("a", costs[0], 90, None, None, True), CostPoint("b", costs[1], 91, None, None, True)]
    figure = draw_cost_front([CostPanel("seconds", points)], score_label="accuracy (%)")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    low, high = axes.get_xlim()
    labels = [label for label in axes.get_xticklabels() if low <= label.get_position()[0] <= high]
    assert 3 <= len(labels) <= 9
    assert len({label.get_text() for label in labels}) == len(labels)
    boxes = [label.get_window_extent() for label in labels]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


CROWDED = [
    [(f"width {width}, depth {depth}", 1e4 * width * (1 + 0.03 * depth), 88 + 0.4 * width + 0.2 * depth,
      depth == 2) for width in (1, 2, 3) for depth in (0, 1, 2)],
    [("mlp-small", 4.1e5, 90.0, True), ("mlp-medium-plain", 4.2e5, 90.15, True),
     ("mlp-medium-drop", 4.3e5, 90.3, True), ("cnn-three-layers", 4.4e5, 90.4, True),
     ("cnn-four-layers", 4.5e5, 90.5, True)],
    [(f"one of many seeds, {number}", 1e6 * 1.004**number, 90 + 0.01 * number, True) for number in range(9)],
]  # fmt: skip


@pytest.mark.parametrize("kinds", [[0], [1], [2], [0, 1, 2]])
@pytest.mark.parametrize("style", [None, "paper", "slides"])
def test_names_of_points_lie_on_no_other(kinds: list[int], style: StyleName | None) -> None:
    panels = [
        CostPanel(
            "parameters", [CostPoint(name, x, y, y - 0.3, y + 0.3, front) for name, x, y, front in points]
        )
        for points in (CROWDED[kind] for kind in kinds)
    ]
    figure = draw_cost_front(panels, score_label="accuracy (%)")
    if style is not None:
        figure = present(figure, style)
    figure.draw_without_rendering()
    for axes, panel in zip(figure.axes, panels, strict=True):
        boxes = [Text.get_window_extent(text) for text in axes.texts]  # without the line to the point
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
        for point in panel.points:
            middle = axes.transData.transform((point.cost, point.score))
            assert not any(box.contains(*middle) for box in boxes)
        assert len(boxes) >= 3


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (4.256, "4.26"),
        (999.6, "1,000"),
        (1234.0, "1,234"),
        (12_300_000, "12.3 million"),
        (5.1e9, "5.1 billion"),
    ],
)
def test_costs_are_written_with_three_digits(cost: float, text: str) -> None:
    assert write_cost(cost) == text


def draw(*points: tuple[str, float, float, float, float, bool]) -> Axes:
    panel = CostPanel("seconds", [CostPoint(*one) for one in points])
    figure = draw_cost_front([panel], score_label="accuracy (%)")
    figure.draw_without_rendering()
    return figure.axes[0]


def test_names_are_written_whole_where_there_is_room_beside_no_line() -> None:
    names = ["without at fraction 0.25", "without at fraction 0.5", "without at fraction 1"]
    axes = draw(
        *((name, 10.0**at, 40 + 20 * at, 39 + 20 * at, 41 + 20 * at, True) for at, name in enumerate(names))
    )
    assert {text.get_text() for text in axes.texts} == set(names)
    (steps,) = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    corners = axes.transData.transform(steps.get_path().vertices)
    for text in axes.texts:
        box = Text.get_window_extent(text)
        for (x, y), (u, _) in pairwise(corners):
            assert not (box.y0 < y < box.y1 and box.x0 < u and x < box.x1), text.get_text()


def test_points_that_lie_on_each_other_are_both_named() -> None:
    wide = (0.0, 100.0)
    axes = draw(
        ("without", 3.76, 72.5, *wide, True),
        ("with", 3.77, 72.4, *wide, False),
        ("cheap", 1, 50, *wide, True),
    )
    assert sorted(text.get_text() for text in axes.texts) == ["cheap", "without\nwith"]
    assert count_unnamed(axes.figure) == [0]  # type: ignore[arg-type]  # no subfigure


def test_points_without_a_name_are_counted() -> None:
    networks = [make(f"trial {number}", 0.9 - 0.001 * number, parameters=10 + number) for number in range(20)]
    front = draw_front(networks, ACCURACY, "validation")
    assert front is not None
    assert front.sentences[0].endswith("19 points of the picture have no name.")
