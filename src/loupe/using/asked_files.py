"""Which image files are asked about, and the class each one's folder is named after."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loupe.data.image_files import list_images
from loupe.errors import DataError


@dataclass(frozen=True)
class ImageFile:
    """A file to ask about, and the class its folder is named after."""

    path: Path
    true_class: str | None = None


def find_files(places: Sequence[str | Path], class_names: Sequence[str]) -> list[ImageFile]:
    """Return image files, each once: those named, and those below folders named, by name.

    Of a folder's files only those with the ending of an image count. The class of an image is the innermost
    folder above it that is called like a class, up to the folder named; of a file named itself only its own
    folder counts. What no folder can be called, such as "T-shirt/top", may have "_" or "-" for the stroke.

    Raises:
        DataError: a place is not there, or empty text, or a folder holds no image.
    """
    if "" in places:  # as a path it would be the current folder, with all that lies in it
        raise DataError(
            "A place is empty.",
            got="''",
            allowed="image files, and folders with images; the current folder is .",
            next_step="see where that text comes from, or leave it out",
        )
    missing = [str(place) for place in places if not Path(place).exists()]
    if missing or not places:
        raise DataError(
            "There is nothing to look at." if not places else "These files and folders are not there.",
            got=", ".join(missing[:10]) or "no file and no folder",
            allowed="image files, and folders with images",
            next_step="name them by their paths, seen from here",
        )
    found: dict[Path, ImageFile] = {}
    for place in map(Path, places):
        if not place.is_dir():
            true_class = _find_class([place.absolute().parent.name], class_names)
            found.setdefault(place, ImageFile(place, true_class))
            continue
        images = list_images(place)
        if not images:
            raise DataError(
                f"There is no image in {place}.",
                got=str(place),
                allowed="a folder with images (png, jpg, webp, bmp, gif, tif …), in sub-folders too",
                next_step="name another folder, or the files themselves",
            )
        for path in images:
            folders = [place.absolute().name, *path.relative_to(place).parts[:-1]]
            found.setdefault(path, ImageFile(path, _find_class(folders, class_names)))
    return list(found.values())


def _find_class(folders: Sequence[str], class_names: Sequence[str]) -> str | None:
    """Return the class that the last of these folders is named after that is; case does not matter."""
    by_name = {name.replace("/", mark).casefold(): name for name in class_names for mark in "-_"}
    by_name |= {name: name for name in class_names}  # exactly so, where names differ in case alone
    for folder in reversed(folders):
        name = by_name.get(folder) or by_name.get(folder.casefold())
        if name is not None:
            return name
    return None
