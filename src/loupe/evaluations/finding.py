"""What an evaluation returns: a sentence, numbers, and blocks that a page can draw without the network."""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from torch import Tensor

from loupe.errors import LoupeError
from loupe.metrics.metric import PERCENT, MetricValue, write_number
from loupe.statistics import Interval
from loupe.wording import count_of, write_signed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COUNT, TEXT, POINTS = "count", "text", "points"
"""Units beside "percent" and those named outright: whole numbers, words, differences of percentages."""
Cell = str | int | float | None
MADE = "made"
"""The split of images that an evaluation made itself: they stand in `Finding.made`."""


def write_value(value: Cell, unit: str, digits: int = 2) -> str:
    """Return a value with its unit: "98.43 %", "1,234", "+0.31 points", "0.0199 nats"; "undefined" for None.

    Args:
        value: of unit "percent" or "points" a share, 0.01 for one.
        unit: "percent", "points", "count", "text", the unit's own name, or "".
        digits: behind the point, of percentages and points.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "undefined"
    if isinstance(value, str) or unit == TEXT:
        return str(value)
    if unit == PERCENT:
        return f"{100 * value:.{digits}f} %"
    if unit == POINTS:
        return f"{write_signed(100 * value, digits)} points"
    number = f"{value:,.0f}" if unit == COUNT or isinstance(value, int) else write_number(value)
    return number if unit in (COUNT, "") else f"{number} {unit}"


@dataclass(frozen=True)
class Value:
    """A number that an evaluation found.

    Args:
        name: in running text: "macro F1".
        value: a share if the unit is "percent" or "points"; None where it is not defined.
        unit: "percent", "points", "count", the unit's own name, or "" for none.
        interval: at the run's level; None where none is defined.
    """

    name: str
    value: float | None
    unit: str = ""
    interval: Interval | None = None

    @classmethod
    def of_metric(cls, found: MetricValue) -> "Value":
        """Return what a metric says."""
        return cls(found.metric.title, found.value, found.metric.unit, found.interval)

    def write(self) -> str:
        """Return value and interval: "98.43 % (98.16 to 98.70 %)"; "not defined" where it is not."""
        if self.value is None or math.isnan(self.value):
            return "not defined"
        return write_value(self.value, self.unit) + self.write_interval()

    def write_interval(self) -> str:
        """Return the interval behind a space, in brackets: " (98.16 to 98.70 %)"; "" without one."""
        if self.interval is None:
            return ""
        low, high = (write_value(end, self.unit) for end in (self.interval.low, self.interval.high))
        unit = next((one for one in (" %", " points", f" {self.unit}") if high.endswith(one)), "")
        return f" ({low.removesuffix(unit)} to {high})"


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, what its cells are counted in, and digits of percentages."""

    heading: str
    unit: str = TEXT
    digits: int = 1

    def write(self, cell: Cell) -> str:
        """Return a cell as text."""
        if isinstance(cell, float) and self.unit == POINTS and not math.isnan(cell):
            return write_signed(100 * cell, self.digits)  # the heading says what it is
        return write_value(cell, self.unit, self.digits)


