"""What evaluations found as a part of a page: chapters, headings with their split, blocks, pictures."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from markupsafe import Markup

from loupe.data import ImageDataset
from loupe.evaluations import (
    Bars,
    Chart,
    HeatMap,
    Look,
    Looks,
    Matrix,
    MatrixCell,
    Scatter,
    ShownImage,
    Table,
)
from loupe.evaluations.finding import write_value
from loupe.reports.charts import LineChart, Series, draw_line_chart
from loupe.reports.heat_map import draw_heat_map
from loupe.reports.page import render_page
from loupe.reports.picture_sheet import Picture, PictureSheet
from loupe.reports.scatter import Point, draw_scatter

_SHEET_PIXELS = 1_000_000  # of all images behind cells together; about 1.5 MB of a page
_NARROW_COLUMNS = 4
_MOST_BARS = 40  # one below the other; of more, as many of the lowest and of the highest as half of these
_COLOURS = ("c1", "c2", "c3", "c4", "c5")
_CONFUSION = "confusion"


@dataclass(frozen=True)
class Chapter:
    """Looks under one heading.

    Args:
        title: the heading.
        id: its address on the page.
        rows: looks, those that are narrow by twos.
        shows_images: whether there is a picture of the split among them.
    """

    title: str
    id: str
    rows: tuple[tuple[Look, ...], ...]
    shows_images: bool


@dataclass(frozen=True)
class Findings:
    """What evaluations found, as HTML, with the style rules it needs, and its chapters."""

    html: Markup
    style: Markup
    chapters: tuple[Chapter, ...]


def render_looks(looks: Looks, images: Mapping[str, ImageDataset], class_names: Sequence[str]) -> Findings:
    """Return what evaluations found as a part of a page.

    Args:
        looks: what is kept of them.
        images: images of splits at hand, by the names that looks give them; those of others are shown if
            their pixels are kept.
        class_names: one name a class.
    """
    sizes = [one.image_size for one in images.values()]
    sizes += [(one.pixels.shape[2], one.pixels.shape[3]) for one in looks.pictures.values()]
    sheet = PictureSheet(sizes[0] if sizes else (1, 1))
    drawing = _Drawing(looks, images, class_names, sheet)
    chapters = tuple(split_chapters(looks.looks))
    html = render_page("looks.html", chapters=chapters, draw=drawing, first=_first_with_images(chapters))
    return Findings(Markup(html), sheet.render_style(), chapters)  # text is escaped in the template


def split_chapters(looks: Iterable[Look]) -> Iterator[Chapter]:
    """Yield the chapters, in the order of their first looks."""
    by_chapter: dict[str, list[Look]] = {}
    for look in sorted(looks, key=lambda one: (one.order, one.name)):
        by_chapter.setdefault(look.chapter, []).append(look)
    taken: set[str] = set()
    for title, some in by_chapter.items():
        slug = re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-") or "look"
        name = slug if slug not in taken | _TAKEN else f"{slug}-{len(taken) + 1}"
        taken.add(name)
        rows = [
            row
            for is_narrow, same in groupby(some, key=_is_narrow)
            for row in _pair(list(same), by=2 if is_narrow else 1)
        ]
        shows = any(
            one.kind == "gallery" or getattr(one, "cells", ()) for look in some for one in look.blocks
        )
        yield Chapter(title, name, tuple(rows), shows)


_TAKEN = {
    "answers",
    "weights",
    "curves",
    "inside",
    "recipe",
    "layers",
    "record",
    "baselines",
    "reconstructions",
}


def _pair(looks: list[Look], by: int) -> Iterator[tuple[Look, ...]]:
    for start in range(0, len(looks), by):
        yield tuple(looks[start : start + by])


def _is_narrow(look: Look) -> bool:
    """Return whether a look stands in half of a page's width."""
    return bool(look.blocks) and all(
        (isinstance(one, Bars) and len(one.bars) <= _MOST_BARS)
        or (isinstance(one, Table) and len(one.columns) <= _NARROW_COLUMNS)
        for one in look.blocks
    )


def _first_with_images(chapters: Iterable[Chapter]) -> str:
    return next((one.title for one in chapters if one.shows_images), "")


