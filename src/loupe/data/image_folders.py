"""What lies in a folder of images: pictures, what is passed over, and folders that look like splits."""

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from loupe.data.image_files import list_image_suffixes
from loupe.errors import DataError

_HOUSEKEEPING = frozenset(
    {
        "__macosx",
        "__pycache__",
        "@eadir",
        "#recycle",
        "$recycle.bin",
        "system volume information",
        "lost+found",
    }
)
_SURELY = {  # words that name a split whatever stands beside them
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid", "validate"),
    "test": ("test", "testing"),
}
_PERHAPS = {"train": ("trn", "fit"), "validation": ("dev",), "test": ("tst", "eval", "evaluation", "holdout")}
_AROUND = re.compile(
    r"(^(the|my)[ _-]+)|([ _-]*(set|data|images?|imgs?|split|part|folder)$)|([ _-]*\d{0,4}$)"
)


@dataclass
class Survey:
    """The pictures below a folder, by name, and a count of what was passed over, by kind."""

    images: list[Path] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)


def is_housekeeping(name: str) -> bool:
    """Return whether a folder of this name is hidden, or kept by a system or a tool for itself."""
    return name.startswith(".") or name.casefold() in _HOUSEKEEPING


def list_folders(folder: Path) -> list[Path]:
    """Return the sub-folders of a folder by name, those of housekeeping left out."""
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return [entry for entry in entries if entry.is_dir() and not is_housekeeping(entry.name)]


def survey_images(folder: Path) -> Survey:
    """Return the image files below a folder; hidden files and housekeeping folders are passed over."""
    survey, suffixes = Survey(), list_image_suffixes()

    def count_closed(error: OSError) -> None:
        survey.passed_over["folders that cannot be opened"] += 1

    for place, folders, files in os.walk(folder, onerror=count_closed):
        linked = [name for name in folders if Path(place, name).is_symlink()]
        survey.passed_over["linked folders"] += len(linked)
        folders[:] = [name for name in folders if not is_housekeeping(name) and name not in linked]
        for name in files:
            path = Path(place, name)
            if name.startswith("."):
                continue
            if not path.is_file():
                kind = "links that lead nowhere" if path.is_symlink() else "pipes, sockets or devices"
                survey.passed_over[kind] += 1
                continue
            if path.suffix.casefold() in suffixes:
                survey.images.append(path)
            else:
                survey.passed_over[path.suffix.casefold() or "without an extension"] += 1
    survey.images.sort()
    return survey


def count_loose(folder: Path) -> Counter[str]:
    """Return a count of what lies in a folder itself, where only sub-folders count: images, broken links."""
    suffixes, counts = list_image_suffixes(), Counter[str]()
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        counts["images beside the class folders"] += entry.is_file() and entry.suffix.casefold() in suffixes
        counts["links that lead nowhere"] += entry.is_symlink() and not entry.exists()
    return counts


def describe_passed_over(counts: Counter[str], root: Path) -> tuple[str, ...]:
    """Return one line that says what was passed over; none if nothing was."""
    kinds = sorted((kind, count) for kind, count in counts.items() if count)
    if not kinds:
        return ()
    listed = ", ".join(f"{count:,} {kind}" for kind, count in kinds)
    return (f"Passed over in {root.name}: {listed}.",)


def find_role(name: str, *, is_sure: bool = True) -> str | None:
    """Return which split a folder's name means: train, validation or test; None if it means none.

    Args:
        name: such as `train`, `Training`, `test_set`, `val2017`.
        is_sure: whether words that may as well name a class, such as `dev`, mean none.
    """
    word = name.casefold()
    while (shorter := _AROUND.sub("", word)) != word and shorter:
        word = shorter
    tables = (_SURELY,) if is_sure else (_SURELY, _PERHAPS)
    return next((role for table in tables for role, words in table.items() if word in words), None)


def find_parts(root: Path) -> dict[str, Path]:
    """Return the folder of each split below `root`; the whole as `train` where its folders are classes.

    Raises:
        DataError: some folders look like splits and others do not, or two like the same one; no training
            folder; splits within the class folders.
    """
    folders = list_folders(root)
    sure = {folder: find_role(folder.name) for folder in folders}
    if not any(sure.values()):
        possible = {folder: find_role(folder.name, is_sure=False) for folder in folders}
        if not all(possible.values()) or "train" not in possible.values():
            _refuse_splits_within(root, folders)
            return {"train": root}
        sure = possible
    elif all(find_role(folder.name, is_sure=False) for folder in folders):
        sure = {folder: find_role(folder.name, is_sure=False) for folder in folders}
    roles = [role for role in sure.values() if role]
    if len(roles) < len(folders) or len(set(roles)) < len(roles) or "train" not in roles:
        raise DataError(
            f"The sub-folders of {root} are partly splits and partly not.",
            got=", ".join(folder.name for folder in folders),
            allowed="either class folders only, or train with validation and test beside it as you have them",
            next_step="rename or move the folders that do not belong",
        )
    by_role = {role: folder for folder, role in sure.items() if role}
    return {role: by_role[role] for role in ("train", "validation", "test") if role in by_role}


def _refuse_splits_within(root: Path, folders: list[Path]) -> None:
    for folder in folders:
        try:
            within = [one.name for one in list_folders(folder) if find_role(one.name)]
        except OSError:
            continue
        if len(within) > 1:
            raise DataError(
                f"The class folders of {root} hold folders that look like splits.",
                got=f"{folder.name}/{within[0]}, {folder.name}/{within[1]}",
                allowed=f"the splits outside, the classes inside: {within[0]}/{folder.name}",
                next_step="move the folders, or name each image's split in a table: data.name=csv",
            )
