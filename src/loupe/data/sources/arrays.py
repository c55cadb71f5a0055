"""Arrays of images and labels: one .npz file, a folder of .npy files, or two .npy files."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from loupe.data.readers.numpy_files import read_npy
from loupe.data.sources import SourceImages, register_dataset
from loupe.data.sources._array_parts import find_pairs, make_source, read_array_parts
from loupe.data.sources._image_settings import BitRange, TestPart
from loupe.errors import DataError, DataFileError, suggest


@register_dataset("arrays", can_grow=True, places=("path", "labels_path"))
def load_arrays(
    path: Annotated[
        str,
        Field(
            min_length=1,
            description="An .npz file, a folder of .npy files, or the .npy file of the images.",
        ),
    ],
    labels_path: Annotated[
        str | None,
        Field(min_length=1, description="The .npy file of the labels, where `path` is that of the images."),
    ] = None,
    class_names: Annotated[
        tuple[str, ...] | None, Field(description="Names of the classes, in the order of the labels.")
    ] = None,
    test_part: TestPart = 0.2,
    bit_range: BitRange = None,
) -> SourceImages:
    """Arrays of your own: images and labels in an .npz file (MedMNIST's and Keras's names too) or .npy files.

    Raises:
        DataError: names that are not known, arrays that are no images or labels.
        DataFileError: files that cannot be read, or hold Python objects.
    """
    place = Path(path).expanduser()
    title = f"arrays {place.name}"
    if place.is_file() and place.suffix == ".npz":
        return read_array_parts(
            place, title=title, class_names=class_names, bit_range=bit_range, test_part=test_part
        )
    files = _find_files(place, labels_path)
    arrays = {part: (read_npy(images), read_npy(labels)) for part, (images, labels) in files.items()}
    return make_source(arrays, title=title, class_names=class_names, bit_range=bit_range, test_part=test_part)


def _find_files(place: Path, labels_path: str | None) -> dict[str, tuple[Path, Path]]:
    """Return the .npy files of images and labels of each part."""
    if place.is_dir():
        pairs = find_pairs([file.stem for file in place.glob("*.npy")])
        if "train" in pairs:
            return {part: (place / f"{one}.npy", place / f"{two}.npy") for part, (one, two) in pairs.items()}
        raise DataError(
            f"{place} holds no arrays of the usual names.",
            got=", ".join(sorted(file.name for file in place.glob("*.npy"))[:10]) or "no .npy file",
            allowed="images.npy and labels.npy, or train_images.npy, train_labels.npy, test_images.npy …",
            next_step="rename the files",
        )
    if not place.is_file() or place.suffix != ".npy":
        siblings = [entry.name for entry in place.parent.iterdir()] if place.parent.is_dir() else []
        raise DataFileError(
            f"There are no arrays at {place}.",
            got=str(place),
            allowed="an .npz file, a folder of .npy files, or an .npy file with data.labels_path beside it",
            nearest=suggest(place.name, siblings),
            next_step="set data.path",
        )
    if labels_path is None:
        raise DataError(
            f"{place} holds images without labels.",
            got="no data.labels_path",
            allowed="the .npy file of the labels",
            next_step=f"add data.labels_path={place.with_name('labels.npy')}",
        )
    return {"train": (place, Path(labels_path).expanduser())}
