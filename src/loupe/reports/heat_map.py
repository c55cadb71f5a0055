"""Numbers in [0, 1] by row and column as inline SVG: darker where larger, each written in its cell."""

from html import escape

from markupsafe import Markup

from loupe.evaluations import HeatMap
from loupe.wording import measure_width, shorten_name

_CELL, _LETTER = 44, 7.2  # pixels of a cell, and of a letter of a label
_MOST_LETTERS, _AXIS, _GAP = 26, 22, 8
_DARKEST = 0.55  # so that numbers can be read, on light and dark pages


def draw_heat_map(block: HeatMap) -> Markup:
    """Return the heat map as an HTML <figure>; hovering a cell says row, column and number."""
    rows, columns = (
        [shorten_name(one, _MOST_LETTERS) for one in names] for names in (block.rows, block.columns)
    )
    left = _AXIS + _GAP + _LETTER * max(map(measure_width, rows), default=0)
    below = _AXIS + _GAP + _LETTER * max(map(measure_width, columns), default=0)
    width, height = _CELL * len(columns), _CELL * len(rows)
    whole = left + width + 2, height + below + 2
    title = block.title or f"{block.axes[1]} by {block.axes[0]}"
    parts = [
        f'<figure class="heat-map" data-columns="{len(columns)}">',
        f'<svg viewBox="0 0 {whole[0]:.0f} {whole[1]:.0f}" width="{whole[0]:.0f}" role="img" '
        f'aria-label="{escape(title)}: {len(rows)} by {len(columns)} numbers from 0 to 1">',
    ]
    for place, name in enumerate(rows):
        y = _CELL * (place + 0.5) + 4
        parts.append(f'<text x="{left - _GAP:.1f}" y="{y:.1f}" text-anchor="end">{escape(name)}</text>')
    for place, name in enumerate(columns):
        x = left + _CELL * (place + 0.5) + 4
        turned = f"translate({x:.1f} {height + _GAP}) rotate(-90)"
        parts.append(f'<text transform="{turned}" text-anchor="end">{escape(name)}</text>')
    for row, values in enumerate(block.values):
        for column, value in enumerate(values):
            where = f"{block.rows[row]}, {block.columns[column]}"
            parts.append(_draw_cell(left + _CELL * column, _CELL * row, value, where))
    parts.append(
        f'<text class="axis" x="{left + width / 2:.1f}" y="{whole[1] - 6:.1f}" text-anchor="middle">'
        f"{escape(block.axes[0])}</text>"
        f'<text class="axis" transform="translate(14 {height / 2:.1f}) rotate(-90)" text-anchor="middle">'
        f"{escape(block.axes[1])}</text></svg></figure>"
    )
    return Markup("".join(parts))  # text is escaped above


def _draw_cell(x: float, y: float, value: float | None, where: str) -> str:
    said = "undefined" if value is None else f"{value:.2f}"
    number = "–" if value is None else said
    return (
        f"<g><title>{escape(where)}: {said}</title>"
        f'<rect class="heat" x="{x:.1f}" y="{y}" width="{_CELL - 1}" height="{_CELL - 1}" '
        f'fill-opacity="{_DARKEST * (value or 0):.3f}"/>'
        f'<text class="number" x="{x + _CELL / 2:.1f}" y="{y + _CELL / 2 + 4}" text-anchor="middle">'
        f"{number}</text></g>"
    )
