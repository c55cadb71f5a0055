"""Where images are held: in memory, or on disk, to be read as they are needed."""

from dataclasses import replace
from typing import Literal

from loupe.data.dataset import ImageDataset
from loupe.data.source_images import SourceImages
from loupe.data.stored_images import StoredImages
from loupe.runtime import measure_memory

InMemory = Literal["auto"] | bool
"""Whether all images are held in memory; "auto" decides by their size."""

_MOST_OF_MEMORY = 0.25  # that images may take; dividing them takes as much again for a moment


def place_images(
    source: SourceImages, in_memory: InMemory, processes: int = 1, *, is_on_cpu: bool = True
) -> tuple[SourceImages, tuple[str, ...]]:
    """Return a source's images held as is wished, and what a reader should know of it, a sentence at most.

    Args:
        source: the images; those in memory stay there, for there is no file to map them from.
        in_memory: "auto" leaves on disk what lies in mapped files if it takes more than a quarter of the
            machine's memory, or if several processes on a CPU would hold it each for itself.
        processes: that will hold these images.
        is_on_cpu: whether they compute there; a GPU has memory of its own, which is faster.
    """
    parts = [part for part in (source.train, source.validation, source.test) if part is not None]
    stored = [part for part in parts if isinstance(part.images, StoredImages)]
    size_gb = sum(_count_bytes(part) for part in parts) / 1e9
    if not stored:
        said = (
            f"data.in_memory = false: these images ({size_gb:.1f} GB) are held in memory all the same, for "
        )
        reason = f"{parts[0].source} has no file on disk that they can be mapped from."
        return source, (said + reason,) if in_memory is False else ()
    memory_gb = measure_memory() / 1e9
    is_large = size_gb * processes > _MOST_OF_MEMORY * memory_gb
    is_shared = processes > 1 and is_on_cpu
    if in_memory is True or (in_memory == "auto" and not is_large and not is_shared):
        return _load(source), ()
    reason = "data.in_memory = false"
    if in_memory == "auto":
        reason = (
            f"more than a quarter of this machine's memory of {memory_gb:.1f} GB"
            if is_large
            else f"{processes} processes share what the system holds of the file"
        )
    return source, (
        f"Images are read from disk as they are needed ({size_gb:.1f} GB of pixels; {reason}); results are "
        "the same as from memory.",
    )


def _load(source: SourceImages) -> SourceImages:
    validation = source.validation.load() if source.validation is not None else None
    return replace(source, train=source.train.load(), test=source.test.load(), validation=validation)


def _count_bytes(images: ImageDataset) -> int:
    return images.images.shape.numel()
