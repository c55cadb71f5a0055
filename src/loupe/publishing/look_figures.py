"""What evaluations found, drawn by the kind of its blocks: charts, bars, matrices, maps, galleries."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from loupe.data import ImageDataset
from loupe.evaluations import Bars, Chart, Gallery, HeatMap, Look, Looks, Matrix, Scatter, ShownImage
from loupe.figures.class_bars import ClassBar, draw_class_bars
from loupe.figures.confusion_matrix import draw_confusion
from loupe.figures.heat_map import draw_heat_map
from loupe.figures.image_grid import draw_image_grid
from loupe.figures.image_map import draw_image_map
from loupe.figures.line_chart import Curve, draw_lines
from loupe.publishing.report_figure import Origin, ReportFigure, join_sentences

_FROM_RESULT = {"confusion", "class_accuracy"}  # drawn from the result, which every run has
_MOST_PICTURES, _COLUMNS = 24, 6


def draw_looks(
    looks: Looks, images: Mapping[str, ImageDataset], class_names: Sequence[str], origin: Origin
) -> Iterator[ReportFigure]:
    """Yield a figure for each block of each look that can be one; tables are none.

    Args:
        looks: what is kept of evaluations.
        images: of splits at hand, by name; never the test set.
        class_names: one name a class.
        origin: the run.
    """
    for look in looks.looks:
        if look.name.partition(":")[0] in _FROM_RESULT or look.failure:
            continue
        drawn = [one for block in look.blocks if (one := draw_block(block, look, looks, images, class_names))]
        for number, (figure, note) in enumerate(drawn, start=1):
            base = name_look_figure(look)
            name = f"{base}-{number}" if len(drawn) > 1 else base
            sentences = [
                f"{look.title}, {look.num_images:,} {name_split(look.split)}",
                look.sentence,
                note,
                origin.describe(),
            ]
            yield ReportFigure(f"{name}-{look.split}", look.heading, join_sentences(sentences), figure)


def name_look_figure(look: Look) -> str:
    """Return how the names of a look's figures begin: "top_k_accuracy-k-3"."""
    return look.name.replace(":", "-").replace("=", "-")


def name_split(split: str) -> str:
    """Return whose images a look is at: "test images"."""
    return f"images of {split}" if split == "other data" else f"{split} images"


def draw_block(
    block: object,
    look: Look,
    looks: Looks,
    images: Mapping[str, ImageDataset],
    class_names: Sequence[str],
) -> tuple[Figure, str] | None:
    """Return a block as a figure, and what a reader has to know of it; None if it is none on paper."""
    if isinstance(block, Chart):
        return _draw_chart(block), block.note
    if isinstance(block, Bars):
        bars = [
            ClassBar(
                one.name,
                one.value,
                one.interval.low if one.interval else None,
                one.interval.high if one.interval else None,
            )
            for one in block.bars
        ]
        return (
            (draw_class_bars([(block.title or "share of images", bars, block.overall)]), "") if bars else None
        )
    if isinstance(block, Matrix):
        return draw_confusion(np.array(block.counts), block.names, title=block.title), block.note
    if isinstance(block, HeatMap):
        values = np.array(block.values, dtype=float)  # None becomes NaN
        return draw_heat_map(values, block.rows, block.columns, block.axes), block.note
    if isinstance(block, Scatter):
        wrong = [bool(one) for one in block.wrong]
        figure = draw_image_map(np.array(block.positions), block.labels, wrong, class_names, block.axes)
        return figure, "Colour and shape say the true class, a ring that the network takes it for another"
    if isinstance(block, Gallery):
        return _draw_gallery(block, look, looks, images)
    return None


def _draw_chart(chart: Chart) -> Figure:
    scale = 100 if chart.is_percent else 1

    def written(values: Sequence[float | None]) -> list[float | None]:
        return [None if value is None else scale * value for value in values]

    curves = [
        Curve(one.name, written(one.values), written(one.low), written(one.high), is_level=one.is_dashed)
        for one in chart.lines
    ]
    y_label = f"{chart.y_label} (%)" if chart.is_percent else chart.y_label
    return draw_lines(chart.x, curves, x_label=chart.x_label, y_label=y_label)


def _draw_gallery(
    gallery: Gallery, look: Look, looks: Looks, images: Mapping[str, ImageDataset]
) -> tuple[Figure, str] | None:
    found = [
        (one, pixels)
        for one in gallery.images[:_MOST_PICTURES]
        if (pixels := _find_pixels(one, look, looks, images)) is not None
    ]
    if not found:
        return None
    titles = ["\n".join(filter(None, [one.title, *one.lines, *one.notes])) for one, _ in found]
    pixels = np.stack([picture for _, picture in found])
    figure = draw_image_grid(pixels, titles, columns=min(_COLUMNS, len(found)))
    count = len(gallery.images)
    note = f"{len(found)} of {count} images" if len(found) < count else ""
    above = "Above each image, the class the network names, and what it is"
    return figure, join_sentences([note, above if look.name.startswith("mistakes") else ""])


def _find_pixels(
    image: ShownImage, look: Look, looks: Looks, images: Mapping[str, ImageDataset]
) -> np.ndarray | None:
    """Return (height, width, 1 or 3) uint8; None of an image that is not at hand."""
    split = image.split or look.shown_split
    kept = looks.pictures.get(split)
    try:
        pixels = kept.find(image.index) if kept is not None else images[split].images[image.index]
    except (KeyError, IndexError):
        return None
    channels = 1 if len(pixels) < 3 else 3
    picture: np.ndarray = pixels[:channels].permute(1, 2, 0).cpu().numpy()
    return picture
