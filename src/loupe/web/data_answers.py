"""A data card as the interface answers it: measured on the images themselves; the test set stays locked."""

import math
from typing import Any

from pydantic import BaseModel, Field
from torch import Tensor

from loupe.data import SOURCES, ImageDataset, build_augmentation
from loupe.data.normalization import count_levels, measure_normalization
from loupe.figures.class_balance import MOST_CLASSES, pick_extremes
from loupe.reports.charts import LineChart, Series, draw_line_chart
from loupe.reports.data_card import compare_presets, describe_balance, pick_one_per_class
from loupe.reports.pictures import encode_png
from loupe.runtime import Streams
from loupe.using.opened_run import OpenedRun
from loupe.web.inside_answers import Gallery, show_image

_PREVIEWED_IMAGES, _PREVIEWED_DRAWS = 4, 7
_COLOURS = (("grey", "c3"),), (("red", "c2"), ("green", "c4"), ("blue", "c1"))


class DataCard(BaseModel):
    """What the images of a run are."""

    run: str
    title: str
    source: str
    origin: str
    class_names: list[str]
    image_shape: tuple[int, int, int] = Field(description="Channels, height, width.")
    counts: dict[str, list[int]] = Field(description="Images by class of each split.")
    balance: str
    balance_classes: list[int] = Field(
        description="Classes to draw: all, or of many those with the most and those with the fewest images."
    )
    mean: list[float]
    std: list[float]
    presets: list[dict[str, Any]] = Field(description="Known constants beside the measured ones.")
    one_per_class: Gallery = Field(description="The first page of training images, one of each class.")
    pixel_range: tuple[int, int] = Field(description="Smallest and largest value of a training pixel.")
    used_values: list[int] = Field(description="How many of the 256 values occur, by channel.")
    pixel_chart: str = Field(description="Distribution of pixel values as an HTML figure.")
    augmentations: list[str]
    preview: list[list[str]] = Field(description="An image, then draws of its augmentation; PNG addresses.")
    digests: dict[str, str]


def describe_data(opened: OpenedRun) -> DataCard:
    """Return the data card of a run's images.

    Raises:
        LoupeError: the data is gone, or not what it was.
    """
    splits, recipe = opened.splits, opened.recipe
    train = splits.train
    normalization = measure_normalization(train.images)
    sample = _pick_sample(opened)
    names, levels = train.class_names, count_levels(train.images)
    used = levels.sum(0).nonzero().flatten()
    return DataCard(
        run=opened.run.path.name,
        title=recipe.data.name,
        source=train.source,
        origin=SOURCES.facts(recipe.data.name).get("origin", ""),
        class_names=list(names),
        image_shape=(train.in_channels, *train.image_size),
        counts={
            "training": train.class_counts(),
            "validation": splits.validation.class_counts(),
            "test": splits.test.class_counts(),
        },
        balance=describe_balance(names, train.class_counts()),
        balance_classes=pick_extremes(train.class_counts()),
        mean=list(normalization.mean),
        std=list(normalization.std),
        presets=[
            {
                "name": row.name,
                "origin": row.origin,
                "mean": list(row.normalization.mean),
                "std": list(row.normalization.std),
                "verdict": row.verdict,
                "problem": row.problem,
            }
            for row in compare_presets(normalization)
        ],
        one_per_class=_show_page(train, sample, 0),
        pixel_range=(int(used.min()), int(used.max())),
        used_values=(levels > 0).sum(1).tolist(),
        pixel_chart=_draw_pixel_values(levels),
        augmentations=[choice.name for choice in recipe.data.augment],
        preview=_preview(opened, sample[:_PREVIEWED_IMAGES]) if recipe.data.augment else [],
        digests={
            "training": train.digest,
            "validation": splits.validation.digest,
            "test": splits.test.digest,
        },
    )


def show_one_per_class(opened: OpenedRun, page: int) -> Gallery:
    """Return a page of training images, one of each class, in the order of the classes.

    Raises:
        LoupeError: the data is gone, or not what it was.
    """
    return _show_page(opened.splits.train, _pick_sample(opened), page)


def _pick_sample(opened: OpenedRun) -> list[int]:
    generator = Streams(opened.recipe.split_seed).generator("one per class")
    indices: list[int] = pick_one_per_class(opened.splits.train, generator).tolist()
    return indices


def _show_page(train: ImageDataset, sample: list[int], page: int) -> Gallery:
    num_pages = max(1, math.ceil(len(sample) / MOST_CLASSES))
    page = min(page, num_pages - 1)
    return Gallery(
        total=len(sample),
        page=page,
        num_pages=num_pages,
        images=[show_image("train", train, index) for index in sample[page * MOST_CLASSES :][:MOST_CLASSES]],
    )


def _draw_pixel_values(levels: Tensor) -> str:
    """Return the chart of (channels, 256) numbers of pixels."""
    colours = _COLOURS[0] if len(levels) == 1 else _COLOURS[1]
    series = []
    for (name, colour), counts in zip(colours, levels.double(), strict=False):
        shares = (counts / counts.sum()).view(64, 4).sum(1).tolist()
        series.append(Series(name, shares, colour))
    chart = LineChart(
        "Pixel values, in steps of four",
        "of the pixels (%)",
        range(0, 256, 4),
        series,
        scale=100,
        digits=2,
        zero_line=True,
        x_label="pixel value",
    )
    return str(draw_line_chart(chart))


def _preview(opened: OpenedRun, indices: list[int]) -> list[list[str]]:
    """Return images with independent draws of the recipe's augmentation beside them."""
    train = opened.splits.train
    augmentations = [
        build_augmentation(choice.name, **choice.settings) for choice in opened.recipe.data.augment
    ]
    generator = Streams(opened.recipe.split_seed).generator("augment")
    rows = []
    for index in indices:
        image = train.images[index]
        batch = image.expand(_PREVIEWED_DRAWS, *image.shape).contiguous()
        for augmentation in augmentations:
            batch = augmentation.apply(batch, augmentation.draw(batch, generator))
        rows.append([encode_png(one) for one in (image, *batch)])
    return rows
