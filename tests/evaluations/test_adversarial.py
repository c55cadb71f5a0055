"""What is left under attack equals what the margin of a linear network leaves."""

import torch
from torch import nn

from loupe.data import ImageDataset
from loupe.data.normalization import Normalization
from loupe.evaluations import Network
from loupe.evaluations.adversarial import BUDGETS, measure_adversarial
from loupe.models.layer_table import describe_layers


def test_an_image_stands_while_its_margin_is_larger_than_what_the_budget_moves() -> None:
    generator = torch.Generator().manual_seed(0)
    layer = nn.Linear(4, 2, bias=False)
    weight = torch.tensor([[1.0, -1.0, 2.0, 0.5], [-1.0, 1.0, -2.0, -0.5]])
    with torch.no_grad():
        layer.weight.copy_(weight)
    model = nn.Sequential(nn.Flatten(), layer).eval().requires_grad_(False)
    pixels = torch.randint(118, 138, (120, 1, 2, 2), generator=generator).to(torch.uint8)
    images = ImageDataset(pixels, torch.arange(120) % 2, ("low", "high"), "drawn")
    normalization = Normalization((0.5,), (0.25,))
    network = Network(
        model,
        normalization,
        describe_layers(model, in_channels=1, image_size=(2, 2)),
        torch.device("cpu"),
        batch_size=32,
    )
    found = measure_adversarial(images, network, 0.95, seed=0, most=120)
    logits = model(normalization.apply(pixels))
    sides = torch.where(images.labels == 0, 1, -1)
    margins = (logits[:, 0] - logits[:, 1]) * sides
    moves = 2 * float(weight[0].abs().sum()) / (255 * 0.25)  # of the margin, by one level in every pixel
    values = {value.name: value.value for value in found.values}
    assert values["accuracy of these images as they are"] == float((margins > 0).double().mean())
    for budget in BUDGETS:
        stands = float((margins > budget * moves).double().mean())
        assert 0 <= stands < 1
        for name in ("FGSM", "PGD"):
            assert abs(values[f"accuracy under {name}, {budget}/255"] - stands) < 1e-9, (name, budget)
    assert found.made is not None
    assert len(found.made) % 2 == 0
