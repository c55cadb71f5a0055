"""Images that stay on disk: rows of memory-mapped arrays, read when they are asked for.

Choosing images, joining and dividing them moves row numbers, no pixels. What would bring all images into
memory at once is refused here, and by the type checker: a `StoredImages` has no arithmetic.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, NoReturn, SupportsIndex

import numpy as np
import torch
from torch import Tensor

from loupe.data.mapped_rows import can_be_requested, is_mapped, read_rows, request_rows
from loupe.errors import DataError

MOST_BYTES_AT_ONCE = 2 * 1024**3
"""Of pixels that one request brings into memory; nothing of Loupe's asks for so many."""
_AHEAD = 2  # batches fetched while another one is computed on
_CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False)
class StoredImages:
    """Images on disk that stand where a tensor of images would.

    Args:
        arrays: (images, channels, height, width) uint8 each, mapped from files, one after the other.
        rows: (chosen,) int64, which of their images these are, counted through all arrays; None for all.
        device: where images that are asked for are put.
    """

    arrays: tuple[np.ndarray, ...]
    rows: Tensor | None = None
    device: torch.device = _CPU

    def __len__(self) -> int:
        return sum(map(len, self.arrays)) if self.rows is None else len(self.rows)

    @property
    def shape(self) -> torch.Size:
        """As of a tensor: images, channels, height, width."""
        return torch.Size((len(self), *self.arrays[0].shape[1:]))

    @property
    def ndim(self) -> int:
        return self.arrays[0].ndim

    @property
    def dtype(self) -> torch.dtype:
        return torch.uint8 if all(one.dtype == np.uint8 for one in self.arrays) else torch.float32

    @property
    def bytes_of_one(self) -> int:
        """Bytes that one image takes in memory."""
        return int(np.prod(self.arrays[0].shape[1:]))

    def __getitem__(self, index: SupportsIndex | slice | Tensor | list[int]) -> Tensor:
        """Return images by number, slice, numbers (count,) int64 or mask (images,) bool, in memory."""
        if isinstance(index, list):
            index = torch.tensor(index, dtype=torch.int64)
        if isinstance(index, Tensor) and index.ndim:
            return self._read(self._locate(index))
        if isinstance(index, slice):
            return self._read_range(range(*index.indices(len(self))))
        number = int(index)
        if not -len(self) <= number < len(self):
            raise IndexError(f"image {number} of {len(self)}")
        number %= len(self)
        return self._read_range(range(number, number + 1))[0]

    if not TYPE_CHECKING:  # the type checker is to see that there is none

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("__"):
                raise AttributeError(name)
            raise AttributeError(
                f"images that stay on disk have no {name!r}: choose some by number (`images[numbers]`), go "
                "through `images.split(1000)`, or take `dataset.pixels` of few of them"
            )

    def index_select(self, dim: int, indices: Tensor) -> Tensor:
        """Return the images at `indices`, (count,) int64, in memory; `dim` is 0, as of a tensor."""
        if dim != 0:
            raise IndexError(f"images are chosen along axis 0, not {dim}")
        return self[indices]

    def split(self, size: int) -> Iterator[Tensor]:
        """Yield the images in order, so many at once, in memory."""
        if len(self):
            yield from read_ahead(self, torch.arange(len(self)).split(size))

    def request(self, numbers: Tensor) -> Tensor:
        """Have the system fetch images by number, and return their rows in the arrays, for `read`."""
        rows = self._locate(numbers)
        for array, _, within in self._divide(rows.numpy()):
            request_rows(array, within)
        return rows

    def read(self, rows: Tensor) -> Tensor:
        """Return images by their rows in the arrays, (count,) int64, as `request` gave them, in memory."""
        refuse_too_many(len(rows), self.bytes_of_one)
        if len(self.arrays) == 1:
            return torch.from_numpy(read_rows(self.arrays[0], rows.numpy())).to(self.device)
        read = np.empty((len(rows), *self.arrays[0].shape[1:]), np.uint8)
        for array, places, within in self._divide(rows.numpy()):
            read[places] = read_rows(array, within)
        return torch.from_numpy(read).to(self.device)

    def to(self, device: torch.device) -> "StoredImages":
        """Return the same images, to be put on a device when they are asked for."""
        return replace(self, device=device)

    def choose(self, index: Tensor | slice) -> "StoredImages":
        """Return a choice of the images, as `index` of a tensor would give it; nothing is read."""
        if isinstance(index, Tensor):
            return replace(self, rows=self._locate(index))
        if self.rows is not None:
            return replace(self, rows=self.rows[index])
        return replace(self, rows=torch.arange(*index.indices(len(self))))

    def load(self) -> Tensor:
        """Return all images in memory, (images, channels, height, width) uint8."""
        loaded = torch.empty(self.shape, dtype=torch.uint8)
        step = max(1, 2**26 // max(1, self.bytes_of_one))
        for start in range(0, len(self), step):
            loaded[start : start + step] = self[start : start + step]
        return loaded.to(self.device)

    @cached_property
    def _starts(self) -> list[int]:
        """The number of each array's first image, and how many there are."""
        return [0, *accumulate(map(len, self.arrays))]

    def _locate(self, index: Tensor) -> Tensor:
        """Return row numbers in the arrays of some of these images, (count,) int64."""
        chosen = index.cpu()
        if chosen.dtype == torch.bool:
            if len(chosen) != len(self):
                raise IndexError(f"a mask of {len(chosen)} for {len(self)} images")
            chosen = chosen.nonzero().flatten()
        if len(chosen) and not (-len(self) <= int(chosen.min()) and int(chosen.max()) < len(self)):
            raise IndexError(f"images {int(chosen.min())} to {int(chosen.max())} of {len(self)}")
        chosen = torch.where(chosen < 0, chosen + len(self), chosen)
        return chosen if self.rows is None else self.rows[chosen]

    def _read_range(self, wanted: range) -> Tensor:
        if self.rows is not None:
            return self._read(self.rows[wanted.start : wanted.stop : wanted.step])
        return self._read(torch.arange(wanted.start, wanted.stop, wanted.step))

    def _read(self, rows: Tensor) -> Tensor:
        for array, _, within in self._divide(rows.numpy()):
            request_rows(array, within)
        return self.read(rows)

    def _divide(self, numbers: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray | slice, np.ndarray]]:
        """Yield each array with the places of the numbers that are its own, and these counted within it."""
        if len(self.arrays) == 1:
            yield self.arrays[0], slice(None), numbers
            return
        which = np.searchsorted(self._starts, numbers, side="right") - 1
        for number, array in enumerate(self.arrays):
            places = np.flatnonzero(which == number)
            if len(places):
                yield array, places, numbers[places] - self._starts[number]


