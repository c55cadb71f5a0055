"""Pages of pitfalls: one a pitfall, and an index of all; each one file that asks nothing of the network."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from markupsafe import Markup

from loupe.errors import LoupeError
from loupe.evaluations.finding import write_value
from loupe.figures.style import save_figure
from loupe.linting import RULES
from loupe.pitfalls.registry import PITFALLS
from loupe.pitfalls.side import Pair, Side
from loupe.reports.page import read_template, write_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PICTURES = ("augmented-evaluation", "wrong-feature-maps", "collapsed-autoencoder")
"""Those whose figures are pictures: these keep their greys in the dark theme."""


@dataclass(frozen=True)
class Way:
    """One way as the page shows it.

    Args:
        name: "wrong" or "right".
        title: above it.
        value: mean of the tell-tale, with its unit.
        values: of each seed.
        said: what would be reported.
        rows: further numbers.
        picture: of the first seed, as a data address.
        code: of it.
    """

    name: str
    title: str
    value: str
    values: tuple[str, ...]
    said: str
    rows: tuple[tuple[str, str], ...]
    picture: str
    code: str


@dataclass(frozen=True)
class LintRule:
    """A rule of `loupe lint` as the page shows it."""

    name: str
    summary: str
    why: str


def write_pitfall(pair: Pair, folder: Path) -> Path:
    """Write the page of a pitfall, `NAME.html`, and return its path."""
    create_folder(folder)
    path = folder / f"{pair.name}.html"
    write_page(
        path,
        "pitfall.html",
        pair=pair,
        facts=pair.facts,
        ways=(_show(pair, "wrong"), _show(pair, "right")),
        rules=[
            LintRule(name, RULES.summary(name), str(RULES.facts(name)["why"])) for name in pair.facts["lint"]
        ],
        is_diagram=pair.name not in _PICTURES,
        difference=_write_difference(pair),
        pitfall_style=Markup(read_template("pitfall.css")),
    )
    return path


def create_folder(folder: Path) -> None:
    """Make the folder of pages, if it is not there.

    Raises:
        LoupeError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LoupeError(
            f"The folder {folder} cannot be made.",
            got=error.strerror,
            allowed="a folder that can be written to",
            next_step="name another one with --out",
        ) from None


def write_gallery(pairs: list[Pair], folder: Path) -> Path:
    """Write a page for each pitfall, and `index.html`; return the index."""
    for pair in pairs:
        write_pitfall(pair, folder)
    write_page(
        folder / "index.html",
        "pitfalls.html",
        pairs=[(pair, _show(pair, "wrong").value, _show(pair, "right").value) for pair in pairs],
        num_all=len(PITFALLS.names()),
        seconds=sum(pair.seconds for pair in pairs),
        pitfall_style=Markup(read_template("pitfall.css")),
    )
    return folder / "index.html"


def _show(pair: Pair, name: str) -> Way:
    sides: tuple[Side, ...] = pair.wrong if name == "wrong" else pair.right
    values = [one.value for one in sides]
    return Way(
        name,
        "Wrong" if name == "wrong" else "Right",
        write_tell_tale(fmean(values), pair.facts["unit"]),
        tuple(write_tell_tale(one, pair.facts["unit"]) for one in values),
        sides[0].said,
        sides[0].rows,
        _draw(sides[0].figure),
        pair.code[name],
    )


def write_tell_tale(value: float, unit: str) -> str:
    """Return a tell-tale with its unit: "+2.4 points", "1.47 nats", "8"."""
    if unit in ("percent", "points"):
        return write_value(value, unit, 1)
    if unit == "times":
        return f"{value:.1f} ×"
    if unit == "count":
        return f"{value:.0f}" if value == int(value) else f"{value:.1f}"
    number = f"{value:.3g}" if abs(value) >= 1e-3 else "0" if value == 0 else f"{value:.1e}"
    return f"{number} {unit}".rstrip()


def _write_difference(pair: Pair) -> str:
    unit = pair.facts["unit"]
    if unit == "percent":
        return write_value(pair.difference, "points", 1)
    text = write_tell_tale(pair.difference, unit)
    return text if text.startswith(("+", "-")) else f"+{text}"


def _draw(figure: "Figure") -> str:
    buffer = io.BytesIO()
    save_figure(figure, buffer, dpi=120)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
