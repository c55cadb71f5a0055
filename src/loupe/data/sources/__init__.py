"""Where images come from: one file a dataset.

A source is a registered function that returns `SourceImages`; its keyword parameters are settings
of the recipe's `[data]` table.
"""

from dataclasses import dataclass

from loupe.data.dataset import ImageDataset
from loupe.registry import Registry


@dataclass(frozen=True)
class SourceImages:
    """What a source delivers: training and test images, and a validation set if it has its own."""

    train: ImageDataset
    test: ImageDataset
    validation: ImageDataset | None = None


SOURCES = Registry("dataset", "loupe.data.sources", given=(), list_command="loupe datasets")
register_dataset = SOURCES.register
