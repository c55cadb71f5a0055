"""What a source of images delivers."""

from dataclasses import dataclass

from loupe.data.dataset import ImageDataset


@dataclass(frozen=True)
class SourceImages:
    """What a source delivers: training and test images, and a validation set if it has its own.

    A source whose images come and go registers with `can_grow=True`: sides then follow from each image.

    Args:
        train: training images.
        test: test images, of the same classes, size and channels.
        validation: validation images; None if they are to be held out of the training images.
        test_part: with what probability an image became a test image; None if the test images are given.
        notes: what a reader should know of how the images were read, a sentence each.
        unreadable: files that could not be read and were left out, each with its reason.
    """

    train: ImageDataset
    test: ImageDataset
    validation: ImageDataset | None = None
    test_part: float | None = None
    notes: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
