"""What the report of a classifier shows of its classes, its mistakes and the images it is unsure of."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from markupsafe import Markup
from torch import Tensor

from loupe.data import ImageDataset
from loupe.evaluations import (
    compute_class_scores,
    group_by_cell,
    measure_difficulty,
    rank_mistakes,
    rank_uncertain,
)
from loupe.metrics import Metrics, Predictions, rank_confused_pairs
from loupe.reports.page import format_percent
from loupe.reports.picture_sheet import Picture, PictureSheet
from loupe.reports.scatter import Point, draw_scatter
from loupe.runs import MistakeRecord, RunFolder, RunResult
from loupe.runs.result import Score

_MOST_WRONG, _MOST_UNCERTAIN, _MOST_RIGHT = 24, 12, 12
_MOST_IN_CELL = 12
_SPACE = "\N{NO-BREAK SPACE}"
_SHEET_PIXELS = 1_000_000  # of all cells together; about 1.5 MB of a page


@dataclass(frozen=True)
class ShownPrediction:
    """One image with what the network says of it.

    Args:
        picture: the image.
        true_class: what it is.
        predicted_class: what the network takes it for.
        confidence: probability of that, in [0, 1].
        runner_up: the next most probable class.
        runner_up_confidence: probability of that, in [0, 1].
        neighbours: the nearest training images, nearest first.
        neighbour_classes: their classes in words: "2 × Coat, 1 × Shirt".
    """

    picture: Picture
    true_class: str
    predicted_class: str
    confidence: float
    runner_up: str
    runner_up_confidence: float
    neighbours: tuple[Picture, ...] = ()
    neighbour_classes: str = ""

    @property
    def is_right(self) -> bool:
        return self.true_class == self.predicted_class


@dataclass(frozen=True)
class Cell:
    """The images behind one cell of the confusion matrix, as many as are shown, most confident first."""

    true: int
    guess: int
    title: str
    count: int
    shown: tuple[ShownPrediction, ...]


@dataclass(frozen=True)
class HardExample:
    """A training image that was hard to learn, and how hard."""

    picture: Picture
    class_name: str
    mean_loss: float
    story: str


def show_mistakes(
    folder: RunFolder, result: RunResult, validation: ImageDataset, judged: Score | None
) -> Any:
    """Return what `mistakes.html` shows: figures of the judged split, pictures of validation images only.

    Args:
        folder: the run's folder.
        result: what the run found.
        validation: its validation images, in the order of the stored predictions.
        judged: the figures that headline the report; None if no epoch was completed.
    """
    if not isinstance(judged, Metrics) or result.best is None:
        return None
    predictions, record = folder.read_predictions()["validation"], folder.read_mistakes()
    sheet = PictureSheet(validation.image_size)
    gallery = _Gallery(validation, predictions, record, sheet)
    wrong, unsure = rank_mistakes(predictions), rank_uncertain(predictions)[:_MOST_UNCERTAIN]
    right = predictions.is_right.nonzero().flatten()
    drawn = torch.randperm(len(right), generator=torch.Generator().manual_seed(0))[:_MOST_RIGHT]
    pairs = rank_confused_pairs(judged.confusion, validation.class_names)
    of_validation = result.best.validation
    assert isinstance(of_validation, Metrics)
    return {
        "scores": compute_class_scores(judged.confusion, judged.class_names),
        "pairs": pairs,
        "validation": of_validation,
        "worst_cell": find_worst_cell(of_validation),
        "wrong": [gallery.show(index, with_neighbours=True) for index in wrong[:_MOST_WRONG].tolist()],
        "num_wrong": len(wrong),
        "num_validation": len(validation),
        "num_searched": int(record.num_searched[0]),
        "unsure": [gallery.show(index) for index in unsure.tolist()],
        "right": [gallery.show(index) for index in right[drawn].tolist()],
        "cells": list(show_cells(predictions, gallery)),
        "map": draw_map(record, predictions, validation),
        "num_mapped": len(record.mapped),
        "hardest": list(_show_hardest(folder, record, validation, sheet)),
        "followed": _describe_examples(folder),
        "style": sheet.render_style(),
    }


class _Gallery:
    """Images of the validation set with what the network says of them, their pictures on one sheet."""

    def __init__(
        self, images: ImageDataset, predictions: Predictions, record: MistakeRecord, sheet: PictureSheet
    ) -> None:
        self.images = images
        self.sheet = sheet
        self.record = record
        self.labels = predictions.labels.tolist()
        probabilities, classes = predictions.probabilities.topk(2, dim=1)
        self.probabilities, self.classes = probabilities.tolist(), classes.tolist()
        self.searched = {image: place for place, image in enumerate(record.mistakes.tolist())}

    def show(self, index: int, *, with_neighbours: bool = False) -> ShownPrediction:
        names = self.images.class_names
        true = names[self.labels[index]]
        (guess, runner_up), (sure, less) = self.classes[index], self.probabilities[index]
        alt = f"validation image {index}, {true}: {names[guess]}, {format_percent(sure, 1)} sure"
        shown = ShownPrediction(
            self.sheet.show_from(self.images, index, alt), true, names[guess], sure, names[runner_up], less
        )
        if not with_neighbours or index not in self.searched:
            return shown
        return replace(shown, **self.find_near(self.searched[index]))

    def find_near(self, place: int) -> dict[str, Any]:
        near = self.record.neighbours[place].tolist()
        far = self.record.distances[place].tolist()
        names = self.images.class_names
        counts = Counter(names[self.record.find_picture(image)[1]] for image in near)
        return {
            "neighbours": tuple(
                show_training_image(self.record, self.sheet, image, names, f", distance {one:.3f}")
                for image, one in zip(near, far, strict=True)
            ),
            "neighbour_classes": ", ".join(
                f"{count}{_SPACE}×{_SPACE}{name}" for name, count in counts.items()
            ),
        }


def show_training_image(
    record: MistakeRecord, sheet: PictureSheet, image: int, class_names: tuple[str, ...], more: str
) -> Picture:
    """Return the picture of a training image that the record keeps; its class stands before the comma."""
    pixels, label = record.find_picture(image)
    return sheet.show("train", image, pixels, f"{class_names[label]}, training image {image}{more}")


def show_cells(predictions: Predictions, gallery: _Gallery) -> Iterator[Cell]:
    """Yield the cells of the confusion matrix with pictures, as many as a page can hold.

    Every cell gets its most confident image before any gets a second one.
    """
    cells, names = group_by_cell(predictions), gallery.images.class_names
    room = max(100, _SHEET_PIXELS // gallery.sheet.pixels_of_one)
    each = _MOST_IN_CELL
    while each > 1 and sum(min(len(images), each) for images in cells.values()) > room:
        each -= 1
    for (true, guess), images in sorted(cells.items()):
        title = (
            f"{names[true]}, said rightly" if true == guess else f"{names[true]}, taken for {names[guess]}"
        )
        shown = tuple(gallery.show(index) for index in images[:each].tolist())
        yield Cell(true, guess, title, len(images), shown)


def find_worst_cell(metrics: Metrics) -> str:
    """Return the id of the cell of the most confused pair; empty if nothing is confused."""
    pairs = rank_confused_pairs(metrics.confusion, metrics.class_names, most=1)
    names = metrics.class_names
    return "".join(f"cell-{names.index(one.true_class)}-{names.index(one.predicted_class)}" for one in pairs)


def draw_map(record: MistakeRecord, predictions: Predictions, images: ImageDataset) -> Markup | None:
    """Return the map of the validation images, wrong answers ringed; None if there is none."""
    if not len(record.mapped):
        return None
    names, right = images.class_names, predictions.is_right[record.mapped].tolist()
    labels, guesses = (one[record.mapped].tolist() for one in (predictions.labels, predictions.predicted))
    points = [
        Point(x, y, label, "" if is_right else f"{names[label]}, taken for {names[guess]} (image {index})")
        for (x, y), label, guess, is_right, index in zip(
            record.positions.tolist(), labels, guesses, right, record.mapped.tolist(), strict=True
        )
    ]
    first, second = (f"{format_percent(share, 0)} of the variance" for share in record.variance.tolist())
    return draw_scatter(
        points,
        names,
        title="Validation images as the network sees them",
        axes=(f"first principal component: {first}", f"second: {second}"),
    )


def _show_hardest(
    folder: RunFolder, record: MistakeRecord, images: ImageDataset, sheet: PictureSheet
) -> Iterator[HardExample]:
    examples = folder.read_examples()
    if examples is None or not len(record.hardest):
        return
    difficulty = measure_difficulty(examples)
    for image in record.hardest.tolist():
        place = int(torch.searchsorted(difficulty.indices, image))
        picture = show_training_image(record, sheet, image, images.class_names, "")
        _, label = record.find_picture(image)
        learnt, forgotten = int(difficulty.epoch_learnt[place]), int(difficulty.forgetting_events[place])
        if learnt:
            story = f"learnt in epoch {learnt}"
        else:
            story = "wrong at the end" if bool(difficulty.ever_right[place]) else "never right"
        story += f", forgotten {forgotten}{_SPACE}×" if forgotten else ""
        yield HardExample(picture, images.class_names[label], float(difficulty.mean_loss[place]), story)


def _describe_examples(folder: RunFolder) -> str:
    """Return a sentence on all training images that were followed; empty if none were."""
    examples = folder.read_examples()
    if examples is None or not examples.num_epochs:
        return ""
    difficulty, count = measure_difficulty(examples), len(examples.indices)

    def share(of: Tensor) -> str:
        return f"{int(of.sum()):,} ({format_percent(float(of.double().mean()), 1)})"

    return (
        f"{count:,} training images were followed over {examples.num_epochs} epochs, without augmentation. "
        f"Right from the first epoch on: {share(difficulty.epoch_learnt == 1)}; forgotten at least once: "
        f"{share(difficulty.forgetting_events > 0)}; never right: {share(~difficulty.ever_right)}."
    )
