"""Images handed over in a Python call: written beside the runs, so that a run finds them again."""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from loupe.data import ImageDataset
from loupe.data.array_pixels import to_pixels
from loupe.data.image_files import read_pixels, to_channels
from loupe.data.image_folders import find_role
from loupe.errors import DataError

_ALLOWED = (
    "(images, labels) as arrays or tensors, a torch Dataset of such pairs, an ImageDataset, or a table "
    "{'train': …, 'validation': …, 'test': …} of these"
)


def keep_given_data(given: object, folder: Path) -> list[str]:
    """Write images into a folder, once for each content, and return the overrides that read them.

    Args:
        given: `(images, labels)`, a torch `Dataset` (torchvision's too) whose items are such pairs, an
            `ImageDataset`, or a mapping of `train`, `validation` and `test` to these.
        folder: where runs lie; the file goes into its `datasets/`.

    Raises:
        DataError: none of these, or values that are no images or labels.
    """
    arrays: dict[str, np.ndarray] = {}
    notes: list[str] = []
    for part, one in _name_parts(given).items():
        images, labels, class_names = _to_arrays(one, part)
        pixels, assumed = to_pixels(images, bit_range=None, what=f"The {part} images")
        arrays[f"{part}_images"], arrays[f"{part}_labels"] = pixels, labels
        notes += assumed
        if class_names is not None:
            arrays["class_names"] = np.array(list(class_names))
    if notes:
        arrays["notes"] = np.array(list(dict.fromkeys(notes)))
    sha = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        sha.update(repr((name, values.shape, values.dtype.str)).encode())
        sha.update(np.ascontiguousarray(values).data)
    path = folder.resolve() / "datasets" / f"{sha.hexdigest()[:16]}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as temporary:
            written = Path(temporary) / path.name
            np.savez(written, allow_pickle=False, **arrays)
            written.replace(path)
    return ['data.name="arrays"', f"data.path={json.dumps(str(path))}"]


def _name_parts(given: object) -> dict[str, object]:
    """Return what was given by part: train, validation, test."""
    if not isinstance(given, Mapping):
        return {"train": given}
    parts = {find_role(str(name), is_sure=False): one for name, one in given.items()}
    if None in parts or len(parts) < len(given) or "train" not in parts:
        raise DataError(
            "These are no parts of a dataset.",
            got=", ".join(map(str, given)) or "an empty table",
            allowed="train, and validation and test beside it",
            next_step="name the parts so",
        )
    return {str(part): one for part, one in parts.items()}


def _to_arrays(one: object, part: str) -> tuple[np.ndarray, np.ndarray, Sequence[str] | None]:
    """Return images, labels and, where they are known, names of the classes."""
    if isinstance(one, ImageDataset):
        return one.pixels.cpu().numpy(), one.labels.cpu().numpy(), one.class_names
    if isinstance(one, tuple | list) and len(one) == 2 and all(isinstance(each, _ARRAYS) for each in one):
        images, labels = (_to_array(each) for each in one)
        return images, labels, None
    if hasattr(one, "__getitem__") and hasattr(one, "__len__") and not isinstance(one, str | bytes):
        images, labels = _read_items(one, part)
        return images, labels, getattr(one, "classes", None)
    raise DataError(
        f"The {part} images are of no kind that is known.",
        got=type(one).__name__,
        allowed=_ALLOWED,
        next_step="loupe.train(recipe, dataset=(images, labels))",
    )


_ARRAYS = (np.ndarray, Tensor, list)


def _to_array(values: Any) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _read_items(items: Any, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels of a torch Dataset, item by item."""
    images, labels = [], []
    for index in range(len(items)):
        item = items[index]
        if not isinstance(item, tuple | list) or len(item) < 2:
            raise DataError(
                f"Item {index} of the {part} data is no image with a label.",
                got=type(item).__name__,
                allowed="(image, label)",
                next_step="return such a pair from __getitem__",
            )
        images.append(_to_pixels(item[0]))
        labels.append(int(item[1]) if not isinstance(item[1], str) else item[1])
    shapes = sorted({image.shape for image in images})
    if len(shapes) != 1:
        raise DataError(
            f"The {part} images differ in shape.",
            got=", ".join(map(str, shapes[:5])) or "no images",
            allowed="one shape",
            next_step="resize them in the data set's transform",
        )
    if not np.array_equal(_to_pixels(items[0][0]), images[0]):
        raise DataError(
            f"The {part} data gives another image each time it is asked for the same one.",
            got="a random transform",
            allowed="images as they are; Loupe augments them anew in each epoch",
            next_step="leave the random transforms out and name augmentations in data.augment",
        )
    return np.stack(images), np.array(labels)


def _to_pixels(image: object) -> np.ndarray:
    if isinstance(image, Image.Image):
        return to_channels(read_pixels(image), 1 if image.mode in ("1", "L", "LA", "I;16") else 3)
    if isinstance(image, np.ndarray | Tensor):
        return _to_array(image)
    raise DataError(
        "This is no image.",
        got=type(image).__name__,
        allowed="a PIL image, an array or a tensor",
        next_step="return one from __getitem__",
    )
