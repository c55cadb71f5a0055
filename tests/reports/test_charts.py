import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loupe.reports.charts import LineChart, Series, draw_line_chart, nice_ticks, smooth


def draw(*values: float | None, **settings: object) -> str:
    x = list(range(1, len(values) + 1))
    return str(
        draw_line_chart(LineChart("Loss", "nats", x, [Series("validation", values, "c1")], **settings))
    )


@given(low=st.floats(-1e4, 1e4), width=st.floats(1e-4, 1e4))
def test_ticks_are_round_numbers_inside_the_range(low: float, width: float) -> None:
    ticks = nice_ticks(low, low + width)
    assert 1 <= len(ticks) <= 8
    assert all(low - 1e-6 * width <= tick <= low + width * (1 + 1e-6) for tick in ticks)


@given(low=st.floats(0.01, 100), width=st.floats(1e-7, 10))
def test_no_two_ticks_are_written_alike(low: float, width: float) -> None:
    """A loss that hardly moves had one number at every line."""
    text = draw(low, low + width)
    labels = re.findall(r"<text[^>]*>([^<]+)</text>", text.partition('<g class="x-ticks">')[0])
    assert len(labels) >= 1
    assert len(set(labels)) == len(labels)
    (low_drawn, high_drawn) = (
        -float(y) for y in re.findall(r"[12],(\S+?)[ \"]", text.partition("points=")[2])[:2]
    )
    assert high_drawn > low_drawn


def test_epochs_get_whole_ticks() -> None:
    assert nice_ticks(0.9, 3.1, whole=True) == [1, 2, 3]
    assert all(tick == int(tick) for tick in nice_ticks(0.5, 450.5, whole=True))


def test_a_chart_starts_at_epoch_one_and_holds_every_value() -> None:
    """G6: x was counted from 0 while its label counted from 1."""
    text = draw(0.5, 0.25, 0.125)
    data = json.loads(re.search(r'data-chart="([^"]+)"', text).group(1).replace("&quot;", '"'))
    assert data["x"] == [1, 2, 3]
    assert data["series"][0]["values"] == [0.5, 0.25, 0.125]
    assert 'points="1,-0.5 2,-0.25 3,-0.125"' in text


@pytest.mark.parametrize("values", [(0.5,), (0.5, 0.5), (None, 0.5), ()])
def test_short_flat_and_empty_curves_are_drawn(values: tuple[float | None, ...]) -> None:
    """G4: a plot of the last 20 epochs failed on shorter runs."""
    assert draw(*values).startswith('<figure class="chart"')


def test_what_is_marked_and_hidden_is_said() -> None:
    text = str(
        draw_line_chart(
            LineChart(
                "Accuracy",
                "%",
                [1, 2],
                [Series("a", [1, 2], "c1"), Series("b", [3, 4], "c2", is_hidden=True)],
                mark=(2, "best epoch 2"),
            )
        )
    )
    assert "best epoch 2" in text
    assert 'aria-pressed="false"' in text
    assert 'aria-label="Accuracy over epoch; at the end: a 2.000, b 4.000"' in text


def test_text_is_escaped() -> None:
    text = str(draw_line_chart(LineChart("<b>", "<i>", [1, 2], [Series("<s>", [1, 2], "c1")])))
    assert "<b>" not in text
    assert "<s>" not in text


def test_the_moving_average_is_centred_and_not_shifted() -> None:
    """D-000-4, G5: the smoothed curve stood four epochs too early."""
    assert smooth([0, 0, 5, 0, 0, 0, 0]) == [None, None, 1, 1, 1, None, None]
    assert smooth([1.0, 2.0]) == [None, None]
