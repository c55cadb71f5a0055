import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from loupe.models.layers import fast_stack
from loupe.models.layers.fast_stack import FastStack
from loupe.models.layers.narrow_conv import convolve, is_narrow


def find_gradients(maps: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    """Return the gradients of an uneven loss."""
    return torch.autograd.grad((maps * torch.arange(maps.numel()).view_as(maps).sin()).sum(), inputs)


@given(
    in_channels=st.integers(1, 12),
    out_channels=st.integers(1, 20),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    room=st.tuples(st.integers(0, 6), st.integers(0, 6)),
    is_padded=st.booleans(),
)
def test_output_and_gradients_equal_torchs(
    in_channels: int, out_channels: int, kernel: tuple[int, int], room: tuple[int, int], is_padded: bool
) -> None:
    padding = tuple((side - 1) // 2 if is_padded else 0 for side in kernel)
    sides = [side + more for side, more in zip(kernel, room, strict=True)]
    images = torch.randn(3, in_channels, *sides, requires_grad=True)
    weight = torch.randn(out_channels, in_channels, *kernel, requires_grad=True)
    bias = torch.randn(out_channels, requires_grad=True)
    maps, expected = convolve(images, weight, bias, padding), F.conv2d(images, weight, bias, padding=padding)
    assert torch.equal(maps, expected)
    inputs = (images, weight, bias)
    for ours, theirs in zip(find_gradients(maps, *inputs), find_gradients(expected, *inputs), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-3, rtol=1e-4)
        assert ours.is_contiguous()


def test_what_takes_no_gradient_gets_none() -> None:
    images, weight = torch.randn(2, 3, 6, 6, requires_grad=True), torch.randn(4, 3, 3, 3)
    maps = convolve(images, weight, None, (0, 0))
    (of_images,) = torch.autograd.grad(maps.sum(), images)
    assert torch.allclose(of_images, F.conv_transpose2d(torch.ones_like(maps), weight), atol=1e-4)


IMAGES = torch.randn(2, 4, 8, 8)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 5, 3, stride=2),
        nn.Conv2d(4, 8, 3, groups=2),
        nn.Conv2d(4, 5, 3, dilation=2),
        nn.Conv2d(4, 5, 3, padding_mode="reflect", padding=1),
        nn.Conv2d(4, 5, 3, padding="same"),
        nn.Conv2d(4, 5, 1, padding=1),
        nn.Conv2d(4, 33, 3),
        nn.Linear(8, 3),
    ],
)
def test_other_layers_are_left_to_torch(layer: nn.Module) -> None:
    assert is_narrow(nn.Conv2d(4, 5, 3, padding=1), IMAGES)
    assert not is_narrow(layer, IMAGES)
    assert torch.equal(FastStack(layer)(IMAGES), layer(IMAGES))


def test_so_are_frozen_and_watched_ones_and_evaluation() -> None:
    layer = nn.Conv2d(4, 5, 3)
    with torch.no_grad():
        assert not is_narrow(layer, IMAGES)
    layer.register_forward_hook(lambda *_: None)
    assert not is_narrow(layer, IMAGES)
    assert not is_narrow(nn.Conv2d(4, 5, 3).requires_grad_(False), IMAGES)
    assert not is_narrow(nn.Conv2d(4, 5, 3), IMAGES.contiguous(memory_format=torch.channels_last))


def test_a_stack_takes_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(fast_stack, "convolve", lambda *values: calls.append(1) or convolve(*values))
    FastStack(nn.Conv2d(4, 5, 3), nn.ReLU())(IMAGES)
    assert calls == [1]
