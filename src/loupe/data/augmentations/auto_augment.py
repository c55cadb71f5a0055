from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from loupe.data.augmentations import register_augmentation
from loupe.data.operations.geometry import Fill, Interpolation
from loupe.data.operations.policy_steps import (
    IDENTITY,
    OPERATIONS,
    Steps,
    apply_steps,
    give_signs,
    search_ranges,
    tabulate_magnitudes,
)

# two operations each, with probability and magnitude (of 0 … 9; None where the operation has none)
SUB_POLICIES: tuple[tuple[tuple[str, float, int | None], tuple[str, float, int | None]], ...] = (
    (("invert", 0.1, None), ("contrast", 0.2, 6)),
    (("rotate", 0.7, 2), ("translate-x", 0.3, 9)),
    (("sharpness", 0.8, 1), ("sharpness", 0.9, 3)),
    (("shear-y", 0.5, 8), ("translate-y", 0.7, 9)),
    (("autocontrast", 0.5, None), ("equalize", 0.9, None)),
    (("shear-y", 0.2, 7), ("posterize", 0.3, 7)),
    (("color", 0.4, 3), ("brightness", 0.6, 7)),
    (("sharpness", 0.3, 9), ("brightness", 0.7, 9)),
    (("equalize", 0.6, None), ("equalize", 0.5, None)),
    (("contrast", 0.6, 7), ("sharpness", 0.6, 5)),
    (("color", 0.7, 7), ("translate-x", 0.5, 8)),
    (("equalize", 0.3, None), ("autocontrast", 0.4, None)),
    (("translate-y", 0.4, 3), ("sharpness", 0.2, 6)),
    (("brightness", 0.9, 6), ("color", 0.2, 8)),
    (("solarize", 0.5, 2), ("invert", 0.0, None)),
    (("equalize", 0.2, None), ("autocontrast", 0.6, None)),
    (("equalize", 0.2, None), ("equalize", 0.6, None)),
    (("color", 0.9, 9), ("equalize", 0.6, None)),
    (("autocontrast", 0.8, None), ("solarize", 0.2, 8)),
    (("brightness", 0.1, 3), ("color", 0.7, 0)),
    (("solarize", 0.4, 5), ("autocontrast", 0.9, None)),
    (("translate-y", 0.9, 9), ("translate-y", 0.7, 9)),
    (("autocontrast", 0.9, None), ("solarize", 0.8, 3)),
    (("equalize", 0.8, None), ("invert", 0.1, None)),
    (("translate-y", 0.7, 9), ("autocontrast", 0.9, None)),
)
"""The policy found for CIFAR-10: the paper's appendix."""

_NUM_BINS = 10

# (sub-policies, 2): place of the operation, its probability, its bin
_OPERATIONS = torch.tensor([[OPERATIONS.index(name) for name, _, _ in pair] for pair in SUB_POLICIES])
_PROBABILITIES = torch.tensor([[probability for _, probability, _ in pair] for pair in SUB_POLICIES])
_BINS = torch.tensor([[magnitude or 0 for _, _, magnitude in pair] for pair in SUB_POLICIES])


class AutoAugmentDraw(NamedTuple):
    """One sub-policy an image, and what becomes of its two operations.

    Attributes:
        sub_policies: (batch,) int64, places in `SUB_POLICIES`.
        is_applied: (batch, 2) bool, which of the two operations happen.
        signs: (batch, 2) int64, 1 or -1; only operations with a direction heed them.
    """

    sub_policies: Tensor
    is_applied: Tensor
    signs: Tensor


@register_augmentation("auto-augment")
@dataclass(frozen=True)
class AutoAugment:
    """Apply one of the 25 sub-policies that AutoAugment found for CIFAR-10.

    Cubuk et al. 2019 (arXiv:1805.09501), magnitudes and signs as in torchvision. In the paper it comes after
    horizontal flip and padded crop, and before a Cutout of 16 pixels. It was searched on colour photographs;
    some of it (invert, shifts by 14 pixels) may be too much for grey pictures of things or digits.
    """

    interpolation: Interpolation = "nearest"
    fill: Fill = 0

    def draw(self, images: Tensor, generator: torch.Generator) -> AutoAugmentDraw:
        """Return a sub-policy, two decisions and two signs for each image."""
        device, size = images.device, (len(images), 2)
        sub_policies = torch.randint(len(SUB_POLICIES), size[:1], generator=generator, device=device)
        drawn = torch.rand(size, generator=generator, device=device)
        signs = 2 * torch.randint(2, size, generator=generator, device=device) - 1
        return AutoAugmentDraw(sub_policies, drawn < _PROBABILITIES.to(device)[sub_policies], signs)

    def apply(self, images: Tensor, draw: AutoAugmentDraw) -> Tensor:
        return apply_steps(images, self.steps(images, draw), self.interpolation, self.fill)

    def steps(self, images: Tensor, draw: AutoAugmentDraw) -> Steps:
        """Return the operations that a draw means for these images, with their magnitudes."""
        device = images.device
        operations = _OPERATIONS.to(device)[draw.sub_policies]
        operations = torch.where(draw.is_applied, operations, IDENTITY)
        table = tabulate_magnitudes(search_ranges(*images.shape[-2:]), _NUM_BINS).to(device)
        magnitudes = table[operations, _BINS.to(device)[draw.sub_policies]]
        return Steps(operations, give_signs(magnitudes, operations, draw.signs))
