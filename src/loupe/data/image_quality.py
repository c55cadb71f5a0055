"""Images that are blurred, dark, bright or blank, and files whose size is none of the others'."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor

from loupe.data.image_files import UNREADABLE, opening_image
from loupe.data.stored_images import Images

MOST_BLANK = 2.0
"""Standard deviation in levels of 255 below which an image is blank."""
MOST_DARK = 40.0
"""An image is dark if 95 % of its pixels are below this level."""
LEAST_BRIGHT = 215.0
"""An image is bright if 95 % of its pixels are above this level."""
BLUR_REACH = 2.0
"""The logarithm of a blurred image's sharpness lies so many interquartile ranges below the first quartile."""
MOST_OTHER_SHAPE = 1.5
"""The ratio of an odd file's sides is so many times the median's, or the median's so many times its own."""
MOST_OTHER_AREA = 4.0
"""The area of an odd file is so many times the median's, or the median's so many times its own."""

_BLOCK = 2048
_LAPLACE = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True)
class Flaw:
    """What is odd about an image.

    Args:
        index: which image.
        kind: "blank", "dark", "bright", "blurred", "odd size".
        value: what was measured; its unit and limit stand in `reason`.
        reason: in words.
    """

    index: int
    kind: str
    value: float
    reason: str


def find_flaws(images: Images) -> list[Flaw]:
    """Return blank, dark, bright and blurred images; one that is several is listed as the first.

    Args:
        images: (images, channels, height, width) uint8.
    """
    contrast, low, high, sharpness = (
        torch.cat(part) for part in zip(*map(_measure, images.split(_BLOCK)), strict=True)
    )
    logs = sharpness.clamp_min(1e-6).log()
    is_seen = contrast >= MOST_BLANK
    limit = _find_blur_limit(logs[is_seen])
    found = []
    for index in range(len(images)):
        std, dim, light, sharp = (float(one[index]) for one in (contrast, low, high, sharpness))
        if std < MOST_BLANK:
            reason = f"blank: its levels deviate by {std:.1f} of 255, less than {MOST_BLANK:g}"
            found.append(Flaw(index, "blank", std, reason))
        elif light < MOST_DARK:
            reason = f"dark: 95 % of its pixels are below level {light:.0f}; the limit is {MOST_DARK:g}"
            found.append(Flaw(index, "dark", light, reason))
        elif dim > LEAST_BRIGHT:
            reason = f"bright: 95 % of its pixels are above level {dim:.0f}; the limit is {LEAST_BRIGHT:g}"
            found.append(Flaw(index, "bright", dim, reason))
        elif float(logs[index]) < limit:
            typical = float(sharpness[is_seen].median())
            reason = (
                f"blurred: sharpness {sharp:.2f} (edges against contrast), where the median is {typical:.2f}"
            )
            found.append(Flaw(index, "blurred", sharp, reason))
    order = {"blank": 0, "dark": 1, "bright": 2, "blurred": 3}
    return sorted(found, key=lambda one: (order[one.kind], -one.value if one.kind == "bright" else one.value))


def _measure(images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return contrast, level of the darkest and brightest twentieth, and sharpness, (images,) float32 each.

    Sharpness is the deviation of the Laplacian over that of the levels: contrast alone makes no image sharp.
    """
    levels = images.cpu().float().mean(1, keepdim=True)
    flat = levels.flatten(1)
    contrast = flat.std(1, correction=0)
    ends = flat.quantile(torch.tensor([0.05, 0.95]), dim=1)
    if min(levels.shape[2:]) < 3:
        return contrast, ends[0], ends[1], torch.ones(len(images))
    edges = F.conv2d(levels, _LAPLACE[None, None]).flatten(1).std(1, correction=0)
    return contrast, ends[0], ends[1], edges / contrast.clamp_min(1.0)


def _find_blur_limit(logs: Tensor) -> float:
    if len(logs) < 20:  # quartiles of fewer say little
        return float("-inf")
    first, third = (float(one) for one in torch.quantile(logs[:1_000_000], torch.tensor([0.25, 0.75])))
    return first - BLUR_REACH * (third - first)


def find_odd_sizes(root: Path, paths: Sequence[str]) -> list[Flaw]:
    """Return the files whose size or shape is far from the median's; only their headers are read.

    Files that are not there, or no images by themselves, are passed over.

    Args:
        root: folder that `paths` start from.
        paths: of the files.
    """
    sizes = {index: size for index, path in enumerate(paths) if (size := _read_size(root / path)) is not None}
    if not sizes:
        return []
    area = median(width * height for width, height in sizes.values())
    shape = median(width / height for width, height in sizes.values())
    found = []
    for index, (width, height) in sizes.items():
        larger = max(width * height / area, area / (width * height))
        longer = max(width / height / shape, shape / (width / height))
        if larger > MOST_OTHER_AREA:
            what = "larger" if width * height > area else "smaller"
            reason = f"{width} × {height} pixels: {larger:.1f} times {what} than the median file"
            found.append(Flaw(index, "odd size", larger, reason))
        elif longer > MOST_OTHER_SHAPE:
            reason = f"{width} × {height} pixels: its shape is {longer:.1f} times off the median file's"
            found.append(Flaw(index, "odd size", longer, reason))
    return sorted(found, key=lambda one: (-one.value, one.index))


def _read_size(file: Path) -> tuple[int, int] | None:
    """Return width and height in pixels."""
    try:
        if not file.is_file():
            return None
        with opening_image(file) as picture:
            size: tuple[int, int] = picture.size
    except UNREADABLE:
        return None
    return size if min(size) > 0 else None
