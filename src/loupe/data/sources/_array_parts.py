"""Arrays of pixels and labels as images: files of numpy's, MedMNIST's, and what a Python call hands over."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from loupe.data.array_pixels import to_pixels
from loupe.data.dataset import ImageDataset
from loupe.data.readers.numpy_files import list_npz, read_npz
from loupe.data.sides import set_test_images_apart
from loupe.data.sources import SourceImages
from loupe.data.stored_images import hold_pixels
from loupe.errors import DataError, suggest

PARTS = {"train": ("train",), "validation": ("validation", "val", "valid"), "test": ("test",)}
_FORMS = (("{}_images", "{}_labels"), ("x_{}", "y_{}"), ("X_{}", "y_{}"), ("{}_x", "{}_y"))
_WHOLE = (("images", "labels"), ("x", "y"), ("X", "y"), ("data", "labels"), ("data", "targets"))
Arrays = Mapping[str, tuple[np.ndarray, np.ndarray]]


def read_array_parts(
    path: Path,
    *,
    title: str,
    class_names: Sequence[str] | None = None,
    bit_range: int | None = None,
    test_part: float = 0.2,
) -> SourceImages:
    """Return the images of an .npz file whose arrays have one of the usual names.

    Raises:
        DataError: no such names, or arrays that are no images or labels.
        DataFileError: the file cannot be read, or holds Python objects.
    """
    names = list_npz(path)
    pairs = find_pairs(names)
    if "train" not in pairs:
        raise DataError(
            f"{path} holds no arrays of the usual names.",
            got=", ".join(names) or "nothing",
            allowed="train_images and train_labels (and val_…, test_…), x_train and y_train, "
            "or images and labels",
            nearest=suggest(names[0], ["train_images", "images", "x_train"]) if names else None,
            next_step="save them so: np.savez(path, images=…, labels=…)",
        )
    if class_names is None and "class_names" in names:
        (stored,) = read_npz(path, ("class_names",))
        class_names = [str(name) for name in stored.ravel()]
    arrays = {part: read_npz(path, pair) for part, pair in pairs.items()}
    said = read_npz(path, ("notes",))[0].ravel() if "notes" in names else np.array([], dtype=str)
    source = make_source(
        {part: (pair[0], pair[1]) for part, pair in arrays.items()},
        title=title,
        class_names=class_names,
        bit_range=bit_range,
        test_part=test_part,
    )
    return replace(source, notes=(*map(str, said), *source.notes))


def find_pairs(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return the names of images and labels of each part that is there."""
    pairs: dict[str, tuple[str, str]] = {}
    for part, words in PARTS.items():
        spelled = [(images.format(word), labels.format(word)) for word in words for images, labels in _FORMS]
        for pair in [*spelled, *(_WHOLE if part == "train" else ())]:
            if set(pair) <= set(names) and part not in pairs:
                pairs[part] = pair
    return pairs


def make_source(
    arrays: Arrays,
    *,
    title: str,
    class_names: Sequence[str] | None = None,
    bit_range: int | None = None,
    test_part: float = 0.2,
) -> SourceImages:
    """Return arrays as images; without a test part, one is set apart, the same for the same pixels.

    Args:
        arrays: images and labels of `train` and, where there are such, `validation` and `test`.
        title: where they come from, for people.
        class_names: one a class, in the order of the labels; the labels themselves if left out.
        bit_range: bits that values of 16 bits use; 16 if left out.
        test_part: part of the training images set apart as test images where there are none.

    Raises:
        DataError: arrays that are no images or labels, or do not fit one another.
    """
    raw_labels = {part: _flatten_labels(labels, part, title) for part, (_, labels) in arrays.items()}
    names, kinds = _name_classes(raw_labels, class_names, title)
    parts, notes = {}, []
    for part, (values, _) in arrays.items():
        if len(values) != len(raw_labels[part]):
            raise DataError(
                f"Of the {part} part of {title}, each image needs one whole-number label, or one text.",
                got=f"{len(values):,} images, {len(raw_labels[part]):,} labels",
                allowed="as many labels as images: one whole-number label an image",
                next_step="save images and labels of the same rows; images are counted along the first axis",
            )
        pixels, assumed = to_pixels(values, bit_range=bit_range, what=f"The {part} images of {title}")
        numbers = np.array([kinds[label] for label in raw_labels[part].tolist()], dtype=np.int64)
        parts[part] = ImageDataset(hold_pixels(pixels), torch.from_numpy(numbers), names, title)
        notes += assumed
    train, said = parts["train"], tuple(dict.fromkeys(notes))
    if "test" in parts:
        return SourceImages(train, parts["test"], parts.get("validation"), notes=said)
    num_kept = 1 if "validation" in parts else 2
    kept, test = set_test_images_apart(train.table, test_part, train.class_names, num_kept=num_kept)
    return SourceImages(
        train.select(kept), train.select(test), parts.get("validation"), test_part, notes=said
    )


def _flatten_labels(labels: np.ndarray, part: str, title: str) -> np.ndarray:
    """Return one label an image: whole numbers or texts, (images,)."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    is_one_hot = labels.ndim == 2 and labels.dtype.kind in "biuf" and bool((labels.sum(axis=1) == 1).all())
    if is_one_hot and set(np.unique(labels).tolist()) <= {0, 1}:
        labels = labels.argmax(axis=1)
    if labels.dtype.kind == "f" and labels.ndim == 1 and _are_whole(labels):
        labels = labels.astype(np.int64)
    if labels.dtype.kind == "S":
        with contextlib.suppress(UnicodeDecodeError):  # refused below
            labels = np.char.decode(labels, "utf-8")
    if labels.ndim != 1 or labels.dtype.kind not in "biuU":
        raise DataError(
            f"The {part} labels of {title} do not name one class an image.",
            got=f"{labels.dtype} of shape {labels.shape}"
            + (", not in UTF-8" if labels.dtype.kind == "S" else ""),
            allowed="whole numbers or texts of shape (images,) or (images, 1), or rows with a single 1",
            next_step="Loupe trains on one class an image; choose or make one label for each",
        )
    return labels


def _are_whole(labels: np.ndarray) -> bool:
    """Return whether numbers with a point are whole ones that can be told apart."""
    return bool((np.abs(labels) < 2**53).all() and np.equal(labels, np.rint(labels)).all())


def _name_classes(
    labels: Mapping[str, np.ndarray], class_names: Sequence[str] | None, title: str
) -> tuple[tuple[str, ...], dict[object, int]]:
    """Return the names of the classes, and the index of each label the arrays use."""
    found = sorted(set(labels["train"].tolist()))
    if class_names is not None:
        is_text = labels["train"].dtype.kind == "U"
        kinds: dict[object, int] = {name if is_text else i: i for i, name in enumerate(class_names)}
        names = tuple(class_names)
    else:
        kinds = {label: index for index, label in enumerate(found)}
        names = tuple(str(int(label)) if not isinstance(label, str) else label for label in found)
    for part, ours in labels.items():
        strangers = sorted(set(ours.tolist()) - set(kinds))
        if strangers:
            raise DataError(
                f"The {part} labels of {title} name classes that there are not.",
                got=", ".join(map(str, strangers[:10])),
                allowed=", ".join(map(str, list(kinds)[:100])),
                next_step="remove those images, or mend class_names",
            )
    return names, kinds