Images = Tensor | StoredImages
"""Images in memory, or on disk: both have shape, dtype, device, `len`, `[…]`, `index_select` and `split`."""


def refuse_too_many(count: int, bytes_of_one: int) -> None:
    """Check that a request for images leaves the machine its memory.

    Raises:
        DataError: it is for more than `MOST_BYTES_AT_ONCE`.
    """
    if count * bytes_of_one > MOST_BYTES_AT_ONCE:
        raise DataError(
            "These images are read from disk as they are needed: so many do not come into memory at once.",
            got=f"{count:,} images, {count * bytes_of_one / 1e9:.1f} GB",
            allowed=f"{MOST_BYTES_AT_ONCE / 1e9:.1f} GB at once",
            next_step="take some (`take_stratified`), or go through `images.split(1000)`; "
            "data.in_memory=true loads all",
        )


def hold_pixels(pixels: np.ndarray) -> Images:
    """Return (images, channels, height, width) uint8 as images; on disk if that is where the array is."""
    return StoredImages((pixels,)) if is_mapped(pixels) else torch.from_numpy(pixels)


def choose_images(images: Images, index: Tensor | slice) -> Images:
    """Return a choice of images, in memory or on disk as they were."""
    return images.choose(index) if isinstance(images, StoredImages) else images[index]


def join_images(parts: Sequence[Images]) -> Images:
    """Return the images of several parts, in their order; on disk if one of them is."""
    if not any(isinstance(part, StoredImages) for part in parts):
        return torch.cat([part for part in parts if isinstance(part, Tensor)])
    arrays: list[np.ndarray] = []
    rows, start = [], 0
    for part in parts:
        ours = part.arrays if isinstance(part, StoredImages) else (part.cpu().numpy(),)
        count = sum(map(len, ours))
        of_part = part.rows if isinstance(part, StoredImages) else None
        places = [index for index, one in enumerate(arrays) if one is ours[0]]
        if len(ours) == 1 and places:  # another part of the same file
            before = sum(map(len, arrays[: places[0]]))
        else:
            before, start = start, start + count
            arrays += ours
        rows.append((torch.arange(count) if of_part is None else of_part) + before)
    return StoredImages(tuple(arrays), torch.cat(rows), parts[0].device)


def read_ahead(images: Images, batches: Iterable[Tensor]) -> Iterator[Tensor]:
    """Yield the images of each batch; those on disk are fetched while earlier ones are computed on.

    Args:
        images: in memory or on disk.
        batches: (batch,) int64 each, on the device of the images or on the CPU.
    """
    if isinstance(images, Tensor):
        for numbers in batches:
            yield images.index_select(0, numbers)
    elif all(map(can_be_requested, images.arrays)):
        yield from _request_ahead(images, batches)
    else:
        yield from _read_in_thread(images, batches)


def _request_ahead(images: StoredImages, batches: Iterable[Tensor]) -> Iterator[Tensor]:
    """Yield the images of each batch; the system fetches later ones by itself, which costs no thread."""
    waiting: deque[Tensor] = deque()
    for numbers in batches:
        waiting.append(images.request(numbers))
        if len(waiting) > _AHEAD:
            yield images.read(waiting.popleft())
    while waiting:
        yield images.read(waiting.popleft())


def _read_in_thread(images: StoredImages, batches: Iterable[Tensor]) -> Iterator[Tensor]:
    """Yield the images of each batch; where the system takes no requests, a thread reads later ones."""
    waiting: deque[Future[Tensor]] = deque()
    with ThreadPoolExecutor(1, "loupe-read-ahead") as reader:
        for numbers in batches:
            waiting.append(reader.submit(images.__getitem__, numbers))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
