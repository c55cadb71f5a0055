import numpy as np
import pytest
import torch
from torch import Tensor, nn

from loupe.data import ImageDataset
from loupe.models.layers.whitening import WhiteningConv2d


def make_correlated(channels: int, count: int = 300) -> Tensor:
    """Noise, blurred and mixed over channels, so that neighbours and channels share much."""
    noise = torch.randn(count, channels, 14, 14)
    mixed = torch.einsum("ij,bjhw->bihw", torch.randn(channels, channels), noise)
    return nn.functional.avg_pool2d(mixed, 3, stride=1) + 0.7


@pytest.mark.parametrize(("channels", "kernel_size"), [(1, 2), (3, 2), (1, 3), (2, 4)])
def test_what_comes_out_is_white(channels: int, kernel_size: int) -> None:
    """Asked of numpy's covariance of the layer's own outputs."""
    images = make_correlated(channels)
    layer = WhiteningConv2d(channels, kernel_size, floor=1e-12)
    layer.initialise_from(images)
    half = channels * kernel_size**2
    outputs = layer(images).detach()
    assert outputs.shape[1] == 2 * half
    covariance = np.cov(outputs.transpose(0, 1).flatten(1)[:half].numpy())
    np.testing.assert_allclose(covariance, np.eye(half), atol=2e-3)
    torch.testing.assert_close(outputs[:, half:], -outputs[:, :half])


def test_directions_of_next_to_no_variance_are_not_blown_up() -> None:
    """A constant image has none at all."""
    layer = WhiteningConv2d(1)
    layer.initialise_from(torch.full((4, 1, 6, 6), 0.5))
    norms = layer.weight.flatten(1).norm(dim=1)
    torch.testing.assert_close(norms, torch.full((8,), 5e-4**-0.5))


def test_real_images_and_their_negatives(few_digits: ImageDataset) -> None:
    layer, again = WhiteningConv2d(1, floor=1e-12), WhiteningConv2d(1, floor=1e-12)
    images = few_digits.images.float() / 255
    layer.initialise_from(images), again.initialise_from(images)
    assert torch.equal(layer.weight, again.weight)
    covariance = np.cov(layer(images).detach().transpose(0, 1).flatten(1)[:4].numpy())
    np.testing.assert_allclose(covariance, np.eye(4), atol=1e-3)


def test_only_the_bias_is_trained_and_filters_are_saved() -> None:
    layer, twin = WhiteningConv2d(3), WhiteningConv2d(3)
    assert [name for name, _ in layer.named_parameters()] == ["bias"]
    assert layer.bias.abs().max() == 0
    layer.initialise_from(make_correlated(3, 20))
    twin.load_state_dict(layer.state_dict())
    assert torch.equal(twin.weight, layer.weight)
