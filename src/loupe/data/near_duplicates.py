"""Images that are the same picture: to the bit, moved by a pixel, mirrored, or saved anew with losses.

Likely pairs are found by small versions of images, in every position tried, and each is then held against the
other pixel by pixel. Perceptual hashes, made for photographs, were not tried.
"""

from dataclasses import dataclass
from itertools import product
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from loupe.data.identity import to_keys
from loupe.data.operations.geometry import shift_images
from loupe.data.stored_images import Images

Way = Literal["exact", "saved anew", "moved", "mirrored", "mirrored and moved"]

MOST_RESIDUAL = 0.18
"""Of a pair: what is left of one image when the other is taken away, as a part of its own contrast (std)."""
MOST_RESIDUAL_OF_SMALL = 0.14
"""The same of images below 16 pixels a side, of which unrelated ones are more alike."""
MOST_BRIGHTER = 16.0
"""Of a pair: by how many levels of 255 a channel of one may be brighter, on average."""
LEAST_CONTRAST = 4.0
"""Standard deviation in levels; flatter images say too little, and are compared by digest only."""
SHIFT = 1
"""Pixels in each direction that are tried."""

_THUMBNAIL = 8  # pixels a side
_LEAST_ALIKE = 0.8  # correlation of small versions that are held against each other
_MOST_CANDIDATES = 6  # an image
_BLOCK = 256  # images compared with all others at once
_PAIRS_AT_ONCE = 2048
_STEPS = range(-SHIFT, SHIFT + 1)
_SHIFTS = tuple((down, right) for down in _STEPS for right in _STEPS)


@dataclass(frozen=True)
class DuplicatePair:
    """Two images that are one picture.

    Args:
        first: index of the one that comes first.
        second: index of the other, greater than `first`.
        way: what sets the second apart from the first.
        residual: what is left of one when the other is taken away, as a part of its contrast; 0 if exact.
    """

    first: int
    second: int
    way: Way
    residual: float


def find_duplicates(images: Images, identities: Tensor) -> list[DuplicatePair]:
    """Return the pairs of images that are one picture, nearest first; of k equal ones, k - 1 pairs.

    Costs 18 passes over small versions of all pairs: about a second for 2,000 images, and for more as their
    number squared.

    Args:
        images: (images, channels, height, width) uint8.
        identities: (images, 16) uint8, digests by which images are the same to the bit.
    """
    exact: list[DuplicatePair] = []
    first_of: dict[bytes, int] = {}
    for index, key in enumerate(to_keys(identities)):
        first = first_of.setdefault(key, index)
        if first != index:
            exact.append(DuplicatePair(first, index, "exact", 0.0))
    different = torch.tensor(sorted(first_of.values()), dtype=torch.int64)
    if len(different) < 2:
        return exact
    levels = images.to(torch.device("cpu"))
    kept, grey = _take_contrasty(levels, different)
    pairs = find_candidates(grey)
    near = verify_pairs(levels, kept[pairs]) if len(pairs) else []
    return [*exact, *_sort(near)]


def find_copies(
    images: Images, identities: Tensor, others: Images, other_identities: Tensor
) -> list[DuplicatePair]:
    """Return pairs of an image and one of others that are one picture, nearest first.

    Of an image that is the same to the bit as several others, one pair. Costs what `find_duplicates` does,
    with the product of both numbers in place of the square.

    Args:
        images: (images, channels, height, width) uint8; `first` of a pair is one of these.
        identities: (images, 16) uint8, their digests.
        others: (others, channels, height, width) uint8; `second` of a pair is one of these.
        other_identities: (others, 16) uint8.
    """
    place_of: dict[bytes, int] = {}
    for place, key in enumerate(to_keys(other_identities)):
        place_of.setdefault(key, place)
    same = {index: place_of[key] for index, key in enumerate(to_keys(identities)) if key in place_of}
    exact = [DuplicatePair(index, place, "exact", 0.0) for index, place in same.items()]
    left = torch.tensor([index for index in range(len(identities)) if index not in same], dtype=torch.int64)
    different = torch.tensor(sorted(place_of.values()), dtype=torch.int64)
    if not len(left) or not len(different) or images.shape[1:] != others.shape[1:]:
        return exact
    levels, other_levels = images.to(torch.device("cpu")), others.to(torch.device("cpu"))
    kept, grey = _take_contrasty(levels, left)
    other_kept, other_grey = _take_contrasty(other_levels, different)
    pairs = find_candidates(grey, other_grey)
    if not len(pairs):
        return exact
    named = torch.stack([kept[pairs[:, 0]], other_kept[pairs[:, 1]]], 1)
    return [*exact, *_sort(verify_pairs(levels, named, other_levels))]


