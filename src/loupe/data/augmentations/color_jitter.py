from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from loupe.data.augmentations import register_augmentation
from loupe.data.operations.enhance import change_brightness, change_contrast, change_saturation
from loupe.data.operations.grouping import group_by_choice
from loupe.data.operations.hue import shift_hue
from loupe.data.operations.levels import to_levels

_CHANGES = (change_brightness, change_contrast, change_saturation, shift_hue)


class ColorJitterDraw(NamedTuple):
    """The order of the four changes and how strong each is.

    Attributes:
        order: (batch, 4) int64, which comes first, second …: 0 brightness, 1 contrast, 2 saturation, 3 hue.
        strengths: (batch, 4) float32, brightness, contrast and saturation as factors (1 changes nothing),
            hue in parts of the colour circle (0 changes nothing).
    """

    order: Tensor
    strengths: Tensor


@register_augmentation("color-jitter")
@dataclass(frozen=True)
class ColorJitter:
    """Change brightness, contrast, saturation and hue at random, in random order.

    Each factor is uniform in [max(0, 1 - strength), 1 + strength], as in torchvision. Grey images, of one
    channel, get brightness and contrast only; images of neither 1 nor 3 channels brightness only.
    """

    brightness: Annotated[float, Field(ge=0, description="Largest change of brightness, ≥ 0; 0 is none.")] = (
        0.4
    )
    contrast: Annotated[float, Field(ge=0, description="Largest change of contrast, ≥ 0; 0 is none.")] = 0.4
    saturation: Annotated[float, Field(ge=0, description="Largest change of saturation, ≥ 0; 0 is none.")] = (
        0.4
    )
    hue: Annotated[
        float, Field(ge=0, le=0.5, description="Largest turn of the colour circle, 0 to 0.5 (half of it).")
    ] = 0.1

    def draw(self, images: Tensor, generator: torch.Generator) -> ColorJitterDraw:
        """Return an order and four strengths for each image."""
        size, device = (len(images), 4), images.device
        order = torch.rand(size, generator=generator, device=device).argsort(1)
        changes = (self.brightness, self.contrast, self.saturation)
        low = torch.tensor([*(max(0.0, 1 - change) for change in changes), -self.hue], device=device)
        high = torch.tensor([*(1 + change for change in changes), self.hue], device=device)
        drawn = torch.rand(size, generator=generator, device=device)
        return ColorJitterDraw(order, low + (high - low) * drawn)

    def apply(self, images: Tensor, draw: ColorJitterDraw) -> Tensor:
        changed = to_levels(images).clone()
        for choices in draw.order.unbind(1):
            for choice, members in group_by_choice(choices, len(_CHANGES)):
                changed[members] = _CHANGES[choice](changed[members], draw.strengths[members, choice])
        return changed.to(images.dtype)
