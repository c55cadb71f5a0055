"""Points of several classes as inline SVG: each class has a colour and a shape, wrong answers a ring."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from loupe.statistics.largest import pick_most_frequent
from loupe.wording import count_of, measure_width, shorten_name

_WIDTH, _LEAST_HEIGHT, _MOST_HEIGHT, _MARGIN = 720, 300, 620, 34
_LETTER, _LINE, _EDGE = 7.4, 15, 24  # of a name on the map, in its pixels
_ON_NARROW = 22 / 12.5  # how much larger charts.css writes names on a narrow screen
_COLOURS = 8  # k0 … k7 in charts.css, told apart by colour-blind people (Okabe and Ito, 2008)
_OTHERS = "others"
_SHAPES = (
    "M0-3.6A3.6 3.6 0 1 1 0 3.6A3.6 3.6 0 1 1 0-3.6Z",  # circle
    "M-3.2-3.2h6.4v6.4h-6.4Z",  # square
    "M0-4.3L4.1 3.2H-4.1Z",  # triangle
    "M0-4.8L4.2 0L0 4.8L-4.2 0Z",  # diamond
    "M0 4.3L4.1-3.2H-4.1Z",  # triangle, point down
    "M-1.4-4.4h2.8v3h3v2.8h-3v3h-2.8v-3h-3v-2.8h3Z",  # plus
    "M-4.4-3L-3-4.4L0-1.4L3-4.4L4.4-3L1.4 0L4.4 3L3 4.4L0 1.4L-3 4.4L-4.4 3L-1.4 0Z",  # cross
    "M0-5L1.5-1.6L5-1.5L2.3.9L3.2 4.5L0 2.4L-3.2 4.5L-2.3.9L-5-1.5L-1.5-1.6Z",  # star
)


@dataclass(frozen=True)
class Point:
    """One image on a map.

    Args:
        x: place along the first axis, on any scale.
        y: place along the second, on the same scale.
        label: index of its class.
        wrong: what to say of it if the network gets it wrong; empty if it is right.
    """

    x: float
    y: float
    label: int
    wrong: str = ""


def draw_scatter(
    points: Sequence[Point], class_names: Sequence[str], *, title: str, axes: tuple[str, str]
) -> Markup:
    """Return the map as an HTML <figure>, both axes on one scale; hovering names class and mistake.

    Class i has colour i mod 8 and a shape that moves on with every eight classes, so that 64 classes
    differ in at least one of the two. Of more classes than a legend can hold, those with the most images
    have colour, shape and name, the others are grey. A name that would lie on another is left out.
    """
    left, right = min(point.x for point in points), max(point.x for point in points)
    low, high = min(point.y for point in points), max(point.y for point in points)
    span = max(right - left, 1e-9)
    wanted = (_WIDTH - 2 * _MARGIN) * (high - low) / span + 2 * _MARGIN
    height = min(_MOST_HEIGHT, max(_LEAST_HEIGHT, wanted))
    scale = min((_WIDTH - 2 * _MARGIN) / span, (height - 2 * _MARGIN) / max(high - low, 1e-9))

    def place(x: float, y: float) -> tuple[float, float]:
        return _WIDTH / 2 + scale * (x - (left + right) / 2), height / 2 - scale * (y - (low + high) / 2)

    present = sorted({point.label for point in points})
    named = pick_most_frequent([point.label for point in points])
    others = [label for label in present if label not in named]
    parts = [
        f'<figure class="map"><figcaption>{escape(title)}</figcaption><div class="legend">',
        *(_draw_key(label, class_names[label]) for label in named),
        _draw_key_of_others(len(others)) if others else "",
        f'</div><svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}: {len(points)} images of {len(present)} classes"><defs>',
        *(f'<path id="shape{index}" d="{path}"/>' for index, path in enumerate(_SHAPES)),
        f'</defs><rect class="frame" x=".5" y=".5" width="{_WIDTH - 1}" height="{height - 1:.0f}"/>'
        f'<text class="axis" x="{_WIDTH / 2}" y="{height - 8:.0f}" text-anchor="middle">'
        f"{escape(axes[0])}</text>"
        f'<text class="axis" transform="translate(16 {height / 2:.0f}) rotate(-90)" text-anchor="middle">'
        f"{escape(axes[1])}</text>",
    ]
    by_class = {label: [point for point in points if point.label == label] for label in present}
    for label in [*others, *named]:
        is_named = label in named
        colour = f"k{label % _COLOURS}" if is_named else _OTHERS
        parts.append(f'<g class="{colour}" data-class="{label if is_named else _OTHERS}">')
        parts.append(f"<title>{escape(class_names[label])}</title>")
        shape = _shape_of(label) if is_named else 0
        parts += [_draw_point(point, shape, *place(point.x, point.y)) for point in by_class[label]]
        parts.append("</g>")
    middles = {
        label: place(*(_middle([getattr(point, axis) for point in by_class[label]]) for axis in "xy"))
        for label in sorted(named, key=lambda one: -len(by_class[one]))
    }
    labels = _draw_names(middles, class_names)
    return Markup("".join([*parts, *labels, "</svg></figure>"]))  # text is escaped above


def _draw_names(places: Mapping[int, tuple[float, float]], class_names: Sequence[str]) -> Iterator[str]:
    """Yield the names of classes at their places, the first ones first, but none on another.

    Those that would lie on another on a narrow screen, where they are written larger, are of class "wide".
    """
    boxes, names = {}, {label: shorten_name(class_names[label], 20) for label in places}
    for label, (x, y) in places.items():
        half = _LETTER * measure_width(names[label]) / 2
        boxes[label] = min(max(x, half + _EDGE), _WIDTH - half - 2), y, half
    wide = _leave_out_hidden(boxes)
    narrow = _leave_out_hidden({label: boxes[label] for label in wide}, _ON_NARROW)
    for label in wide:
        kind, (x, y, _) = "name" if label in narrow else "name wide", boxes[label]
        name = escape(names[label])
        yield f'<text class="{kind}" data-class="{label}" x="{x:.0f}" y="{y:.0f}">{name}</text>'


def _leave_out_hidden(boxes: Mapping[int, tuple[float, float, float]], size: float = 1) -> list[int]:
    """Return which names stand on the map, none on another or beyond its edge, if `size` times as large."""
    kept: list[int] = []
    for label, (x, y, half) in boxes.items():
        others = [boxes[one] for one in kept]
        is_free = all(
            abs(x - there) >= size * (half + other) or abs(y - line) >= size * _LINE
            for there, line, other in others
        )
        if is_free and (size == 1 or size * half <= min(x, _WIDTH - x)):
            kept.append(label)
    return kept


def _draw_point(point: Point, shape: int, x: float, y: float) -> str:
    mark = f'<use href="#shape{shape}" x="{x:.1f}" y="{y:.1f}"/>'
    if not point.wrong:
        return mark
    ring = f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="6.5"/>'
    return f"<g><title>{escape(point.wrong)}</title>{mark}{ring}</g>"


def _draw_key(label: int, name: str) -> str:
    title = f' title="{escape(name)}"'
    kind = f"k{label % _COLOURS}"
    return _draw_button(kind, str(label), _shape_of(label), shorten_name(name), title)


def _draw_key_of_others(count: int) -> str:
    return _draw_button(_OTHERS, _OTHERS, 0, f"{count_of(count, 'other')}, with no more images", "")


def _draw_button(kind: str, which: str, shape: int, name: str, title: str) -> str:
    return (
        f'<button type="button" class="{kind}" data-class="{which}" aria-pressed="true"{title}>'
        '<svg class="key" viewBox="-7 -7 14 14" aria-hidden="true">'
        f'<path d="{_SHAPES[shape]}"/></svg>'
        f"{escape(name)}</button>"
    )


def _shape_of(label: int) -> int:
    return (label + label // _COLOURS) % len(_SHAPES)


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