def _take_contrasty(levels: Images, indices: Tensor) -> tuple[Tensor, Tensor]:
    """Return which of some images have contrast, and these in grey, (images, 1, height, width) float32."""
    grey = torch.cat([levels[some].float().mean(1, keepdim=True) for some in indices.split(_BLOCK)])
    has_contrast = grey.flatten(1).std(1, correction=0) >= LEAST_CONTRAST
    return indices[has_contrast], grey[has_contrast]


def _sort(pairs: list[DuplicatePair]) -> list[DuplicatePair]:
    return sorted(pairs, key=lambda pair: (pair.residual, pair.first, pair.second))


def find_candidates(grey: Tensor, others: Tensor | None = None) -> Tensor:
    """Return pairs of images whose small versions are alike in some position, (pairs, 2) int64.

    Args:
        grey: (images, 1, height, width) float32, each with some contrast; the first of a pair is the lower
            index.
        others: the same, to be held against: the second of a pair is then one of these. The images
            themselves if left out.
    """
    count = len(grey if others is None else others)
    if count < 2 - (others is not None) or not len(grey):
        return torch.zeros(0, 2, dtype=torch.int64)
    known = _shrink(grey if others is None else others)
    found = []
    for start in range(0, len(grey), _BLOCK):
        block = grey[start : start + _BLOCK]
        alike = torch.full((len(block), count), -1.0)
        for is_mirrored, shift in product((False, True), _SHIFTS):
            torch.maximum(
                alike,
                _shrink(shift_images(block.flip(3) if is_mirrored else block, *shift)) @ known.T,
                out=alike,
            )
        rows = torch.arange(len(block))
        if others is None:
            alike[rows, start + rows] = -1.0
        best = alike.topk(min(_MOST_CANDIDATES, count), dim=1)
        row, column = (best.values >= _LEAST_ALIKE).nonzero(as_tuple=True)
        found.append(torch.stack([row + start, best.indices[row, column]], 1))
    pairs: Tensor = torch.cat(found)
    if others is None:
        pairs = pairs.sort(1).values.unique(dim=0)
    return pairs


def _shrink(grey: Tensor) -> Tensor:
    """Return small versions as rows of mean 0 and length 1, (images, pixels) float32."""
    height, width = (min(_THUMBNAIL, side) for side in grey.shape[2:])
    rows: Tensor = F.adaptive_avg_pool2d(grey, (height, width)).flatten(1)
    centred = rows - rows.mean(1, keepdim=True)
    lengths: Tensor = centred.norm(dim=1, keepdim=True)
    return centred / lengths.clamp_min(1e-6)


def verify_pairs(images: Images, pairs: Tensor, others: Images | None = None) -> list[DuplicatePair]:
    """Return those of some pairs that are one picture, in the position in which they agree best.

    Args:
        images: (images, channels, height, width) uint8.
        pairs: (pairs, 2) int64.
        others: that the second of a pair is one of; the images themselves if left out.
    """
    found = []
    others = images if others is None else others
    most = choose_most_residual(images)
    for some in pairs.split(_PAIRS_AT_ONCE):
        first, second = images[some[:, 0]].float(), others[some[:, 1]].float()
        best = torch.full((len(some),), torch.inf)
        way = torch.zeros(len(some), dtype=torch.int64)
        for number, (is_mirrored, shift) in enumerate(product((False, True), _SHIFTS)):
            residual = _measure_residual(first, second.flip(3) if is_mirrored else second, shift)
            way = torch.where(residual < best, number, way)
            best = torch.minimum(best, residual)
        for place in (best <= most).nonzero().flatten().tolist():
            pair = [int(index) for index in some[place]]
            found.append(DuplicatePair(pair[0], pair[1], _name_way(int(way[place])), float(best[place])))
    return found


def _measure_residual(first: Tensor, second: Tensor, shift: tuple[int, int]) -> Tensor:
    """Return what is left of images when others, moved, are taken away, where both are; (images,) float32."""
    down, right = shift
    height, width = first.shape[2:]
    inside = first[:, :, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]
    other = second[:, :, max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)]
    brighter = (inside - other).mean((2, 3)).abs().amax(1)
    inside, other = inside.mean(1), other.mean(1)  # JPEG spares brightness, not colour
    contrast = torch.minimum(*(one.flatten(1).std(1, correction=0) for one in (inside, other)))
    residual = (inside - other).flatten(1).std(1, correction=0) / contrast.clamp_min(1e-6)
    return torch.where(brighter <= MOST_BRIGHTER, residual, torch.inf)


def choose_most_residual(images: Images) -> float:
    """Return up to which residual images of this size are one picture."""
    return MOST_RESIDUAL if min(images.shape[2:]) >= 16 else MOST_RESIDUAL_OF_SMALL


def _name_way(number: int) -> Way:
    is_mirrored, is_moved = number >= len(_SHIFTS), _SHIFTS[number % len(_SHIFTS)] != (0, 0)
    if is_mirrored:
        return "mirrored and moved" if is_moved else "mirrored"
    return "moved" if is_moved else "saved anew"