@dataclass(frozen=True)
class Table:
    """Rows of cells.

    Args:
        title: above the table; "" for none.
        columns: one a cell of each row.
        rows: cells; None is undefined, not 0.
        note: below the table.
        num_totals: rows at the end that sum up those above.
        if_empty: what to say in place of a table without rows.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    num_totals: int = 0
    if_empty: str = "None."
    kind: Literal["table"] = "table"


@dataclass(frozen=True)
class Bar:
    """A share with its interval, and what stands behind it."""

    name: str
    value: float
    interval: Interval | None = None
    note: str = ""


@dataclass(frozen=True)
class Bars:
    """Shares in [0, 1], one below the other, with a line for all together."""

    title: str
    bars: tuple[Bar, ...]
    overall: float | None = None
    note: str = ""
    kind: Literal["bars"] = "bars"


@dataclass(frozen=True)
class ShownImage:
    """An image of a gallery, and what stands below it.

    Args:
        index: place in the split.
        title: what it is, or is taken for.
        is_right: whether that is right; None where there is nothing to be right about.
        lines: further lines.
        notes: further lines, softer.
        near: images below it, smaller.
        near_note: what stands below those.
        split: of which images; "" for the split that was looked at, "train", or "made".
    """

    index: int
    title: str = ""
    is_right: bool | None = None
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    near: "tuple[ShownImage, ...]" = ()
    near_note: str = ""
    split: str = ""


@dataclass(frozen=True)
class Gallery:
    """Images side by side."""

    title: str
    images: tuple[ShownImage, ...]
    note: str = ""
    if_empty: str = "None."
    kind: Literal["gallery"] = "gallery"


@dataclass(frozen=True)
class MatrixCell:
    """The images behind a cell of a matrix: all or the first of them, and a note below each."""

    row: int
    column: int
    title: str
    images: tuple[int, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Matrix:
    """Counts by row and column, shaded by their share of the row; a cell may open its images."""

    title: str
    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    cell_title: str
    note: str = ""
    cells: tuple[MatrixCell, ...] = ()
    first: tuple[int, int] | None = None
    kind: Literal["matrix"] = "matrix"


@dataclass(frozen=True)
class Line:
    """A curve: a value for each x, None where there is none, with a band where ends are given."""

    name: str
    values: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    is_dashed: bool = False


@dataclass(frozen=True)
class Chart:
    """Curves over numbers.

    Args:
        title: above it.
        x: ascending.
        lines: five at most.
        x_label: quantity and unit of the horizontal axis.
        y_label: of the vertical one.
        is_percent: whether values are shares, written as percentages.
        note: below it.
    """

    title: str
    x: tuple[float, ...]
    lines: tuple[Line, ...]
    x_label: str
    y_label: str
    is_percent: bool = False
    note: str = ""
    kind: Literal["chart"] = "chart"


@dataclass(frozen=True)
class Scatter:
    """Images as points of a plane: their classes, and what is wrong with those that are ringed."""

    title: str
    positions: tuple[tuple[float, float], ...]
    labels: tuple[int, ...]
    wrong: tuple[str, ...]
    axes: tuple[str, str]
    note: str = ""
    kind: Literal["scatter"] = "scatter"


@dataclass(frozen=True)
class HeatMap:
    """Numbers in [0, 1] by row and column, darker where they are larger; None where one is not defined.

    Args:
        title: above it.
        rows: names, the first at the top.
        columns: names, the first on the left.
        values: one row a name of `rows`.
        axes: what columns and what rows are.
        note: below it.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    axes: tuple[str, str]
    note: str = ""
    kind: Literal["heat_map"] = "heat_map"


@dataclass(frozen=True)
class Drawing:
    """A matplotlib figure as a picture: base64 of a PNG file."""

    title: str
    png: str
    note: str = ""
    kind: Literal["drawing"] = "drawing"

    @classmethod
    def of(cls, title: str, figure: "Figure", note: str = "", *, dpi: int = 110) -> "Drawing":
        """Return a figure as a drawing."""
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi, facecolor="white")
        return cls(title, base64.b64encode(buffer.getvalue()).decode("ascii"), note)


Block = Annotated[
    Table | Bars | Gallery | Matrix | Chart | Scatter | HeatMap | Drawing,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, eq=False)
class Finding:
    """What an evaluation found.

    Args:
        sentence: the answer in words, with its number.
        values: its numbers.
        blocks: what shows it, in order.
        made: (images, channels, height, width) uint8, images it made itself; `ShownImage.split` "made".
        num_images: how many images it is about; None if all of the split.
    """

    sentence: str
    values: Sequence[Value] = ()
    blocks: Sequence[Block] = ()
    made: Tensor | None = field(default=None, repr=False)
    num_images: int | None = None

    def __post_init__(self) -> None:
        for block in self.blocks:
            if isinstance(block, Table):
                _refuse_uneven("table", block.title, "column", len(block.columns), block.rows)
            elif isinstance(block, Chart):
                values = [line.values for line in block.lines]
                _refuse_uneven("chart", block.title, "x", len(block.x), values)
            elif isinstance(block, Matrix):
                _refuse_uneven("matrix", block.title, "name", len(block.names), block.counts)
            elif isinstance(block, HeatMap):
                _refuse_uneven("heat map", block.title, "column", len(block.columns), block.values)


def _refuse_uneven(what: str, title: str, noun: str, wanted: int, rows: Sequence[Sequence[object]]) -> None:
    for number, row in enumerate(rows, 1):
        if len(row) != wanted:
            raise LoupeError(
                f"Row {number} of the {what} {title!r} has {count_of(len(row), 'value')} "
                f"for {count_of(wanted, noun)}.",
                got=repr(row)[:200],
                allowed=f"one value for each {noun}",
                next_step="mend the evaluation that makes it",
            )
