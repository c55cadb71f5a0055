"""A folder of small images: one sub-folder a class.

Either `path/<class>/…`, or `path/train/<class>/…` beside `path/validation/…` and `path/test/…` (each
optional; `training`, `val`, `testing` and the like are read so too). Without a test folder a part is set
apart; whether an image is in it depends on its own pixels alone, never on a run's seed or on other images.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated

from pydantic import Field

from loupe.data.image_decoding import PixelSettings
from loupe.data.image_folders import (
    count_loose,
    describe_passed_over,
    find_parts,
    list_folders,
    survey_images,
)
from loupe.data.image_lists import FileEntry, ImageList, find_headless, load_list, name_some
from loupe.data.linked_files import describe_links, refuse_broken_folders, refuse_shared_folders
from loupe.data.sources import SourceImages, register_dataset
from loupe.data.sources._image_settings import (
    BitRange,
    ColourChoice,
    FitChoice,
    ImageSize,
    TestPart,
    UnreadableChoice,
)
from loupe.errors import DataError, suggest

_OTHER_SOURCES = {".npz": "arrays", ".npy": "arrays", ".csv": "csv", ".tsv": "csv"}
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")


@register_dataset("folder", can_grow=True)
def load_folder(
    path: Annotated[str, Field(min_length=1, description="The folder; sub-folders are classes.")],
    image_size: ImageSize = None,
    fit: FitChoice = None,
    colour: ColourChoice = "auto",
    test_part: TestPart = 0.2,
    bit_range: BitRange = None,
    on_unreadable: UnreadableChoice = "refuse",
) -> SourceImages:
    """Your own images: one sub-folder a class, any format Pillow reads, grey or colour.

    Raises:
        DataError: no images, one class only, sizes that differ without a `fit`.
        DataFileError: files that cannot be read, each named.
    """
    settings = PixelSettings(image_size, fit, colour, bit_range, on_unreadable)
    listed = list_folder(Path(path).expanduser(), keeps_empty=on_unreadable == "skip")
    return load_list(listed, settings, test_part)


def list_folder(root: Path, *, keeps_empty: bool = False) -> ImageList:
    """Return the image files of a folder and its classes.

    Args:
        root: the folder.
        keeps_empty: whether class folders may hold no image; whoever loads them leaves those classes out.

    Raises:
        DataError: no such folder, no images, one class only, folders that are partly splits, or one folder
            by way of links.
    """
    _refuse_other_things(root)
    refuse_broken_folders(root)
    parts = find_parts(root)
    for folder in parts.values():
        refuse_broken_folders(folder)
    class_names = _find_classes(parts)
    refuse_shared_folders(
        (folder / name for folder in parts.values() for name in class_names if (folder / name).is_dir()), root
    )
    passed_over = count_loose(root)
    files: dict[str, list[FileEntry]] = {}
    for part, folder in parts.items():
        files[part] = []
        if folder != root:
            passed_over += count_loose(folder)
        for label, name in enumerate(class_names):
            survey = survey_images(folder / name)
            passed_over += survey.passed_over
            files[part] += [
                FileEntry(file, label, file.relative_to(root).as_posix()) for file in survey.images
            ]
    _refuse_empty_parts(files, root)
    if not (keeps_empty and files["train"]):
        _refuse_empty_classes(files, parts, class_names, root)
    return ImageList(
        files,
        tuple(class_names),
        f"folder {root.name}",
        str(root),
        (*describe_passed_over(passed_over, root), *describe_links(files, root)),
    )


def _refuse_other_things(root: Path) -> None:
    if root.is_dir():
        return
    suffix = root.suffix.casefold()
    if root.is_file():
        name = _OTHER_SOURCES.get(suffix)
        way = f"read it as what it is: data.name={name} data.path={root}" if name else "name its folder"
        raise DataError(
            f"{root} is a file, not a folder.",
            got=root.name,
            allowed="a folder with one sub-folder of images a class",
            next_step=f"unpack it and name the folder: data.path={root.with_suffix('')}"
            if suffix in _ARCHIVES
            else way,
        )
    siblings = [entry.name for entry in root.parent.iterdir()] if root.parent.is_dir() else []
    raise DataError(
        f"There is no folder {root}.",
        got=str(root),
        allowed="a folder with one sub-folder of images a class",
        nearest=suggest(root.name, siblings),
        next_step="set data.path, which counts from the folder you are in",
    )


def _find_classes(parts: dict[str, Path]) -> list[str]:
    names = [folder.name for folder in list_folders(parts["train"])]
    if len(names) < 2:
        raise DataError(
            f"{parts['train']} does not hold two classes or more.",
            got=f"sub-folders: {', '.join(names) or 'none'}",
            allowed="one sub-folder of images a class, at least two",
            next_step="set data.path to the folder that holds the class folders",
        )
    for part, folder in parts.items():
        strangers = [entry.name for entry in list_folders(folder) if entry.name not in names]
        if strangers:
            raise DataError(
                f"The {part} folder has classes that the training folder has not.",
                got=", ".join(strangers),
                allowed=", ".join(names),
                nearest=suggest(strangers[0], names),
                next_step="rename or remove those folders",
            )
    return names


def _refuse_empty_parts(files: dict[str, list[FileEntry]], root: Path) -> None:
    for part, listed in files.items():
        if not listed and part != "train":
            raise DataError(
                f"The {part} folder has no images.",
                got=f"no image in the class folders of {root}'s {part} folder",
                allowed="one sub-folder of images a class, named as in the training folder",
                next_step=f"fill the {part} folder, or remove it",
            )


def _refuse_empty_classes(
    files: dict[str, list[FileEntry]], parts: dict[str, Path], class_names: list[str], root: Path
) -> None:
    counts = Counter(entry.label for entry in files["train"])
    empty = [name for label, name in enumerate(class_names) if not counts[label]]
    if not empty:
        return
    listed = [entry for entries in files.values() for entry in entries]
    unreadable = find_headless(listed)  # told at once: they would be the next trouble
    names = ", ".join(_name_with_others(parts["train"] / name) for name in empty)
    raise DataError(
        f"{len(unreadable)} of {len(listed)} images in {root} cannot be read; some class folders hold none."
        if unreadable
        else f"Some class folders of {root} hold no images.",
        got=f"cannot be read: {name_some(unreadable)}; no images: {names}" if unreadable else names,
        allowed="at least one image a class, in a format Pillow reads (png, jpg, webp, bmp, gif, tif …)",
        next_step=f"{'mend or remove those files, and ' if unreadable else ''}fill or remove those folders; "
        f"or leave {'both' if unreadable else 'such classes'} out: data.on_unreadable=skip",
    )


def _name_with_others(folder: Path) -> str:
    """Return the name of a folder without images, and what lies there instead: "owl (3 .heic)"."""
    others = sorted((kind, count) for kind, count in survey_images(folder).passed_over.items() if count)
    listed = ", ".join(f"{count:,} {kind}" for kind, count in others)
    return f"{folder.name} ({listed})" if listed else folder.name
