"""Small pieces of HTML that a notebook shows; nothing here knows what they hold."""

from collections.abc import Mapping, Sequence
from html import escape


def render_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = (), caption: str = ""
) -> str:
    """Return rows of text as an HTML table; the columns in `right` are aligned to the right."""

    def style(index: int) -> str:
        return f' style="text-align:{"right" if index in right else "left"}"'

    head = "".join(f"<th{style(index)}>{escape(one)}</th>" for index, one in enumerate(headings))
    lines = [
        "<tr>" + "".join(f"<td{style(index)}>{escape(cell)}</td>" for index, cell in enumerate(row)) + "</tr>"
        for row in rows
    ]
    above = f'<caption style="text-align:left">{escape(caption)}</caption>' if caption else ""
    return f"<table>{above}<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def render_card(title: str, facts: Mapping[str, str], more: str = "") -> str:
    """Return a heading, facts by name, and further HTML below."""
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(fact)}</td></tr>'
        for name, fact in facts.items()
    )
    return f"<div><strong>{escape(title)}</strong><table><tbody>{rows}</tbody></table>{more}</div>"


def render_text(title: str, text: str) -> str:
    """Return a heading, and text as it is, such as TOML."""
    return f"<div><strong>{escape(title)}</strong><pre>{escape(text)}</pre></div>"
