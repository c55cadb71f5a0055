"""A folder of small images: one sub-folder a class.

Either `path/<class>/…`, or `path/train/<class>/…` beside `path/validation/…` and `path/test/…`
(each optional; `val` and `valid` are read as validation). Without a test folder a part is set apart; whether
an image belongs to it depends on its own pixels alone, never on a run's seed or on other images.
"""

import contextlib
import hashlib
import tempfile
import zipfile
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pooch
import torch
from pydantic import Field

from loupe.data.dataset import ImageDataset
from loupe.data.identity import digest_picture, from_keys
from loupe.data.image_files import (
    UNREADABLE,
    Fit,
    decode_image,
    describe_unreadable,
    fit_image,
    list_images,
    to_channels,
)
from loupe.data.sides import hold_out_by_image
from loupe.data.sources import SourceImages, register_dataset
from loupe.errors import DataError, DataFileError, suggest

Colour = Literal["auto", "grey", "colour"]

_VALIDATION_NAMES = ("validation", "val", "valid")
_SPLIT_NAMES = ("train", *_VALIDATION_NAMES, "test")
_MOST_NAMED = 10  # files named in one error


@register_dataset("folder", can_grow=True)
def load_folder(
    path: Annotated[str, Field(description="The folder; sub-folders are classes.")],
    image_size: Annotated[
        int | None,
        Field(ge=1, description="Side in pixels of the square images; the files' own if left out."),
    ] = None,
    fit: Annotated[
        Fit | None,
        Field(
            description="How an image comes to that size: resize (proportions change), crop (scale the "
            "short side, cut the middle), pad (scale the long side, black border)."
        ),
    ] = None,
    colour: Annotated[
        Colour, Field(description="Channels: auto (grey if every image is grey), grey, colour.")
    ] = "auto",
    test_part: Annotated[
        float, Field(gt=0, lt=1, description="Part set apart as test images where there is no test folder.")
    ] = 0.2,
) -> SourceImages:
    """Your own images: one sub-folder a class, any format Pillow reads, grey or colour.

    Raises:
        DataError: no images, one class only, sizes that differ without a `fit`.
        DataFileError: files that cannot be read, each named.
    """
    if fit is not None and image_size is None:
        raise DataError(
            "data.fit says how, but not to what size.",
            got=f"fit = {fit}, no image_size",
            allowed="both, or neither",
            next_step="add data.image_size=32",
        )
    root = Path(path)
    parts = _find_parts(root)
    class_names = _find_classes(parts)
    files = {
        part: [(file, label) for label, name in enumerate(class_names) for file in list_images(folder / name)]
        for part, folder in parts.items()
    }
    _refuse_empty_classes(files, class_names, root)
    key = _content_key(files, class_names, root, (image_size, fit, colour))
    arrays = _read_cache(key, files)
    if arrays is None:
        arrays = _decode_all(files, image_size, fit, colour, root)
        _write_cache(key, arrays)
    parts_read = {
        part: ImageDataset(
            torch.from_numpy(arrays[f"{part}_images"]),
            torch.from_numpy(arrays[f"{part}_labels"]),
            tuple(class_names),
            f"folder {root.name}",
            torch.from_numpy(arrays[f"{part}_origins"]),
            tuple(file.relative_to(root).as_posix() for file, _ in files[part]),
        )
        for part in files
    }
    train = parts_read["train"]
    if "test" in parts_read:
        return SourceImages(train, parts_read["test"], parts_read.get("validation"))
    kept, test = hold_out_by_image(
        train.table, test_part, "test", class_names=class_names, setting="data.test_part"
    )
    validation = parts_read.get("validation")
    return SourceImages(train.select(kept), train.select(test), validation, test_part)


def _find_parts(root: Path) -> dict[str, Path]:
    if not root.is_dir():
        siblings = [entry.name for entry in root.parent.iterdir()] if root.parent.is_dir() else []
        raise DataError(
            f"There is no folder {root}.",
            got=str(root),
            allowed="a folder with one sub-folder of images a class",
            nearest=suggest(root.name, siblings),
            next_step="set data.path",
        )
    by_name = {entry.name.casefold(): entry for entry in _list_folders(root)}
    if not any(name in by_name for name in _SPLIT_NAMES):
        return {"train": root}
    strangers = [entry.name for name, entry in by_name.items() if name not in _SPLIT_NAMES]
    validation = [by_name[name] for name in _VALIDATION_NAMES if name in by_name]
    if "train" not in by_name or strangers or len(validation) > 1:
        raise DataError(
            f"The sub-folders of {root} are partly splits and partly not.",
            got=", ".join(entry.name for entry in by_name.values()),
            allowed="either class folders only, or train with validation and test beside it as you have them",
            next_step="rename or move the folders that do not belong",
        )
    parts = {"train": by_name["train"]}
    if validation:
        parts["validation"] = validation[0]
    if "test" in by_name:
        parts["test"] = by_name["test"]
    return parts


def _find_classes(parts: dict[str, Path]) -> list[str]:
    names = [folder.name for folder in _list_folders(parts["train"])]
    if len(names) < 2:
        raise DataError(
            f"{parts['train']} does not hold two classes or more.",
            got=f"sub-folders: {', '.join(names) or 'none'}",
            allowed="one sub-folder of images a class, at least two",
            next_step="set data.path to the folder that holds the class folders",
        )
    for part, folder in parts.items():
        strangers = [entry.name for entry in _list_folders(folder) if entry.name not in names]
        if strangers:
            raise DataError(
                f"The {part} folder has classes that the training folder has not.",
                got=", ".join(strangers),
                allowed=", ".join(names),
                nearest=suggest(strangers[0], names),
                next_step="rename or remove those folders",
            )
    return names


