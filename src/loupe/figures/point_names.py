"""Names beside points of a chart: none lies on another, on a point or on a line, where there is any room."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from matplotlib.axes import Axes

from loupe.figures.style import GREY
from loupe.wording import count_of, shorten_apart

_MOST_LETTERS = (22, 14)  # of a name that is shortened a little, and more
_MOST_TOGETHER = 3  # names of points that lie on each other, under one another
_TYPE = 7.5  # size of names, in points
_SLACK, _GAP = 1.2, 6.0  # type of a slide is a little larger than its figure
_MARK = 3.5  # from a point's middle to its edge
_BESIDE = (  # of a point: across, up, from where a name begins
    *((5.0, 4.0), (-5.0, 4.0), (5.0, -4.0), (-5.0, -4.0)),
    *((6.0, 0.0), (-6.0, 0.0), (0.0, 6.0), (0.0, -6.0)),
)
_FAR = (14, 20, 28, 38, 50, 64, 80, 98)  # points off, from where a line leads back
_WAYS = 16  # in which a name may stand off
_OVER_BAR, _LEAD_OVER_BAR, _OVER_LINE, _LEAD_OVER_LINE = 45.0, 5.0, 60.0, 9.0  # as bad as so many points off
_SHORTER = 15.0  # so is a name that is shortened, for each time


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
        is_wanted: whether it is one of those that matter, whose names are black.
    """

    name: str
    x: float
    y: float
    low: float
    high: float
    is_wanted: bool


@dataclass(frozen=True)
class _Label:
    """What one name, or those of points that lie on each other, needs."""

    at: NamedPoint
    middle: tuple[float, float]
    texts: tuple[str, ...]  # the longest first
    sizes: tuple[tuple[float, float], ...]  # of each text
    is_wanted: bool


class _Place(NamedTuple):
    box: Box
    at: tuple[float, float]  # from the point, in points of type, to the name's anchor
    anchor: tuple[float, float]  # of the name: 0 left or bottom, 1 right or top
    lead: tuple[Box, ...]  # the line back to the point, in small pieces; none beside the point
    badness: float


@dataclass
class _Surroundings:
    room: Box
    marks: Sequence[Box]
    bars: Sequence[Box]
    lines: Sequence[Box]
    names: list[Box]
    leads: list[Box]


def name_points(
    axes: Axes, points: Sequence[NamedPoint], names: int, line: Sequence[tuple[float, float]] = ()
) -> None:
    """Write names beside points.

    Points that lie on each other have their names under one another. A name is shortened only where it has no
    room, and left out only where it has none then either.

    Args:
        axes: laid out, with the limits that they will have.
        points: those to be named come first, the most important before the others.
        names: how many of the points are to be named.
        line: corners of a line through the chart, on the scales of the axes.
    """
    window = axes.get_window_extent()
    size = (72 * window.width / axes.figure.dpi, 72 * window.height / axes.figure.dpi)
    middles = [_find(axes, one.x, one.y, size) for one in points]
    corners = [_find(axes, x, y, size) for x, y in line]
    around = _Surroundings(
        Box(0, 0, *size),
        [Box(x - _MARK, y - _MARK, x + _MARK, y + _MARK) for x, y in middles],
        [
            Box(x - 1, _find(axes, one.x, one.low, size)[1], x + 1, _find(axes, one.x, one.high, size)[1])
            for one, (x, _) in zip(points, middles, strict=True)
        ],
        [
            Box(min(x, u) - 0.5, min(y, v) - 0.5, max(x, u) + 0.5, max(y, v) + 0.5)
            for (x, y), (u, v) in pairwise(corners)
        ],
        [],
        [],
    )
    labels = list(_list_labels(axes, points[:names], middles[:names]))
    for label, text, place in _place_all(labels, around):
        _write(axes, label, text, place)


def _find(axes: Axes, x: float, y: float, size: tuple[float, float]) -> tuple[float, float]:
    """Return where a point lies on the axes, in points of type from their lower left corner."""
    across, up = axes.transLimits.transform(axes.transScale.transform((x, y)))
    return size[0] * float(across), size[1] * float(up)


def _list_labels(
    axes: Axes, points: Sequence[NamedPoint], middles: Sequence[tuple[float, float]]
) -> Iterator[_Label]:
    """Yield what is to be written: a label a point, one for points that lie on each other."""
    names = [one.name for one in points]
    shorter = [dict(zip(names, shorten_apart(names, most), strict=True)) for most in _MOST_LETTERS]
    left = list(zip(points, middles, strict=True))
    while left:
        first, middle = left[0]
        group = [one for one, at in left if math.dist(at, middle) < _MARK]
        left = [(one, at) for one, at in left if math.dist(at, middle) >= _MARK]
        together = [[one.name for one in group], *([cut[one.name] for one in group] for cut in shorter)]
        texts = dict.fromkeys(map(_join, together))
        sizes = tuple(_measure(axes, text) for text in texts)
        yield _Label(first, middle, tuple(texts), sizes, any(one.is_wanted for one in group))


def _join(names: Sequence[str]) -> str:
    if len(names) > _MOST_TOGETHER:
        others = count_of(len(names) - _MOST_TOGETHER + 1, "other")
        names = [*names[: _MOST_TOGETHER - 1], f"and {others}"]
    return "\n".join(names)


