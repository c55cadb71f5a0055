"""Hue: colours turned around the colour circle."""

import torch
from torch import Tensor

from loupe.data.operations.levels import per_image


def shift_hue(images: Tensor, shifts: Tensor) -> Tensor:
    """Return uint8 images with the hue of every pixel moved; saturation and value (HSV) stay.

    Args:
        images: (batch, 3, height, width) uint8; other numbers of channels are left alone.
        shifts: (batch,) float32, parts of the whole circle: 1/3 makes red green, 0 changes nothing.

    In floating point and rounded at the end, unlike Pillow's HSV images, which keep 256 hues only.
    """
    if images.shape[1] != 3:
        return images
    values = images.float()
    red, green, blue = values.unbind(1)
    brightest, chroma = values.amax(1), values.amax(1) - values.amin(1)
    divisor = chroma.clamp(min=1)  # a grey pixel has no hue: any will do
    # hue in sixths of the circle: 0 red, 2 green, 4 blue
    sixths = torch.where(
        brightest == red,
        (green - blue) / divisor,
        torch.where(brightest == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor),
    )
    sixths = sixths.add_(6 * per_image(shifts).squeeze(1))
    # each channel falls from its brightest to its darkest as the hue moves away from it:
    # value - chroma x clamp(min(k, 4 - k), 0, 1), with k = (n + sixths) mod 6, n = 5, 3, 1
    channels = torch.stack([sixths + 5, sixths + 3, sixths + 1], 1).remainder_(6)
    fall = torch.minimum(channels, 4 - channels).clamp_(0, 1)
    return (brightest.unsqueeze(1) - chroma.unsqueeze(1) * fall).round_().clamp_(0, 255).to(torch.uint8)
