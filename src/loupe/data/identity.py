"""What an image is: a digest of its pixels and of nothing else.

The file's name, its place, its label and its format do not count, so the same picture is found again wherever
it lies. A colour image with three equal channels is the grey image it shows.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from loupe.data.stored_images import Images, StoredImages

DIGEST_BYTES = 16
"""Of SHA-256; two of a million images share so many bits by chance once in 10^27 cases."""
_BLOCK = 512  # images read at once


@dataclass(frozen=True, eq=False)
class ImageTable:
    """What is known of images without looking at them.

    Args:
        digests: (images, 16) uint8, of the pixels as a network sees them.
        labels: (images,) int64.
        origins: (images, 16) uint8, of the pixels as the files hold them, before any change of size; None
            where that is the same.
        paths: of the files, relative to the data; None where there are no files.
    """

    digests: Tensor
    labels: Tensor
    origins: Tensor | None = None
    paths: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def identities(self) -> Tensor:
        """(images, 16) uint8, which images these are, whatever size they were brought to."""
        return self.digests if self.origins is None else self.origins

    def select(self, indices: Tensor) -> "ImageTable":
        """Return the rows at `indices` ((count,) int64), in that order."""
        return ImageTable(
            self.digests[indices],
            self.labels[indices],
            None if self.origins is None else self.origins[indices],
            None if self.paths is None else tuple(self.paths[index] for index in indices.tolist()),
        )

    def keys(self) -> set[bytes]:
        """Return every digest by which one of these images may be met again."""
        found = set(to_keys(self.digests))
        return found if self.origins is None else found | set(to_keys(self.origins))

    def find(self, known: Collection[bytes]) -> Tensor:
        """Return which of these images are among `known`, (images,) bool, as files or as seen."""
        found = is_among(self.digests, known)
        return found if self.origins is None else found | is_among(self.origins, known)


def join_tables(*tables: ImageTable) -> ImageTable:
    """Return the rows of several tables as one, known by what their images are."""
    identities = torch.cat([table.identities for table in tables])
    return ImageTable(identities, torch.cat([table.labels for table in tables]))


def digest_images(images: Images) -> Tensor:
    """Return (images, 16) uint8, a digest of each image's shape, type and pixels.

    Args:
        images: (images, channels, height, width), on any device or on disk.
    """
    if isinstance(images, StoredImages):
        found = torch.empty(len(images), DIGEST_BYTES, dtype=torch.uint8)
        for start, block in zip(range(0, len(images), _BLOCK), images.split(_BLOCK), strict=True):
            found[start : start + _BLOCK] = digest_images(block)  # kept apart, they would break up the heap
        return found
    pixels = images.cpu()
    digests = _digest_rows(pixels)
    if pixels.ndim == 4 and pixels.shape[1] == 3 and len(pixels):
        is_grey = (pixels[:, :1] == pixels[:, 1:]).flatten(1).all(1)
        digests[is_grey] = _digest_rows(pixels[is_grey, :1])
    return digests


def _digest_rows(images: Tensor) -> Tensor:
    rows = np.ascontiguousarray(images.numpy())
    start = hashlib.sha256(repr((rows.dtype.str, rows.shape[1:])).encode())
    digests = bytearray()
    for row in rows:
        sha = start.copy()
        sha.update(row.data)
        digests += sha.digest()[:DIGEST_BYTES]
    return torch.from_numpy(np.frombuffer(digests, np.uint8).reshape(-1, DIGEST_BYTES).copy())


def digest_picture(picture: np.ndarray) -> bytes:
    """Return the digest of one image as `decode_image` gives it, (height, width, channels) uint8.

    That of `digest_images`, without a tensor's detours: it is taken of every file that is decoded.
    """
    image = picture.transpose(2, 0, 1)
    if len(image) == 3 and (image[:1] == image[1:]).all():
        image = image[:1]
    sha = hashlib.sha256(repr((image.dtype.str, image.shape)).encode())
    sha.update(np.ascontiguousarray(image).data)
    return sha.digest()[:DIGEST_BYTES]


def to_keys(digests: Tensor) -> list[bytes]:
    """Return (images, 16) uint8 as 16 bytes an image, to be looked up."""
    if not len(digests):
        return []
    rows = np.ascontiguousarray(digests.cpu().numpy())
    keys: list[bytes] = rows.view(f"V{DIGEST_BYTES}").ravel().tolist()
    return keys


def from_keys(keys: Iterable[bytes]) -> Tensor:
    """Return 16 bytes an image as (images, 16) uint8."""
    joined = bytearray(b"".join(keys))
    return torch.from_numpy(np.frombuffer(joined, np.uint8).reshape(-1, DIGEST_BYTES).copy())


def is_among(digests: Tensor, known: Collection[bytes]) -> Tensor:
    """Return which of (images, 16) uint8 are in `known`, (images,) bool."""
    return torch.tensor([key in known for key in to_keys(digests)], dtype=torch.bool)


def digest_content(identities: Tensor) -> str:
    """Return the SHA-256 (hex) of a set of images: the same in any order, under any labels."""
    return hashlib.sha256(b"".join(sorted(set(to_keys(identities))))).hexdigest()