def _list_folders(folder: Path) -> list[Path]:
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return [entry for entry in entries if entry.is_dir() and not entry.name.startswith(".")]


def _refuse_empty_classes(
    files: dict[str, list[tuple[Path, int]]], class_names: list[str], root: Path
) -> None:
    for part, listed in files.items():
        if not listed and part != "train":
            raise DataError(
                f"The {part} folder has no images.",
                got=f"no image in the class folders of {root}'s {part} folder",
                allowed="one sub-folder of images a class, named as in the training folder",
                next_step=f"fill the {part} folder, or remove it",
            )
    counts = Counter(label for _, label in files["train"])
    empty = [name for label, name in enumerate(class_names) if not counts[label]]
    if empty:
        raise DataError(
            f"Some class folders of {root} hold no images.",
            got=", ".join(empty),
            allowed="at least one image a class, in a format Pillow reads (png, jpg, webp, bmp, gif, tif …)",
            next_step="fill or remove those folders",
        )


def _content_key(
    files: dict[str, list[tuple[Path, int]]], class_names: list[str], root: Path, settings: object
) -> str:
    """Return a digest of every file's place and bytes and of what is done with them."""
    sha = hashlib.sha256(repr((class_names, settings)).encode())
    for part, listed in files.items():
        for file, label in listed:
            sha.update(repr((part, label, file.relative_to(root).as_posix())).encode())
            with file.open("rb") as opened:
                sha.update(hashlib.file_digest(opened, "sha256").digest())
    return sha.hexdigest()


def _cache_path(key: str) -> Path:
    return Path(pooch.os_cache("loupe")) / "folders" / f"{key}.npz"


def _read_cache(key: str, parts: Collection[str]) -> dict[str, np.ndarray] | None:
    try:
        with _cache_path(key).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            wanted = [f"{part}_{what}" for part in parts for what in ("images", "labels", "origins")]
            return {name: arrays[name] for name in wanted}
    except (
        OSError,
        ValueError,
        EOFError,
        KeyError,
        zipfile.BadZipFile,
    ):  # not there or damaged: decode again
        return None


def _write_cache(key: str, arrays: dict[str, np.ndarray]) -> None:
    path = _cache_path(key)
    with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as temporary:
            written = Path(temporary) / path.name
            np.savez(written, allow_pickle=False, **arrays)
            written.replace(path)


def _decode_all(
    files: dict[str, list[tuple[Path, int]]],
    image_size: int | None,
    fit: Fit | None,
    colour: Colour,
    root: Path,
) -> dict[str, np.ndarray]:
    decoded: dict[Path, np.ndarray] = {}
    origins: dict[Path, bytes] = {}
    damaged: list[str] = []
    for file, _ in (entry for listed in files.values() for entry in listed):
        try:
            image = decode_image(file)
            origins[file] = digest_picture(image)
            decoded[file] = fit_image(image, (image_size, image_size), fit) if image_size and fit else image
        except UNREADABLE as error:
            damaged.append(f"{file.relative_to(root)} ({describe_unreadable(error)})")
    if damaged:
        more = f" and {len(damaged) - _MOST_NAMED} more" if len(damaged) > _MOST_NAMED else ""
        raise DataFileError(
            f"{len(damaged)} of {len(decoded) + len(damaged)} images in {root} cannot be read.",
            got=", ".join(damaged[:_MOST_NAMED]) + more,
            allowed="whole image files",
            next_step="mend or remove them",
        )
    is_grey = colour == "grey" or (
        colour == "auto" and all(image.shape[2] == 1 for image in decoded.values())
    )
    fitted = {file: to_channels(image, 1 if is_grey else 3) for file, image in decoded.items()}
    _refuse_mixed_sizes(fitted, image_size)
    arrays = {}
    for part, listed in files.items():
        stacked = np.stack([fitted[file] for file, _ in listed])
        arrays[f"{part}_images"] = np.ascontiguousarray(stacked.transpose(0, 3, 1, 2))
        arrays[f"{part}_labels"] = np.array([label for _, label in listed], dtype=np.int64)
        arrays[f"{part}_origins"] = from_keys(origins[file] for file, _ in listed).numpy()
    return arrays


def _refuse_mixed_sizes(images: dict[Path, np.ndarray], image_size: int | None) -> None:
    sizes = Counter(image.shape[:2] for image in images.values())
    wanted = {(image_size, image_size)} if image_size else set(list(sizes)[:1])
    if set(sizes) == wanted:
        return
    listed = ", ".join(f"{width} x {height} ({count})" for (height, width), count in sizes.most_common(5))
    example = image_size or min(side for size in sizes for side in size)
    raise DataError(
        "The images are not all of the wanted size." if image_size else "The images differ in size.",
        got=f"width x height (images): {listed}" + (" …" if len(sizes) > 5 else ""),
        allowed="one size, or a stated way to reach it: data.fit = resize, crop or pad",
        next_step=f"add data.image_size={example} data.fit=resize (or crop, or pad)",
    )
