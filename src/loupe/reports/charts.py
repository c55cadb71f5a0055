"""Line charts as inline SVG; a little script in the page adds hover, show and hide, and zoom.

The curves lie in an inner <svg> whose viewBox is the data range, so that zooming is a change of
viewBox; strokes keep their width (`non-scaling-stroke`). Without the script the chart is complete.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from markupsafe import Markup

from loupe.metrics import Metric

_WIDTH, _HEIGHT = 640, 300
_RIGHT, _TOP, _BOTTOM = 12, 12, 42
_LEAST_LEFT, _LEFT_OF_TICKS, _LETTER = 58, 24, 10.5  # a letter as wide as it is on a narrow screen
_MOST_DOTTED = 40  # points; longer curves show no dots
_NUM_DASHES = 5  # of charts.css, as many as colours
_CURVE_KEY = (
    '<svg class="curve-key" viewBox="0 0 24 6" aria-hidden="true"><line x1="0" x2="24" y1="3" y2="3"/></svg>'
)


@dataclass(frozen=True)
class Series:
    """One curve: a value for each x, None where there is none; what is no number is none.

    Args:
        name: for the legend.
        values: as many as the chart has x values.
        colour: CSS class of the curve, `c1` … `c5`, defined in charts.css.
        is_dashed: whether it has dashes, and those of the chart that do not say so have none; where none says
            so, each has dashes of its own.
        is_hidden: shown only after a click on the legend.
        band: lower and upper ends of a shaded band, as many as values; None where there is none.
    """

    name: str
    values: Sequence[float | None]
    colour: str
    is_dashed: bool = False
    is_hidden: bool = False
    band: tuple[Sequence[float | None], Sequence[float | None]] | None = None

    def __post_init__(self) -> None:
        cleaned = [value if value is not None and math.isfinite(value) else None for value in self.values]
        object.__setattr__(self, "values", cleaned)

    @property
    def all_values(self) -> list[float]:
        """Every number that is drawn: of the curve and of its band."""
        lines = (self.values, *(self.band or ()))
        return [value for line in lines for value in line if value is not None]


@dataclass(frozen=True)
class LineChart:
    """Curves over x values, such as epochs.

    Args:
        title: heading of the chart.
        y_label: quantity and unit of the vertical axis.
        x: numbers, ascending; ticks are whole numbers if these all are.
        series: the curves.
        scale: factor from values to what is written on the axis (100 for percentages).
        digits: decimals of written values.
        mark: an x to mark with a vertical line, and its label.
        zero_line: draw a line at zero, and keep zero in view.
        x_label: quantity of the horizontal axis.
    """

    title: str
    y_label: str
    x: Sequence[float]
    series: Sequence[Series]
    scale: float = 1.0
    digits: int = 3
    mark: tuple[int, str] | None = None
    zero_line: bool = False
    x_label: str = "epoch"

    @property
    def is_whole(self) -> bool:
        """Whether x counts something."""
        return all(float(x).is_integer() for x in self.x)


def name_loss(is_classifier: bool) -> str:
    """Return what the loss of a network is, for the axis of a chart."""
    return "negative log likelihood (nats)" if is_classifier else "mean squared error per pixel"


def chart_metric(
    title: str, metric: Metric, x: Sequence[float], series: Sequence[Series], **more: Any
) -> LineChart:
    """Return the chart of a metric, with its label, scale and digits; `more` are further fields."""
    return LineChart(title, metric.label, x, series, scale=metric.scale, digits=metric.digits, **more)


def draw_line_chart(chart: LineChart) -> Markup:
    """Return the chart as an HTML <figure>."""
    low, high = _value_range(chart)
    first, last = _x_range(chart)
    left = _find_left(chart, low, high)
    plot_width, plot_height = _WIDTH - left - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    parts = [
        f'<figure class="chart" data-chart="{escape(_describe(chart, low, high))}">',
        f"<figcaption>{escape(chart.title)}</figcaption>",
        _draw_legend(chart),
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(_summarise(chart))}">',
        '<g class="y-ticks">',
    ]
    for tick in nice_ticks(low, high):
        y = _TOP + plot_height * (high - tick) / (high - low)
        parts.append(
            f'<line class="grid" x1="{left}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{_write(tick, chart)}</text>'
        )
    parts.append('</g><g class="x-ticks">')
    for tick in nice_ticks(first, last, whole=chart.is_whole):
        x = left + plot_width * (tick - first) / (last - first)
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{tick:g}</text>')
    parts.append(
        f'</g><text class="axis" x="{left + plot_width / 2}" y="{_HEIGHT - 6}" text-anchor="middle">'
        f"{escape(chart.x_label)}</text>"
        f'<text class="axis" transform="translate(13 {_TOP + plot_height / 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(chart.y_label)}</text>'
        f'<svg class="plot" x="{left}" y="{_TOP}" width="{plot_width}" height="{plot_height}" '
        f'viewBox="{first} {-high} {last - first} {high - low}" preserveAspectRatio="none">'
    )
    if chart.zero_line:
        parts.append('<line class="zero" x1="-1e6" x2="1e6" y1="0" y2="0"/>')
    if chart.mark is not None:
        parts.append(f'<line class="mark" x1="{chart.mark[0]}" x2="{chart.mark[0]}" y1="-1e6" y2="1e6"/>')
    parts += [_draw_series(chart, index) for index in range(len(chart.series))]
    parts.append('<line class="cursor" x1="0" x2="0" y1="-1e6" y2="1e6" visibility="hidden"/>')
    parts.append(
        f'</svg><rect class="frame" x="{left}" y="{_TOP}" width="{plot_width}" height="{plot_height}"/>'
    )
    parts.append('</svg><div class="readout" hidden></div></figure>')
    return Markup("".join(parts))


def smooth(values: Sequence[float], window: int = 5) -> list[float | None]:
    """Return the centred moving average; None where the window reaches past an end."""
    half = window // 2
    return [
        sum(values[i - half : i + half + 1]) / window if half <= i < len(values) - half else None
        for i in range(len(values))
    ]


def nice_ticks(low: float, high: float, *, whole: bool = False, most: int = 6) -> list[float]:
    """Return round numbers in [low, high], about `most` of them; whole numbers only if so wished."""
    rough = (high - low) / most
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= rough)
    step = max(1.0, round(step)) if whole else step
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _value_range(chart: LineChart) -> tuple[float, float]:
    shown = [one for one in chart.series if not one.is_hidden] or chart.series
    values = [value for one in shown for value in one.all_values]
    values = (values or [0.0]) + ([0.0] if chart.zero_line else [])
    low, high = min(values), max(values)
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 0.05
    return low - margin, high + margin


def _x_range(chart: LineChart) -> tuple[float, float]:
    first, last = (chart.x[0], chart.x[-1]) if chart.x else (0, 1)
    margin = 0.02 * (last - first) or 0.5
    return first - margin, last + margin


def _draw_series(chart: LineChart, index: int) -> str:
    series = chart.series[index]
    points = [(x, -y) for x, y in zip(chart.x, series.values, strict=True) if y is not None]
    line = " ".join(f"{x},{y:.9g}" for x, y in points)
    dots = "".join(f"M{x} {y:.9g}h0" for x, y in points) if len(points) <= _MOST_DOTTED else ""
    classes = f"series {_style(chart, index)}"
    hidden = ' visibility="hidden"' if series.is_hidden else ""
    return (
        f'<g class="{classes}" data-series="{index}"{hidden}>{_draw_band(chart.x, series)}'
        f'<polyline points="{line}"/>'
        f'<path class="dots" d="{dots}"/></g>'
    )


def _style(chart: LineChart, index: int) -> str:
    """Return the classes of a curve: its colour, and dashes of its own where nobody chose them."""
    series = chart.series[index]
    if any(one.is_dashed for one in chart.series):
        return series.colour + (" dashed" if series.is_dashed else "")
    place = (index + index // _NUM_DASHES) % _NUM_DASHES  # where colours come again, dashes are others
    return series.colour + (f" dashes-{place + 1}" if place else "")


def _draw_band(x: Sequence[float], series: Series) -> str:
    if series.band is None:
        return ""
    lows, highs = series.band
    ends = [(a, b, c) for a, b, c in zip(x, lows, highs, strict=True) if b is not None and c is not None]
    corners = [(a, -high) for a, _, high in ends] + [(a, -low) for a, low, _ in reversed(ends)]
    return f'<polygon class="band" points="{" ".join(f"{a},{b:.9g}" for a, b in corners)}"/>'


def _draw_legend(chart: LineChart) -> str:
    parts = []
    for index, one in enumerate(chart.series):
        classes = _style(chart, index)
        pressed = "false" if one.is_hidden else "true"
        parts.append(
            f'<button type="button" class="{classes}" data-series="{index}" aria-pressed="{pressed}">'
            f"{_CURVE_KEY}{escape(one.name)}</button>"
        )
    if chart.mark is not None:
        parts.append(f'<span class="mark-label"><i></i>{escape(chart.mark[1])}</span>')
    parts.append('<button type="button" class="reset" hidden>whole range</button>')
    return f'<div class="legend">{"".join(parts)}</div>'


def _find_left(chart: LineChart, low: float, high: float) -> int:
    """Return where the plot begins: right of the longest number on the axis, and of the axis' name."""
    longest = max((len(_write(tick, chart)) for tick in nice_ticks(low, high)), default=0)
    return max(_LEAST_LEFT, round(_LEFT_OF_TICKS + _LETTER * longest))


