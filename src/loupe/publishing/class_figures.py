"""What a run's result says of its classes, drawn: confusion matrices and bars with intervals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from loupe.evaluations import compute_class_scores
from loupe.figures.class_balance import MOST_CLASSES
from loupe.figures.class_bars import ClassBar, draw_class_bars
from loupe.figures.confusion_matrix import draw_confusion
from loupe.metrics import Metrics
from loupe.publishing.report_figure import Origin, ReportFigure, join_sentences
from loupe.runs import RunFolder, RunResult
from loupe.runs.metric_values import Split
from loupe.statistics import Interval, compute_wilson_interval
from loupe.wording import count_of


@dataclass(frozen=True)
class ClassShares:
    """Precision, recall and F1 of a class, each with its interval; None where one is undefined.

    Args:
        name: of the class.
        num_images: that are of it.
        num_predicted: that were taken for it.
        precision: value and interval.
        recall: value and interval.
        f1: value and interval.
    """

    name: str
    num_images: int
    num_predicted: int
    precision: tuple[float, Interval] | None
    recall: tuple[float, Interval] | None
    f1: tuple[float, Interval] | None


def measure_classes(score: Metrics, level: float) -> list[ClassShares]:
    """Return precision, recall and F1 of each class with intervals at a level.

    Precision and recall are shares of images: Wilson's interval. F1 is 2 J / (1 + J), where J is the share
    of images right among those of the class or taken for it: the ends of Wilson's interval of J go that way.

    Args:
        score: of a split.
        level: of the intervals, in (0, 1).
    """
    found = []
    for index, one in enumerate(compute_class_scores(score.confusion, score.class_names).per_class):
        correct = score.confusion[index][index]
        precision = recall = f1 = None
        if one.precision is not None:
            precision = one.precision, compute_wilson_interval(correct, one.num_predicted, level)
        if one.recall is not None:
            recall = one.recall, compute_wilson_interval(correct, one.num_images, level)
        if one.f1 is not None:
            shared = one.num_images + one.num_predicted - correct
            ends = compute_wilson_interval(correct, shared, level)
            f1 = one.f1, Interval(*(2 * end / (1 + end) for end in (ends.low, ends.high)))
        found.append(ClassShares(one.name, one.num_images, one.num_predicted, precision, recall, f1))
    return found


def pick_worst(classes: Sequence[ClassShares], most: int = MOST_CLASSES) -> list[ClassShares]:
    """Return the classes with the least F1, least first, those without images last; all if few enough."""
    return sorted(classes, key=lambda one: (not one.num_images, one.f1[0] if one.f1 is not None else -1))[
        :most
    ]


def list_scores(result: RunResult) -> list[tuple[Split, Metrics]]:
    """Return the classifier's scores on validation, and on test if it was opened, from the stored result."""
    if result.best is None:
        return []
    scores: list[tuple[Split, object]] = [
        ("validation", result.best.validation),
        ("test", result.best.test),
    ]
    return [(split, score) for split, score in scores if isinstance(score, Metrics)]


def draw_classes(folder: RunFolder, result: RunResult) -> Iterator[ReportFigure]:
    """Yield bars and confusion matrices of each split that was judged."""
    origin = Origin.of(folder, result)
    for split, score in list_scores(result):
        of_what = f"{score.num_images:,} {split} images"
        yield _draw_bars(split, score, result.confidence, origin)
        for as_shares, how in ((False, "counts"), (True, "percent of the true class")):
            figure = draw_confusion(np.array(score.confusion), score.class_names, as_shares=as_shares)
            wrong = score.num_images - score.correct
            sentences = [
                f"Confusion matrix of {of_what}, in {how}: rows are true classes, columns predicted ones",
                f"{count_of(wrong, 'image')} off the diagonal; shades: percent of a row (square-root scale)",
                origin.describe(),
            ]
            name = f"confusion-{'percent' if as_shares else 'counts'}-{split}"
            title = f"Confusion matrix ({split}, {'percent' if as_shares else 'counts'})"
            yield ReportFigure(name, title, join_sentences(sentences), figure)


def _draw_bars(split: str, score: Metrics, level: float, origin: Origin) -> ReportFigure:
    classes = measure_classes(score, level)
    order = pick_worst(classes)
    scores = compute_class_scores(score.confusion, score.class_names)
    panels = []
    for field, title, overall in (
        ("precision", "precision", scores.macro_precision),
        ("recall", "recall", scores.macro_recall),
        ("f1", "F1", scores.macro_f1),
    ):
        bars = []
        for one in order:
            share: tuple[float, Interval] | None = getattr(one, field)
            bars.append(
                ClassBar(one.name, None)
                if share is None
                else ClassBar(one.name, share[0], share[1].low, share[1].high)
            )
        panels.append((title, bars, overall))
    of_which = (
        "each class" if len(order) == len(classes) else f"the worst {len(order)} of {len(classes):,} classes"
    )
    sentences = [
        f"Precision, recall and F1 of {of_which} on {score.num_images:,} {split} images, least F1 first",
        f"Black lines: {100 * level:g} % intervals over images; dotted: mean over classes",
        origin.describe(),
    ]
    title = f"Precision, recall and F1 ({split})"
    return ReportFigure(f"classes-{split}", title, join_sentences(sentences), draw_class_bars(panels))
