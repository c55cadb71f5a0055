"""Names beside points of a chart: none lies on another on a point, or needlessly across an interval."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from matplotlib.axes import Axes

from loupe.figures.style import GREY
from loupe.wording import measure_width, shorten_name

_MOST_LETTERS = 22
_TYPE = 7.5  # size of names, in points
_LINE = 1.25 * _TYPE  # height of one
_LETTER = 0.6 * _TYPE  # width of one, on average
_MARK = 3.5  # from a point's middle to its edge
_BESIDE = ((1, 1), (-1, 1), (1, -1), (-1, -1))  # of a point: across, up
_FAR = (14, 24, 34, 46, 58, 70)  # points up or down, from where a line leads back


class Box(NamedTuple):
    """A place on the axes, in points of type from their lower left corner."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: "Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )


@dataclass(frozen=True)
class NamedPoint:
    """A point that may have a name beside it.

    Args:
        name: what it is called.
        x, y: where it is, on the scales of the axes.
        low, high: ends of the interval through it, on the vertical scale; both `y` without one.
        is_wanted: whether a name that has no room beside it may stand further off, with a line to its point.
    """

    name: str
    x: float
    y: float
    low: float
    high: float
    is_wanted: bool


@dataclass(frozen=True)
class _Place:
    box: Box
    at: tuple[float, float]  # from the point, in points of type, to the name's anchor
    across: str
    up: str
    is_far: bool = False


def name_points(axes: Axes, points: Sequence[NamedPoint], names: int) -> None:
    """Write names beside points; one that has no room is left out.

    Args:
        axes: laid out, with the limits that they will have.
        points: those to be named come first, the most important before the others.
        names: how many of the points are to be named.
    """
    room = axes.get_window_extent()
    size = (72 * room.width / axes.figure.dpi, 72 * room.height / axes.figure.dpi)
    middles = [_find(axes, one.x, one.y, size) for one in points]
    marks = [Box(x - _MARK, y - _MARK, x + _MARK, y + _MARK) for x, y in middles]
    bars = [
        Box(x - 1, _find(axes, one.x, one.low, size)[1], x + 1, _find(axes, one.x, one.high, size)[1])
        for one, (x, _) in zip(points, middles, strict=True)
    ]
    taken: list[Box] = list(marks)
    for one, (x, y) in list(zip(points, middles, strict=True))[:names]:
        name = shorten_name(one.name, _MOST_LETTERS)
        place = _choose(_list_places(x, y, _LETTER * measure_width(name), one.is_wanted), taken, bars, size)
        if place is None:
            continue
        taken.append(place.box)
        axes.annotate(
            name,
            (one.x, one.y),
            place.at,
            textcoords="offset points",
            ha=place.across,
            va=place.up,
            fontsize=_TYPE,
            color="black" if one.is_wanted else GREY,
            arrowprops={"arrowstyle": "-", "color": GREY, "lw": 0.5, "shrinkA": 0, "shrinkB": _MARK}
            if place.is_far
            else None,
        )


def _find(axes: Axes, x: float, y: float, size: tuple[float, float]) -> tuple[float, float]:
    """Return where a point lies on the axes, in points of type from their lower left corner."""
    across, up = axes.transLimits.transform(axes.transScale.transform((x, y)))
    return size[0] * float(across), size[1] * float(up)


def _list_places(x: float, y: float, width: float, is_wanted: bool) -> Iterator[_Place]:
    """Yield where a name of such a width may stand, the best place first."""
    for across, up in _BESIDE:
        left = x + 5 if across > 0 else x - 5 - width
        bottom = y + 4 if up > 0 else y - 4 - _LINE
        box = Box(left, bottom, left + width, bottom + _LINE)
        yield _Place(
            box, (5 * across, 4 * up), "left" if across > 0 else "right", "bottom" if up > 0 else "top"
        )
    if not is_wanted:
        return
    for far in _FAR:
        for up in (far, -far):
            for side, start in (("center", -0.5), ("left", 0.0), ("right", -1.0)):
                left, bottom = x + start * width, y + up - _LINE / 2
                box = Box(left, bottom, left + width, bottom + _LINE)
                yield _Place(box, (0, up), side, "center", is_far=True)


def _choose(
    places: Iterator[_Place], taken: Sequence[Box], bars: Sequence[Box], size: tuple[float, float]
) -> _Place | None:
    """Return the first place where nothing else is; failing that, the first that only an interval crosses."""
    free = [
        one
        for one in places
        if one.box.left >= 0
        and one.box.right <= size[0]
        and one.box.bottom >= 0
        and one.box.top <= size[1]
        and not any(one.box.meets(other) for other in taken)
    ]
    clear = (one for one in free if not any(one.box.meets(bar) for bar in bars))
    return next(clear, free[0] if free else None)
