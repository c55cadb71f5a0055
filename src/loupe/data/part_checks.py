"""The parts of a dataset held against one another, before anything is done with them."""

import re
import unicodedata
from collections.abc import Sequence

from loupe.data.dataset import ImageDataset
from loupe.data.sources import SourceImages
from loupe.errors import DataError, suggest

_USUAL_CHANNELS = (1, 3)


def refuse_unequal_parts(name: str, source: SourceImages) -> None:
    """Check that training, validation and test images are of one kind.

    Raises:
        DataError: a part is empty, or has other classes, another order of them, another size or other
            channels than the training part; or its channels seem to stand last.
    """
    parts = {"training": source.train, "validation": source.validation, "test": source.test}
    for part, images in parts.items():
        if images is None and part == "validation":
            continue
        if not isinstance(images, ImageDataset):
            raise DataError(
                f"The {part} part of dataset {name!r} is not an ImageDataset.",
                got=type(images).__name__,
                allowed="SourceImages(train=ImageDataset(…), test=ImageDataset(…))",
                next_step="mend the function that loads it",
            )
        _refuse_odd_part(name, part, images)
        _refuse_other_classes(name, part, images, source.train)
        _refuse_other_shape(name, part, images, source.train)


def find_similar_names(class_names: Sequence[str]) -> tuple[str, ...]:
    """Return a warning for class names that differ in nothing one sees, a sentence each: one class in two?"""
    seen: dict[str, list[str]] = {}
    for name in class_names:
        plain = " ".join(re.split(r"[\s_-]+", unicodedata.normalize("NFKC", name).casefold().strip()))
        seen.setdefault(plain, []).append(name)
    return tuple(
        f"The classes {' and '.join(map(repr, names))} are trained as different ones: names differ only "
        "in case, spaces, dashes or how a letter is encoded."
        for names in seen.values()
        if len(names) > 1
    )


def _refuse_odd_part(name: str, part: str, images: ImageDataset) -> None:
    if len(images) == 0 or images.num_classes < 2:
        raise DataError(
            f"The {part} part of dataset {name!r} holds too little.",
            got=f"{len(images)} images of {images.num_classes} classes",
            allowed="at least one image, of two or more classes",
            next_step="look at what the source returns, or at the data it reads",
        )
    twice = [one for one in dict.fromkeys(images.class_names) if images.class_names.count(one) > 1]
    if twice:
        raise DataError(
            f"Two classes of dataset {name!r} have one name.",
            got=", ".join(twice[:10]),
            allowed="a name of its own for each class",
            next_step="rename one, or give both one label",
        )
    channels, height, width = images.images.shape[1:]
    if channels not in _USUAL_CHANNELS and width in _USUAL_CHANNELS:
        raise DataError(
            f"The {part} images of dataset {name!r} seem to have their channels last.",
            got=f"shape {tuple(images.images.shape)}: {channels} channels of {height} x {width} pixels",
            allowed="(images, channels, height, width)",
            next_step="images.permute(0, 3, 1, 2).contiguous() moves the channels to their place",
        )


def _refuse_other_classes(name: str, part: str, images: ImageDataset, train: ImageDataset) -> None:
    ours, theirs = images.class_names, train.class_names
    if ours == theirs:
        return
    is_order = sorted(ours) == sorted(theirs)
    stranger = next((one for one in ours if one not in theirs), None)
    raise DataError(
        f"The {part} part of dataset {name!r} has "
        + ("its classes in another order than" if is_order else "other classes than")
        + " the training part.",
        got=", ".join(ours),
        allowed=", ".join(theirs),
        nearest=suggest(stranger, theirs) if stranger else None,
        next_step="give every part the same class_names, and labels that count in that order",
    )


def _refuse_other_shape(name: str, part: str, images: ImageDataset, train: ImageDataset) -> None:
    ours, theirs = tuple(images.images.shape[1:]), tuple(train.images.shape[1:])
    if ours != theirs:
        raise DataError(
            f"The {part} images of dataset {name!r} are of another shape than the training images.",
            got=f"{ours[0]} channels of {ours[1]} x {ours[2]} pixels (height x width)",
            allowed=f"{theirs[0]} channels of {theirs[1]} x {theirs[2]} pixels",
            next_step="bring all parts to one size and one number of channels",
        )