class _Drawing:
    """What the template asks for while it draws: pictures are put on the sheet as they come."""

    def __init__(
        self,
        looks: Looks,
        images: Mapping[str, ImageDataset],
        class_names: Sequence[str],
        sheet: PictureSheet,
    ) -> None:
        self.looks = looks
        self.images = images
        self.class_names = class_names
        self.sheet = sheet
        self.write = write_value

    def picture(self, image: ShownImage, look: Look) -> Picture | None:
        """Return how to show an image; None if its pixels are not at hand."""
        mark = {True: "✓ ", False: "✗ ", None: ""}[image.is_right]
        words = [f"{mark}{image.title}", *image.lines, *image.notes]
        return self._show(image.split or look.shown_split, image.index, ", ".join(filter(None, words)))

    def cell_picture(self, index: int, cell: MatrixCell, note: str, look: Look) -> Picture | None:
        """Return how to show an image behind a cell of a matrix."""
        return self._show(look.shown_split, index, f"{cell.title}, {note}")

    def _show(self, split: str, index: int, words: str) -> Picture | None:
        try:
            kept = self.looks.pictures.get(split)
            pixels = kept.find(index) if kept is not None else self.images[split].images[index]
        except (KeyError, IndexError):
            return None
        name = {"train": "training"}.get(split, split)
        return self.sheet.show(split, index, pixels, f"{name} image {index}, {words}".rstrip(", "))

    def cell_id(self, look: Look, row: int, column: int) -> str:
        """Return the address of the images behind a cell."""
        name = look.name.partition(":")[0]
        return f"cell-{row}-{column}" if name == _CONFUSION else f"cell-{name}-{row}-{column}"

    def limit_cells(self, matrix: Matrix) -> int:
        """Return how many images behind each cell a page can hold.

        Every cell gets its first image before any gets a second one.
        """
        room = max(100, _SHEET_PIXELS // self.sheet.pixels_of_one)
        counts = [len(cell.images) for cell in matrix.cells]
        each = max(counts, default=0)
        while each > 1 and sum(min(count, each) for count in counts) > room:
            each -= 1
        return each

    def chart(self, chart: Chart) -> Markup:
        """Return curves as an HTML figure."""
        series = [
            Series(
                line.name,
                line.values,
                colour,
                line.is_dashed,
                band=(line.low, line.high) if line.low and line.high else None,
            )
            for line, colour in zip(chart.lines, _COLOURS, strict=False)
        ]
        drawn = LineChart(
            chart.title,
            f"{chart.y_label} (%)" if chart.is_percent else chart.y_label,
            chart.x,
            series,
            scale=100 if chart.is_percent else 1,
            digits=2 if chart.is_percent else 4,
            x_label=chart.x_label,
        )
        return draw_line_chart(drawn)

    def scatter(self, block: Scatter, look: Look) -> Markup:
        """Return images as points, as an HTML figure."""
        points = [
            Point(x, y, label, wrong)
            for (x, y), label, wrong in zip(block.positions, block.labels, block.wrong, strict=True)
        ]
        title = block.title or f"{look.title}: {look.split}"
        return draw_scatter(points, self.class_names, title=title, axes=block.axes)

    def heat_map(self, block: HeatMap) -> Markup:
        """Return numbers by row and column as an HTML figure."""
        return draw_heat_map(block)

    def split_bars(self, block: Bars) -> list[tuple[str, Bars]]:
        """Return the lowest and the highest bars under titles of their own; none if there are few enough."""
        if len(block.bars) <= _MOST_BARS:
            return []
        half = _MOST_BARS // 2
        ranked = tuple(sorted(block.bars, key=lambda bar: bar.value))
        return [
            (f"The {half} lowest", replace(block, bars=ranked[:half])),
            (f"The {half} highest", replace(block, bars=ranked[-half:])),
        ]

    def bars(self, block: Bars) -> list[dict[str, Any]]:
        """Return the bars with their ends in percent of the track."""
        return [
            {
                "bar": bar,
                "width": 100 * bar.value,
                "left": 100 * bar.interval.low if bar.interval else None,
                "reach": 100 * (bar.interval.high - bar.interval.low) if bar.interval else None,
                "title": (
                    f"{write_value(bar.interval.low, 'percent').removesuffix(' %')} to "
                    f"{write_value(bar.interval.high, 'percent')}"
                    if bar.interval
                    else ""
                ),
            }
            for bar in block.bars
        ]
