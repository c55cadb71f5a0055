"""Where images come from: one file a dataset.

A source is a registered function that returns `SourceImages`; its keyword parameters are settings
of the recipe's `[data]` table.
"""

from dataclasses import dataclass

from loupe.data.dataset import ImageDataset
from loupe.registry import Registry


@dataclass(frozen=True)
class SourceImages:
    """What a source delivers: training and test images, and a validation set if it has its own.

    A source whose images come and go registers with `can_grow=True`: sides then follow from each image.

    Args:
        test_part: with what probability an image became a test image; None if the test images are given.
    """

    train: ImageDataset
    test: ImageDataset
    validation: ImageDataset | None = None
    test_part: float | None = None


SOURCES = Registry("dataset", "loupe.data.sources", given=(), list_command="loupe datasets")
register_dataset = SOURCES.register


def is_mirrorable(name: str) -> bool:
    """Return whether a mirrored image keeps its class; true unless the dataset was registered otherwise.

    A source says no with `is_mirrorable=False`.
    """
    return bool(SOURCES.facts(name).get("is_mirrorable", True))
