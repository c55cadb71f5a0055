"""What an audit found, and how it is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from torch import Tensor

from loupe.data import ImageDataset
from loupe.statistics import Interval

Kind = Literal["wrong_labels", "duplicates", "test_copies", "outliers", "flaws"]
TITLES: Mapping[Kind, str] = {
    "wrong_labels": "Labels that may be wrong",
    "duplicates": "Duplicates",
    "test_copies": "Copies of test images",
    "outliers": "Outliers",
    "flaws": "Blurred, dark, bright, blank and odd-sized",
}
"""Kinds of findings, in the order of the page."""


@dataclass(frozen=True)
class Suspect:
    """An image that somebody should look at.

    Args:
        index: place among the audited images.
        score: how odd it is, larger is odder; what it measures stands in the page's note of its kind.
        reason: in words.
        suggested: label it may have in truth; None where nothing is suggested.
        other: place of the image it is a duplicate of; None where it is none.
        place_in_class: place among the suspects of its kind and class, from 1.
        test_image: digest of the test image it is a copy of, hexadecimal; "" where it is none.
    """

    index: int
    score: float
    reason: str
    suggested: int | None = None
    other: int | None = None
    place_in_class: int | None = None
    test_image: str = ""


@dataclass(frozen=True, eq=False)
class AuditedImages:
    """The images of an audit: those of training, then those of validation; never a test image.

    Args:
        images: pixels, labels, files.
        num_training: how many of them are training images.
        sources: (images,) int64, place of each among the images as the recipe loads them.
    """

    images: ImageDataset
    num_training: int
    sources: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def side(self, index: int) -> str:
        """Return "training" or "validation"."""
        return "training" if index < self.num_training else "validation"

    def label(self, index: int) -> str:
        """Return the name of the class an image stands under."""
        return self.images.class_names[int(self.images.labels[index])]

    def file(self, index: int) -> str:
        """Return the path of an image's file, "" where there is none."""
        return self.images.paths[index] if self.images.paths is not None else ""

    def name(self, index: int) -> str:
        """Return what an image is called: its file, or its place."""
        return self.file(index) or f"image {int(self.sources[index])}"

    def key(self, index: int) -> str:
        """Return the digest by which the image is found again, hexadecimal."""
        return self.images.table.identities[index].numpy().tobytes().hex()


@dataclass(frozen=True)
class TestCopies:
    """Test images that are not as fresh as they should be; counted without a look at one.

    Args:
        total: test images.
        copied: of these, with a copy among the training or validation images, to the bit or nearly.
        exact: of those, to the bit.
        repeated: test images that repeat an earlier test image, to the bit or nearly.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    total: int
    copied: int
    exact: int
    repeated: int

    def describe(self) -> list[str]:
        """Return what a reader of figures on test should know; nothing where there is nothing."""
        told = []
        if self.copied:
            have = "has" if self.copied == 1 else "have"
            told.append(
                f"{self.copied:,} of {self.total:,} test images {have} a copy among these images "
                f"({self.exact:,} to the bit): figures on test flatter. Drop the copies from training. Only "
                "pixels were compared, which is no look at the test set."
            )
        if self.repeated:
            told.append(
                f"{self.repeated:,} of {self.total:,} test images repeat{'s' * (self.repeated == 1)} another "
                "one, which counts twice."
            )
        return told


@dataclass(frozen=True, eq=False)
class Audit:
    """What an audit found.

    Args:
        name: of the recipe.
        num_folds: networks that were trained; each image was scored by the one that had not seen it.
        audited: the images.
        suspects: by kind, those to look at first come first.
        accuracy: part of all labels that the networks agree with.
        interval: of the accuracy, over images.
        level: of the interval.
        thresholds: (classes,) float64, of confident learning.
        joint: (classes, classes) int64, label (row) against what the scores say (column).
        in_test: of the test images, how many have a copy among the others, and how many repeat one another.
        notes: what a reader should know, a sentence each.
    """

    name: str
    num_folds: int
    audited: AuditedImages
    suspects: Mapping[Kind, Sequence[Suspect]]
    accuracy: float
    interval: Interval
    level: float
    thresholds: Tensor
    joint: Tensor
    in_test: "TestCopies"
    notes: tuple[str, ...]

    @property
    def swapped(self) -> list[tuple[str, str, int]]:
        """Pairs of classes: label, what the scores say, and of how many images; most first."""
        names = self.audited.images.class_names
        pairs = [
            (names[row], names[column], count)
            for row, counts in enumerate(self.joint.tolist())
            for column, count in enumerate(counts)
            if row != column and count
        ]
        return sorted(pairs, key=lambda pair: -pair[2])

    def describe(self) -> str:
        """Return what was found, in one sentence."""
        counts = {kind: len(found) for kind, found in self.suspects.items()}
        return (
            f"Of {len(self.audited):,} training and validation images {counts['wrong_labels']:,} may have "
            f"wrong labels, {counts['duplicates']:,} repeat an earlier picture, "
            f"{counts['test_copies']:,} are copies of test images, {counts['outliers']:,} are unlike all "
            f"others, and {counts['flaws']:,} are blurred, dark, bright, blank or of an odd size."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what `audit.json` holds."""
        names = self.audited.images.class_names
        return {
            "recipe": self.name,
            "folds": self.num_folds,
            "images": {
                "training": self.audited.num_training,
                "validation": len(self.audited) - self.audited.num_training,
            },
            "found": {kind: len(found) for kind, found in self.suspects.items()},
            "summary": self.describe(),
            "out_of_fold_accuracy": self.accuracy,
            "interval": {"low": self.interval.low, "high": self.interval.high, "level": self.level},
            "thresholds": dict(zip(names, self.thresholds.tolist(), strict=True)),
            "joint": {"classes": list(names), "counts": self.joint.tolist()},
            "test_images": asdict(self.in_test),
            "notes": list(self.notes),
        }
