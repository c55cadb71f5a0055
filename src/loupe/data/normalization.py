"""Per-channel normalisation: measured on the training split, or one of the known presets.

Several published CIFAR-10 codes carry standard deviations of about 0.20. Those are the mean over
images of each image's own deviation, not the deviation of the pixels (0.247, 0.243, 0.262); inputs
come out 22 to 31 % too large. They are kept here so that they can be recognised.
Source: github.com/kuangliu/pytorch-cifar/issues/135.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from loupe.data.stored_images import Images
from loupe.errors import DataError, suggest

_BLOCK = 512  # images counted at once


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation of each channel, for pixels scaled to [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def from_dict(cls, values: Mapping[str, Sequence[float]]) -> "Normalization":
        """Return the constants a file holds; earlier ones call the deviation `sd`."""
        return cls(tuple(values["mean"]), tuple(values["std"] if "std" in values else values["sd"]))

    def apply(self, images: Tensor) -> Tensor:
        """Return (pixel / 255 - mean) / std as float32.

        Args:
            images: (batch, channels, height, width) uint8.
        """
        scale, shift = _scale_and_shift(self, images.device)
        return images.float().mul_(scale).add_(shift)

    def scale_and_shift(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return what `apply` multiplies pixels by and what it adds, (1, channels, 1, 1) float32 each."""
        return _scale_and_shift(self, device)

    def invert(self, inputs: Tensor) -> Tensor:
        """Return normalised inputs as pixels in [0, 1], clipped, for people to look at."""
        scale, shift = _scale_and_shift(self, inputs.device)
        return ((inputs - shift) / (scale * 255)).clamp(0, 1)


@lru_cache(maxsize=32)
def _scale_and_shift(normalization: Normalization, device: torch.device) -> tuple[Tensor, Tensor]:
    # float64 until the end: mean and std are typed to four digits, not rounded to float32 first
    mean = torch.tensor(normalization.mean, dtype=torch.float64).view(1, -1, 1, 1)
    std = torch.tensor(normalization.std, dtype=torch.float64).view(1, -1, 1, 1)
    return (1 / (255 * std)).float().to(device), (-mean / std).float().to(device)


@dataclass(frozen=True)
class Preset:
    """Published constants of a dataset."""

    normalization: Normalization
    origin: str
    problem: str = ""
    dataset: str = ""  # the source these constants are of, where they are of one


PRESETS = {
    "cifar10": Preset(
        Normalization((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
        "CIFAR-10: mean and std of all training pixels",
    ),
    "cifar10-per-image-sd": Preset(
        Normalization((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
        "CIFAR-10: copied through many repositories",
        "the std is the mean of per-image deviations, 18 to 23 % below the std of the pixels",
        dataset="CIFAR-10",
    ),
    "fashion-mnist": Preset(
        Normalization((0.2860,), (0.3530,)), "Fashion-MNIST: mean and std of all training pixels"
    ),
    "half-1": Preset(Normalization((0.5,), (0.5,)), "grey pixels to [-1, 1], nothing measured"),
    "half-3": Preset(Normalization((0.5,) * 3, (0.5,) * 3), "colour pixels to [-1, 1], nothing measured"),
}


def measure_normalization(images: Images) -> Normalization:
    """Return mean and std of each channel over all pixels of (images, channels, height, width) uint8.

    Exact: sums of whole numbers, no rounding on the way. A channel that never changes gets std 1.
    """
    mean, std = [], []
    for counts in count_levels(images).double():
        levels = torch.arange(256, dtype=torch.float64) / 255
        average = (counts * levels).sum() / counts.sum()
        variance = (counts * (levels - average) ** 2).sum() / counts.sum()
        mean.append(float(average))
        std.append(float(variance.sqrt()) or 1.0)
    return Normalization(tuple(mean), tuple(std))


def count_levels(images: Images) -> Tensor:
    """Return how many pixels have each level in each channel, (channels, 256) int64.

    Args:
        images: (images, channels, height, width) uint8.
    """
    counts = torch.zeros(images.shape[1], 256, dtype=torch.int64)
    for block in images.split(_BLOCK):
        for channel, levels in enumerate(block.unbind(1)):
            counts[channel] += torch.bincount(levels.flatten().cpu(), minlength=256)
    return counts


def find_preset(name: str) -> Preset:
    """Return the preset called `name`.

    Raises:
        DataError: there is no such preset.
    """
    if name not in PRESETS:
        raise DataError(
            f"There is no normalisation preset {name!r}.",
            got=name,
            allowed=", ".join(["measured", "unit", *PRESETS]),
            nearest=suggest(name, ["measured", "unit", *PRESETS]),
            next_step='set data.normalize = "measured"',
        )
    return PRESETS[name]


def find_known_problem(normalization: Normalization) -> str | None:
    """Return what is known to be wrong with these constants, or None.

    Constants within 0.001 of a preset count as copied from it.
    """
    for name, preset in PRESETS.items():
        known = preset.normalization.std
        if preset.problem and len(known) == len(normalization.std):
            largest = max(abs(a - b) for a, b in zip(known, normalization.std, strict=True))
            if largest <= 0.001:
                return f"std {normalization.std} is the preset {name!r}: {preset.problem}"
    return None