def _measure(axes: Axes, text: str) -> tuple[float, float]:
    """Return width and height of a text, in points of type."""
    written = axes.text(0, 0, text, fontsize=_TYPE)
    extent = written.get_window_extent()
    written.remove()
    scale = 72 / axes.figure.dpi * _SLACK
    return scale * extent.width + _GAP, scale * extent.height


def _place_all(labels: Sequence[_Label], around: _Surroundings) -> list[tuple[_Label, str, _Place]]:
    """Return the names that have a place, each with it; those without one are tried first again."""
    best: list[tuple[_Label, str, _Place]] = []
    order = list(labels)
    for _ in range(4):
        around.names, around.leads = [], []
        placed, without = [], []
        for label in order:
            found = _place(label, around)
            if found is None:
                without.append(label)
                continue
            text, place = found
            around.names.append(place.box)
            around.leads += place.lead
            placed.append((label, text, place))
        if len(placed) > len(best):
            best = placed
        if not without:
            break
        order = [*without, *(one for one in order if one not in without)]
    return best


def _place(label: _Label, around: _Surroundings) -> tuple[str, _Place] | None:
    """Return the text of a label that has the best place, and where; None where none has any."""
    for may_cross in (False, True):
        best: tuple[str, _Place] | None = None
        for cut, (text, size) in enumerate(zip(label.texts, label.sizes, strict=True)):
            for place in _list_places(*label.middle, *size):
                bound = math.inf if best is None else best[1].badness - _SHORTER * cut
                if place.badness >= bound:
                    continue
                judged = _judge(place, label, around, may_cross)
                if judged is not None and judged.badness < bound:
                    best = text, judged._replace(badness=judged.badness + _SHORTER * cut)
        if best is not None:
            return best
    return None


def _list_places(x: float, y: float, width: float, height: float) -> Iterator[_Place]:
    """Yield where a name of such a size may stand, beside its point or off it."""
    for number, (across, up) in enumerate(_BESIDE):
        yield _make_place(x, y, (across, up), (width, height), (), 0.5 * number)
    for far in _FAR:
        for way in range(_WAYS):
            angle = 2 * math.pi * way / _WAYS
            across, up = far * math.cos(angle), far * math.sin(angle)
            steps = range(2, int(far / 2))  # not those on the point itself
            lead = tuple(
                Box(x + s * across - 0.5, y + s * up - 0.5, x + s * across + 0.5, y + s * up + 0.5)
                for s in (2 * step / far for step in steps)
            )
            yield _make_place(x, y, (across, up), (width, height), lead, 8.0 + far)


def _make_place(
    x: float,
    y: float,
    at: tuple[float, float],
    size: tuple[float, float],
    lead: tuple[Box, ...],
    badness: float,
) -> _Place:
    reach = math.hypot(*at)
    anchor = tuple(0.5 if abs(one) < 0.3 * reach else 0.0 if one > 0 else 1.0 for one in at)
    left, bottom = x + at[0] - anchor[0] * size[0], y + at[1] - anchor[1] * size[1]
    return _Place(
        Box(left, bottom, left + size[0], bottom + size[1]), at, (anchor[0], anchor[1]), lead, badness
    )


def _judge(place: _Place, label: _Label, around: _Surroundings, may_cross: bool) -> _Place | None:
    """Return a place with how bad it is, None where something stands in the way."""
    box, room = place.box, around.room
    if box.left < 0 or box.bottom < 0 or box.right > room.right or box.top > room.top:
        return None
    if any(box.meets(other) for others in (around.marks, around.names, around.leads) for other in others):
        return None
    crossed = sum(box.meets(other) for other in around.lines)
    if crossed and not may_cross:
        return None
    x, y = label.middle
    others = [one for one in around.marks if math.dist(_middle_of(one), (x, y)) >= _MARK]
    if any(piece.meets(other) for piece in place.lead for other in (*others, *around.names, *around.leads)):
        return None
    badness = place.badness + _OVER_LINE * crossed + _OVER_BAR * sum(box.meets(one) for one in around.bars)
    for cost, obstacles in ((_LEAD_OVER_BAR, around.bars), (_LEAD_OVER_LINE, around.lines)):
        badness += cost * sum(any(piece.meets(one) for piece in place.lead) for one in obstacles)
    return place._replace(badness=badness)


def _middle_of(box: Box) -> tuple[float, float]:
    return (box.left + box.right) / 2, (box.bottom + box.top) / 2


def _write(axes: Axes, label: _Label, text: str, place: _Place) -> None:
    arrow = {
        "arrowstyle": "-",
        "color": GREY,
        "lw": 0.5,
        "shrinkA": 0,
        "shrinkB": _MARK,
        "relpos": place.anchor,
    }
    axes.annotate(
        text,
        (label.at.x, label.at.y),
        place.at,
        textcoords="offset points",
        ha={0.0: "left", 0.5: "center", 1.0: "right"}[place.anchor[0]],
        va={0.0: "bottom", 0.5: "center", 1.0: "top"}[place.anchor[1]],
        fontsize=_TYPE,
        color="black" if label.is_wanted else GREY,
        arrowprops=arrow if place.lead else None,
    )
