"""A norm without scale, a fixed scale, and convolutions that start as the identity."""

import torch
from torch import nn

from loupe.models.initialisation import start_as_identity
from loupe.models.layers.scale import Scale
from loupe.models.layers.shift_norm import ShiftNorm2d


def test_shift_norm_is_torchs_norm_with_a_scale_of_one() -> None:
    ours, theirs = ShiftNorm2d(5, momentum=0.4), nn.BatchNorm2d(5, momentum=0.4)
    assert [name for name, _ in ours.named_parameters()] == ["bias"]
    assert "weight" not in ours.state_dict()
    with torch.no_grad():
        ours.bias.copy_(torch.randn(5))
        theirs.bias.copy_(ours.bias)
    for is_training in (True, False):
        ours.train(is_training), theirs.train(is_training)
        maps = torch.randn(6, 5, 4, 4, requires_grad=True)
        twin = maps.detach().clone().requires_grad_()
        gradient = torch.randn(6, 5, 4, 4)
        (ours(maps) * gradient).sum().backward(), (theirs(twin) * gradient).sum().backward()
        torch.testing.assert_close(ours(maps), theirs(twin))
        torch.testing.assert_close(maps.grad, twin.grad)
        torch.testing.assert_close(ours.bias.grad, theirs.bias.grad)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)


def test_a_scaled_head_learns_slower_by_the_square_of_the_scale() -> None:
    """Its gradient is smaller by the scale, and what its step does to the outputs by the scale again."""
    features, moved = torch.randn(4, 3), []
    for scale in (1.0, 0.25):
        head = nn.Sequential(Scale(scale), nn.Linear(3, 2, bias=False))
        before = head(features)
        before.sum().backward()
        with torch.no_grad():
            head[1].weight -= head[1].weight.grad
        moved.append((head(features) - before).detach())
    torch.testing.assert_close(moved[1], moved[0] / 16)


def test_a_convolution_that_starts_as_identity_passes_its_maps_on() -> None:
    for in_channels, out_channels in ((3, 8), (8, 8), (8, 3)):
        conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        drawn = conv.weight.detach().clone()
        start_as_identity(conv)
        passed = min(in_channels, out_channels)
        maps = torch.randn(2, in_channels, 5, 5)
        torch.testing.assert_close(conv(maps)[:, :passed], maps[:, :passed])
        assert torch.equal(conv.weight[passed:], drawn[passed:])
