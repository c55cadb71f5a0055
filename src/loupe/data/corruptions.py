"""Images spoilt as cameras and files spoil them, at five severities, on whole batches.

Noise, blur, contrast, brightness, JPEG and pixels are those of CIFAR-10-C (Hendrycks and Dietterich, 2019),
with its constants, for images of about 32 pixels; occlusion, rotation and translation are our own. Each takes
(batch, channels, height, width) uint8 and returns the same.
"""

import io
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from loupe.data.operations.geometry import make_matrices, rotate_about_middle, warp

SEVERITIES = 5
Corruption = Callable[[Tensor, int, torch.Generator], Tensor]


def corrupt(images: Tensor, name: str, severity: int, seed: int) -> Tensor:
    """Return images spoilt in one way; the same for the same seed.

    Args:
        images: (batch, channels, height, width) uint8, on the CPU.
        name: of `CORRUPTIONS`.
        severity: 1 to 5.
        seed: of noise, signs and places.

    Raises:
        ValueError: a severity that there is not.
    """
    if not 1 <= severity <= SEVERITIES:
        raise ValueError(f"got severity {severity}; allowed: 1 to {SEVERITIES}")
    return CORRUPTIONS[name](images, severity - 1, torch.Generator().manual_seed(seed))


def _to_levels(pixels: Tensor) -> Tensor:
    """Return uint8 images of pixels in [0, 1], cut off there, and down to whole levels as published."""
    return (pixels.clamp(0, 1) * 255 + 1e-4).to(torch.uint8)


def _add_gaussian_noise(images: Tensor, place: int, generator: torch.Generator) -> Tensor:
    std = (0.04, 0.06, 0.08, 0.09, 0.10)[place]
    return _to_levels(images / 255 + std * torch.randn(images.shape, generator=generator))


def _add_shot_noise(images: Tensor, place: int, generator: torch.Generator) -> Tensor:
    photons = (500, 250, 100, 75, 50)[place]
    return _to_levels(torch.poisson(images / 255 * photons, generator=generator) / photons)


def _add_impulse_noise(images: Tensor, place: int, generator: torch.Generator) -> Tensor:
    share = (0.01, 0.02, 0.03, 0.05, 0.07)[place]
    hit, side = (torch.rand(images.shape, generator=generator) for _ in range(2))
    extreme = torch.where(side < 0.5, 0, 255).to(torch.uint8)
    return torch.where(hit < share, extreme, images)


def _blur(images: Tensor, place: int, generator: torch.Generator) -> Tensor:
    sigma = (0.4, 0.6, 0.7, 0.8, 1.0)[place]
    reach = int(4 * sigma + 0.5)
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float64)
    kernel = (-(offsets**2) / (2 * sigma**2)).exp()
    kernel = (kernel / kernel.sum()).float()
    batch, channels, height, width = images.shape
    planes = F.pad(images.view(batch * channels, 1, height, width) / 255, (reach,) * 4, mode="replicate")
    smoothed = F.conv2d(F.conv2d(planes, kernel.view(1, 1, -1, 1)), kernel.view(1, 1, 1, -1))
    return _to_levels(smoothed.view(images.shape))


def _lower_contrast(images: Tensor, place: int, generator: torch.Generator) -> Tensor:
    factor = (0.75, 0.5, 0.4, 0.3, 0.15)[place]
    pixels = images / 255
    means = pixels.mean((2, 3), keepdim=True)
    return _to_levels((pixels - means) * factor + means)


def _brighten(images: Tensor, place: int, generator: torch.Generator) -> Tensor:
    """Add to the value of hue, saturation and value: colours keep their proportions."""
    step = (0.05, 0.1, 0.15, 0.2, 0.3)[place]
    pixels = images / 255
    value = pixels.max(1, keepdim=True).values
    brighter = (value + step).clamp(max=1)
    scaled = pixels * brighter / value.clamp_min(1e-6)
    return _to_levels(torch.where(value > 0, scaled, brighter.expand_as(scaled)))


def _compress(images: Tensor, place: int, generator: torch.Generator) -> Tensor:
    quality = (80, 65, 58, 50, 40)[place]

    def change(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        return Image.open(file)

    return _with_pillow(images, change)


def _pixelate(images: Tensor, place: int, generator: torch.Generator) -> Tensor:
    share = (0.95, 0.9, 0.85, 0.75, 0.65)[place]
    height, width = images.shape[-2:]
    small = max(1, int(width * share)), max(1, int(height * share))

    def change(image: Image.Image) -> Image.Image:
        box = Image.Resampling.BOX
        return image.resize(small, box).resize((width, height), box)

    return _with_pillow(images, change)


def _with_pillow(images: Tensor, change: Callable[[Image.Image], Image.Image]) -> Tensor:
    """Return images changed one by one; channels are changed each for itself unless there are three."""
    channels = images.shape[1]
    changed = torch.empty_like(images)
    for index, image in enumerate(images):
        parts = [image] if channels == 3 else list(image.split(1))
        done = [_change_one(part, change) for part in parts]
        changed[index] = torch.cat(done)
    return changed


def _change_one(part: Tensor, change: Callable[[Image.Image], Image.Image]) -> Tensor:
    pixels = part.permute(1, 2, 0).squeeze(2).numpy()
    found = np.array(change(Image.fromarray(pixels)))
    return torch.from_numpy(found).view(*part.shape[1:], part.shape[0]).permute(2, 0, 1)


def _occlude(images: Tensor, place: int, generator: torch.Generator) -> Tensor:
    """Cover a square of mid-grey at a random place."""
    share = (0.15, 0.25, 0.35, 0.45, 0.55)[place]
    height, width = images.shape[-2:]
    side = max(1, round(share * min(height, width)))
    count = len(images)
    tops, lefts = (
        torch.randint(most - side + 1, (count, 1, 1, 1), generator=generator) for most in (height, width)
    )
    rows, columns = torch.arange(height).view(1, 1, -1, 1), torch.arange(width).view(1, 1, 1, -1)
    inside = (rows >= tops) & (rows < tops + side) & (columns >= lefts) & (columns < lefts + side)
    return torch.where(inside, torch.tensor(128, dtype=torch.uint8), images)


def _rotate(images: Tensor, place: int, generator: torch.Generator) -> Tensor:
    degrees = (5.0, 10.0, 15.0, 20.0, 30.0)[place]
    signs = 2 * torch.randint(2, (len(images),), generator=generator) - 1
    return warp(images, rotate_about_middle(degrees * signs.double(), *images.shape[-2:]), "bilinear", 0)


def _translate(images: Tensor, place: int, generator: torch.Generator) -> Tensor:
    share = (0.03, 0.06, 0.1, 0.15, 0.2)[place]
    angles = 2 * torch.pi * torch.rand(len(images), generator=generator, dtype=torch.float64)
    height, width = images.shape[-2:]
    right, down = share * width * angles.cos(), share * height * angles.sin()
    return warp(images, make_matrices(len(images), x=(1, 0, right), y=(0, 1, down)), "bilinear", 0)


CORRUPTIONS: dict[str, Corruption] = {
    "Gaussian noise": _add_gaussian_noise,
    "shot noise": _add_shot_noise,
    "impulse noise": _add_impulse_noise,
    "blur": _blur,
    "contrast": _lower_contrast,
    "brightness": _brighten,
    "JPEG": _compress,
    "pixelate": _pixelate,
    "occlusion": _occlude,
    "rotation": _rotate,
    "translation": _translate,
}
"""How images are spoilt, by name."""
