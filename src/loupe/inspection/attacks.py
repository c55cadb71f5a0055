"""Images changed on purpose, by a little each pixel, so that a network errs: FGSM and PGD."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from loupe.data.normalization import Normalization


def attack_once(
    model: nn.Module, normalization: Normalization, images: Tensor, labels: Tensor, budget: float
) -> Tensor:
    """Return images after one step of `budget` along the sign of the loss's gradient (FGSM).

    Goodfellow, Shlens and Szegedy (2015), arXiv:1412.6572.

    Args:
        model: in evaluation mode, on the device of the images; gives logits of normalised images.
        normalization: what the model's inputs are made with.
        images: (batch, channels, height, width) float, pixels in [0, 255].
        labels: (batch,) int64.
        budget: largest change of a pixel, in levels of 255, ≥ 0.

    Returns:
        pixels in [0, 255], no further than `budget` from those given.
    """
    step = budget * _find_direction(model, normalization, images, labels)
    return (images + step).clamp(0, 255)


def attack_by_steps(
    model: nn.Module,
    normalization: Normalization,
    images: Tensor,
    labels: Tensor,
    budget: float,
    *,
    steps: int,
    generator: torch.Generator,
) -> Tensor:
    """Return images after projected gradient descent from a random start within the budget (PGD).

    Madry et al. (2018), arXiv:1706.06083: steps of 2.5 budgets over their number.

    Args:
        model: as above.
        normalization: as above.
        images: as above.
        labels: as above.
        budget: as above.
        steps: ≥ 1.
        generator: of the start, on the CPU.
    """
    start = (2 * torch.rand(images.shape, generator=generator) - 1) * budget
    changed = (images + start.to(images.device)).clamp(0, 255)
    for _ in range(steps):
        step = 2.5 * budget / steps * _find_direction(model, normalization, changed, labels)
        changed = (images + (changed + step - images).clamp(-budget, budget)).clamp(0, 255)
    return changed


def _find_direction(model: nn.Module, normalization: Normalization, images: Tensor, labels: Tensor) -> Tensor:
    """Return for each pixel whether the loss rises with it, -1, 0 or 1."""
    # kept constants may have been made where no gradients are recorded: copies may be used here
    scale, shift = (one.clone() for one in normalization.scale_and_shift(images.device))
    with torch.enable_grad():
        pixels = images.detach().clone().requires_grad_()
        loss = F.cross_entropy(model(pixels * scale + shift), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, pixels)
    return gradient.sign()
