"""Precision, recall and F1 of each class, and their means over classes."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True)
class ClassScore:
    """How well one class is told from the others; each figure in [0, 1], or None where it is undefined.

    Args:
        name: of the class.
        num_images: images that are of this class.
        num_predicted: images that were taken for it.
        precision: share of the images taken for it that are of it; None if none was.
        recall: share of its images that were taken for it; None if it has none.
        f1: harmonic mean of the two, 2 correct / (images of it + images taken for it); None if it has no
            image: then it cannot be judged.
    """

    name: str
    num_images: int
    num_predicted: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class ClassScores:
    """The scores of all classes, and their macro averages: every class weighs the same.

    A macro average is over the classes that have images and for which the figure is defined; None if there
    is none.
    """

    per_class: tuple[ClassScore, ...]
    macro_precision: float | None
    macro_recall: float | None
    macro_f1: float | None

    @property
    def never_predicted(self) -> tuple[str, ...]:
        """Classes with images that no image was taken for: their precision is undefined, not 0."""
        return tuple(one.name for one in self.per_class if one.num_images and not one.num_predicted)

    @property
    def without_images(self) -> tuple[str, ...]:
        """Classes that have no image here: they cannot be judged."""
        return tuple(one.name for one in self.per_class if not one.num_images)


def compute_class_scores(confusion: tuple[tuple[int, ...], ...], class_names: tuple[str, ...]) -> ClassScores:
    """Return precision, recall and F1 of each class from confusion counts.

    Args:
        confusion: counts; row = true class, column = predicted class.
        class_names: one name a class.
    """
    scores = []
    for index, name in enumerate(class_names):
        correct, num_images = confusion[index][index], sum(confusion[index])
        num_predicted = sum(row[index] for row in confusion)
        scores.append(
            ClassScore(
                name,
                num_images,
                num_predicted,
                precision=correct / num_predicted if num_predicted else None,
                recall=correct / num_images if num_images else None,
                f1=2 * correct / (num_images + num_predicted) if num_images else None,
            )
        )
    judged = [one for one in scores if one.num_images]
    return ClassScores(
        tuple(scores),
        macro_precision=_average(one.precision for one in judged),
        macro_recall=_average(one.recall for one in judged),
        macro_f1=_average(one.f1 for one in judged),
    )


def _average(values: Iterable[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return fmean(defined) if defined else None
