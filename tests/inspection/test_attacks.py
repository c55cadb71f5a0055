"""Attacks do what theory says they do to a linear network, and keep to their budget on any."""

import pytest
import torch
from torch import Tensor, nn

import loupe
from loupe.data import ImageDataset
from loupe.data.normalization import Normalization
from loupe.inspection.attacks import attack_by_steps, attack_once

NORMALIZATION = Normalization((0.4,), (0.2,))


def make_linear() -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    layer = nn.Linear(16, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(2, 16, generator=generator))
    return nn.Sequential(nn.Flatten(), layer).eval()


def draw_images() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(20, 236, (30, 1, 4, 4), generator=generator).float()
    return images, torch.randint(2, (30,), generator=generator)


@pytest.mark.parametrize("steps", [None, 1, 10])
def test_the_worst_of_a_linear_network_is_a_corner_that_both_attacks_reach(steps: int | None) -> None:
    model, (images, labels) = make_linear(), draw_images()
    weight = model[1].weight.detach()
    towards = torch.stack([weight[1] - weight[0], weight[0] - weight[1]])[labels].sign().view(-1, 1, 4, 4)
    worst = images + 5 * towards
    if steps is None:
        found = attack_once(model, NORMALIZATION, images, labels, 5)
    else:
        generator = torch.Generator().manual_seed(2)
        found = attack_by_steps(model, NORMALIZATION, images, labels, 5, steps=steps, generator=generator)
    assert torch.allclose(found, worst, atol=1e-3)


@pytest.mark.parametrize("budget", [1, 8])
def test_no_pixel_goes_further_than_the_budget_or_out_of_range(budget: int, few_digits: ImageDataset) -> None:
    model = loupe.build_model("cnn", in_channels=1, image_size=(8, 8), num_classes=10, conv_layers=4, width=1)
    model.eval().requires_grad_(False)
    images, labels = few_digits.images[:60].float(), few_digits.labels[:60]
    generator = torch.Generator().manual_seed(0)
    stepped = attack_by_steps(model, NORMALIZATION, images, labels, budget, steps=4, generator=generator)
    for found in (attack_once(model, NORMALIZATION, images, labels, budget), stepped):
        assert float((found - images).abs().max()) <= budget + 1e-3
        assert float(found.min()) >= 0
        assert float(found.max()) <= 255
        assert not torch.equal(found, images)
    assert all(parameter.grad is None for parameter in model.parameters())