def _write(value: float, chart: LineChart) -> str:
    return f"{value * chart.scale:.12g}"  # ticks are round: no more digits than tell them apart


def _summarise(chart: LineChart) -> str:
    """Return the last value of each curve, for those who hear the chart."""
    ends = [
        f"{one.name} {one.values[-1] * chart.scale:.{chart.digits}f}"
        for one in chart.series
        if one.values and one.values[-1] is not None
    ]
    return f"{chart.title} over {chart.x_label}; at the end: {', '.join(ends)}"


def _find_ends(series: Series) -> list[list[float | None]]:
    return [list(line) for line in series.band] if series.band is not None else []


def _describe(chart: LineChart, low: float, high: float) -> str:
    first, last = _x_range(chart)
    left = _find_left(chart, low, high)
    return json.dumps(
        {
            "x": list(chart.x),
            "xLabel": chart.x_label,
            "whole": chart.is_whole,
            "series": [
                {"name": one.name, "values": list(one.values), "ends": _find_ends(one)}
                for one in chart.series
            ],
            "scale": chart.scale,
            "digits": chart.digits,
            "zeroLine": chart.zero_line,
            "range": [first, last, low, high],
            "plot": [left, _TOP, _WIDTH - left - _RIGHT, _HEIGHT - _TOP - _BOTTOM],
        }
    )
