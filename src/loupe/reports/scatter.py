"""Points of several classes as inline SVG: each class has a colour and a shape, wrong answers a ring."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

_WIDTH, _LEAST_HEIGHT, _MOST_HEIGHT, _MARGIN = 720, 300, 620, 34
_COLOURS = 8  # k0 … k7 in style.css, told apart by colour-blind people (Okabe and Ito, 2008)
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
    differ in at least one of the two.
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
    parts = [
        f'<figure class="map"><figcaption>{escape(title)}</figcaption><div class="legend">',
        *(_draw_key(label, class_names[label]) for label in present),
        f'</div><svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}: {len(points)} images of {len(present)} classes"><defs>',
        *(f'<path id="shape{index}" d="{path}"/>' for index, path in enumerate(_SHAPES)),
        f'</defs><rect class="frame" x=".5" y=".5" width="{_WIDTH - 1}" height="{height - 1:.0f}"/>'
        f'<text class="axis" x="{_WIDTH / 2}" y="{height - 8:.0f}" text-anchor="middle">'
        f"{escape(axes[0])}</text>"
        f'<text class="axis" transform="translate(16 {height / 2:.0f}) rotate(-90)" text-anchor="middle">'
        f"{escape(axes[1])}</text>",
    ]
    labels = []
    for label in present:
        of_class = [point for point in points if point.label == label]
        parts.append(f'<g class="k{label % _COLOURS}" data-class="{label}">')
        parts.append(f"<title>{escape(class_names[label])}</title>")
        parts += [_draw_point(point, *place(point.x, point.y)) for point in of_class]
        parts.append("</g>")
        x, y = place(_middle([point.x for point in of_class]), _middle([point.y for point in of_class]))
        name = escape(class_names[label])
        labels.append(f'<text class="name" data-class="{label}" x="{x:.0f}" y="{y:.0f}">{name}</text>')
    return Markup("".join([*parts, *labels, "</svg></figure>"]))  # text is escaped above


def _draw_point(point: Point, x: float, y: float) -> str:
    mark = f'<use href="#shape{_shape_of(point.label)}" x="{x:.1f}" y="{y:.1f}"/>'
    if not point.wrong:
        return mark
    ring = f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="6.5"/>'
    return f"<g><title>{escape(point.wrong)}</title>{mark}{ring}</g>"


def _draw_key(label: int, name: str) -> str:
    return (
        f'<button type="button" class="k{label % _COLOURS}" data-class="{label}" aria-pressed="true">'
        '<svg class="key" viewBox="-7 -7 14 14" aria-hidden="true">'
        f'<path d="{_SHAPES[_shape_of(label)]}"/></svg>'
        f"{escape(name)}</button>"
    )


def _shape_of(label: int) -> int:
    return (label + label // _COLOURS) % len(_SHAPES)


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
