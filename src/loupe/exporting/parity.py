"""Whether an exported file computes what the network computes, over real images."""

import math
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from loupe.errors import LoupeError
from loupe.exporting.formats import ExportFormat

TOLERANCE = 1e-4
"""Largest difference of a logit, or of a pixel in [0, 1], that counts as rounding."""

_BATCH_SIZE = 256


@dataclass(frozen=True)
class Parity:
    """How an exported file compares with the network it was written from.

    Args:
        num_images: real images compared.
        largest_difference: of a logit; of a pixel in [0, 1] where the network gives images back.
        num_other_answers: images for which the most probable class is another; 0 where there are no classes.
    """

    num_images: int
    largest_difference: float
    num_other_answers: int

    @property
    def is_kept(self) -> bool:
        return self.largest_difference < TOLERANCE and not self.num_other_answers


def compare_file(
    file: Path, form: ExportFormat, images: Tensor, expected: Tensor, *, is_classifier: bool
) -> Parity:
    """Return how a file compares with its network, over batches of two sizes, one of them a single image.

    Args:
        file: the exported file.
        form: what wrote it, and runs it.
        images: (images, channels, height, width) uint8, at least one.
        expected: what the network gives for them: logits, or pixels in [0, 1].
        is_classifier: whether these are logits.

    Raises:
        LoupeError: the file cannot be run.
    """
    try:
        found, *others = form.run(file, images, _BATCH_SIZE)
        alone, *_ = form.run(file, images[:1], 1)
    except Exception as error:  # whatever the runtime says, the file is of no use
        raise LoupeError(
            "The exported file cannot be run, and was removed.",
            got=f"{type(error).__name__}: {str(error).partition(chr(10))[0][:160]}",
            allowed="a file that gives what the network gives",
            next_step="export in another format; `loupe export-formats` lists them",
        ) from None
    differences = [_measure(found, expected), _measure(alone, expected[:1])]
    if is_classifier:
        differences.append(_measure(others[0], expected.softmax(1)) if others else math.inf)
    has_form = isinstance(found, Tensor) and found.shape == expected.shape
    changed = int((found.argmax(1) != expected.argmax(1)).sum()) if is_classifier and has_form else 0
    return Parity(len(images), max(differences), changed)


def _measure(found: object, expected: Tensor) -> float:
    """Return the largest difference; infinite where a number is none, or the shapes differ."""
    if not isinstance(found, Tensor) or found.shape != expected.shape:
        return math.inf
    largest = float((found.double() - expected.double()).abs().max())
    return largest if math.isfinite(largest) else math.inf


def refuse_difference(parity: Parity) -> None:
    """Check that a file gives what its network gives.

    Raises:
        LoupeError: it does not.
    """
    if not parity.is_kept:
        raise LoupeError(
            "The exported file does not give what the network gives, and was removed.",
            got=f"a largest difference of {parity.largest_difference:.2g} over {parity.num_images:,} images, "
            f"and another class for {parity.num_other_answers:,} of them",
            allowed=f"a difference below {TOLERANCE:g}, and the same class for all",
            next_step="export in another format (`loupe export-formats` lists them); with --format onnx, "
            "another version of onnxruntime",
        )
