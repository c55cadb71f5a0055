"""One self-contained HTML file from a template: style and script inside, no outside request."""

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from loupe.reports.pictures import measure_readable
from loupe.runs.writing import write_text
from loupe.statistics import Interval
from loupe.version import __version__
from loupe.wording import count_of, format_duration, shorten_name


def write_page(path: Path, template: str, **content: Any) -> None:
    """Render a template of this package and write it atomically.

    Args:
        path: the HTML file.
        template: file name in `templates/`.
        content: what the template shows; text is escaped.
    """
    write_text(path, render_page(template, **{"subject": name_subject(path), **content}))


def name_subject(path: Path) -> str:
    """Return what a page is of, for the names of what is saved from it: its folder, or its own name."""
    if path.stem not in _NAMES_OF_ALL:
        return path.stem
    folder = path.absolute().parent
    return f"{folder.parent.name}_{folder.name}" if folder.name.startswith("seed-") else folder.name


def render_page(template: str, **content: Any) -> str:
    """Return the HTML of a template of this package, without what lays the template out."""
    return close_up(_environment().get_template(template).render(**content))


def close_up(html: str) -> str:
    """Return HTML without line breaks and indents, but where white space counts: in `pre` and scripts."""
    return "".join(part if part.startswith(_KEPT) else _close_up(part) for part in _WHOLE.split(html))


def _close_up(html: str) -> str:
    closed = _VOID.sub(r"<\1>", _BREAK.sub(" ", _AFTER_BLOCK.sub(r"\1", _BEFORE_BLOCK.sub("", html))))
    return _CELL.sub(lambda cell: _UNIT.sub("\N{NO-BREAK SPACE}%", cell[0]), closed)


_NAMES_OF_ALL = ("report", "card", "audit", "inside", "index")  # each such page stands in a folder of its own
STYLE_NAMES = ("style.css", "charts.css", "blocks.css")
_KEEPING = ("kept_tables.js", "kept_figures.js", "keeping.js")
_KEPT = ("<pre", "<script", "<style")
_WHOLE = re.compile(r"(<pre\b.*?</pre>|<script\b.*?</script>|<style\b.*?</style>)", re.DOTALL)
_BLOCK = (
    r"</?(?:body|caption|details|div|figcaption|figure|footer|h\d|head|header|html|li|link|main|meta|nav|p|pre"
    r"|script|section|style|summary|table|tbody|td|th|thead|title|tr|ul)\b"
)
_BEFORE_BLOCK = re.compile(rf"\s*\n\s*(?={_BLOCK}|>)")  # or the end of a tag laid out over lines
_AFTER_BLOCK = re.compile(rf"({_BLOCK}[^<>]*>)\s*\n\s*")
_BREAK = re.compile(r"\s*\n\s*")
_CELL = re.compile(r"<td\b.*?</td>", re.DOTALL)
_UNIT = re.compile(r"(?<=\d) %(?=[^<>]*<)")  # in text; in a narrow cell it would stand alone on a line
_VOID = re.compile(r"<((?:br|img|link|meta)\b[^<>]*?)\s*/>")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("loupe.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": format_percent,
        "interval": format_interval,
        "thousands": format_thousands,
        "duration": format_duration,
        "decimals": format_decimals,
        "level": format_level,
        "error": format_error,
        "count_of": count_of,
        "with_code": mark_code,
        "shorten": shorten_name,
        "readable": measure_readable,
    }
    environment.globals |= {
        "style": Markup(read_style()),
        "print_style": Markup(read_template("print.css")),
        "chart_script": Markup(read_template("charts.js")),
        "keeping_script": Markup("\n".join(read_template(name) for name in _KEEPING)),
        "mistakes_script": Markup(read_template("mistakes.js")),
        "loupe_version": __version__,
    }
    return environment


def read_template(name: str) -> str:
    """Return the text of a file in `templates/`, as it stands there."""
    return resources.files("loupe.reports").joinpath("templates", name).read_text(encoding="utf-8")


def read_style() -> str:
    """Return the style sheets that every page has, as one."""
    return "".join(read_template(name) for name in STYLE_NAMES)


def mark_code(text: str) -> Markup:
    """Return text as HTML, escaped, with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(text))))


def format_percent(share: float, digits: int = 2) -> str:
    """Return a share in [0, 1] as a percentage: 0.98 → "98.00 %"."""
    return f"{100 * share:.{digits}f} %"


def format_interval(interval: Interval, digits: int = 2) -> str:
    """Return an interval of shares as percentages: "97.52 to 98.37 %"."""
    return f"{100 * interval.low:.{digits}f} to {100 * interval.high:.{digits}f} %"


def format_error(error: float) -> str:
    """Return a mean squared error with three significant digits: 0.0336."""
    return f"{error:.3g}" if error < 1e-4 else f"{error:#.3g}"


def format_thousands(number: float) -> str:
    """Return a number rounded to whole, with thousands set apart: 17,813."""
    return f"{number:,.0f}"


def format_level(confidence: float) -> str:
    """Return a confidence level as a percentage: 0.95 → "95 %"."""
    return f"{100 * confidence:g} %"


def format_decimals(values: Iterable[float]) -> str:
    """Return numbers with four decimals: "0.4914 / 0.4822 / 0.4465"."""
    return " / ".join(f"{value:.4f}" for value in values)
