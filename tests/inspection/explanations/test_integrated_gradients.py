import pytest
import torch
from torch import nn

from loupe.inspection import explain
from tests.inspection.explanations.networks import Plain, make_images, make_network


@pytest.mark.parametrize("baseline", [0.0, -0.8])
@pytest.mark.parametrize("network", ["cnn", "plain", "expert-net", "mlp"])
@torch.no_grad()
def test_completeness(network: str, baseline: float) -> None:
    """The map adds up to what the logit gained over the blank image, up to the error that is reported."""
    model = (Plain() if network == "plain" else make_network(network)).double().eval()
    images = make_images(2).double()
    found = explain(model, images, "integrated-gradients", steps=40, baseline=baseline)
    gained = model(images) - model(torch.full_like(images, baseline))
    gained = gained.gather(1, found.targets[:, None])[:, 0]
    sums = found.maps.sum((1, 2))
    torch.testing.assert_close(found.extras["delta"], sums - gained, atol=1e-9, rtol=0)
    torch.testing.assert_close(sums, gained, atol=0.03 * float(gained.abs().max()), rtol=0.03)
    assert gained.abs().max() > 1e-3
    torch.testing.assert_close(found.extras["by_channel"].sum(1), found.maps)


def test_a_linear_network_by_hand_and_channels_that_cancel() -> None:
    head = nn.Linear(4, 2)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[1.0, 2.0, 3.0, -1.0], [0.0] * 4]))
    image = torch.tensor([[[[1.0, -2.0]], [[0.5, -4.0]]]])  # two channels of 1 x 2
    model = nn.Sequential(nn.Flatten(), head)
    found = explain(model, image, "integrated-gradients", targets=0, steps=3)
    torch.testing.assert_close(found.maps, torch.tensor([[[1.0 + 1.5, -4.0 + 4.0]]]))
    lifted = explain(model, image, "integrated-gradients", targets=0, steps=3, baseline=1.0)
    torch.testing.assert_close(lifted.maps, torch.tensor([[[0.0 - 1.5, -6.0 + 5.0]]]))


def test_many_images_are_taken_in_parts() -> None:
    model, images = make_network("cnn").double(), make_images(70).double()
    found = explain(model, images, "integrated-gradients", steps=5)
    last = explain(model, images[-3:], "integrated-gradients", steps=5)
    assert found.maps.shape == (70, 28, 28)
    torch.testing.assert_close(found.maps[-3:], last.maps)
    torch.testing.assert_close(found.extras["delta"][-3:], last.extras["delta"])
