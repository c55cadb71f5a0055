from collections import OrderedDict
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from loupe.models.layers import fast_stack
from loupe.models.layers.fast_max_pool import FastMaxPool2d
from loupe.models.layers.fast_stack import FastStack


def make_stack(kind: type[nn.Sequential], conv: nn.Conv2d) -> nn.Sequential:
    return kind(OrderedDict(conv=conv, pool=FastMaxPool2d(), relu=nn.ReLU()))


def run(stack: nn.Sequential, images: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Return the output and the gradients of the parameters for an uneven loss."""
    output = stack(images)
    stack.zero_grad()
    (output * torch.linspace(0.5, 1.5, output.numel()).view_as(output)).sum().backward()
    return output, [parameter.grad.clone() for parameter in stack.parameters() if parameter.grad is not None]


@given(
    in_channels=st.integers(1, 3),
    out_channels=st.integers(1, 5),
    kernel=st.integers(1, 5),
    padding=st.integers(0, 2),
    size=st.tuples(st.integers(5, 12), st.integers(5, 12)),
    bias=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_output_and_gradients_equal_those_of_the_separate_layers(
    in_channels: int,
    out_channels: int,
    kernel: int,
    padding: int,
    size: tuple[int, int],
    bias: bool,
    seed: int,
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        conv = nn.Conv2d(in_channels, out_channels, kernel, padding=padding, bias=bias)
        images = torch.randn(2, in_channels, *size)
    if min(size) + 2 * padding - kernel + 1 < 2:
        return
    output, gradients = run(make_stack(FastStack, conv), images)
    expected, expected_gradients = run(make_stack(nn.Sequential, conv), images)
    assert torch.allclose(output, expected, atol=1e-5)
    assert len(gradients) == len(expected_gradients) == 1 + bias
    for gradient, expected_gradient in zip(gradients, expected_gradients, strict=True):
        assert torch.allclose(gradient, expected_gradient, atol=1e-4)


@pytest.fixture
def count_fused(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that grows with each time two layers run as one."""
    calls: list[int] = []
    run_as_one = fast_stack.run_as_one

    def counting(*layer_and_values: Any) -> Tensor:
        calls.append(1)
        return run_as_one(*layer_and_values)

    monkeypatch.setattr(fast_stack, "run_as_one", counting)
    return calls


def test_evaluation_takes_the_fast_way_too(count_fused: list[int]) -> None:
    conv, images = nn.Conv2d(1, 3, 3), torch.randn(2, 1, 8, 8)
    with torch.inference_mode():
        output = make_stack(FastStack, conv)(images)
        assert torch.allclose(output, make_stack(nn.Sequential, conv)(images), atol=1e-6)
    assert count_fused == [1]


@pytest.mark.parametrize("channels", [(4, 3), (1, 33)])
def test_wide_layers_run_one_by_one(channels: tuple[int, int], count_fused: list[int]) -> None:
    """There the separate layers are quicker."""
    make_stack(FastStack, nn.Conv2d(*channels, 3))(torch.randn(2, channels[0], 8, 8))
    assert count_fused == []


def test_layers_that_are_watched_run_one_by_one(count_fused: list[int]) -> None:
    stack, images = make_stack(FastStack, nn.Conv2d(1, 3, 3)), torch.randn(2, 1, 8, 8)
    seen: list[tuple[int, ...]] = []
    hook = stack.conv.register_forward_hook(lambda module, inputs, output: seen.append(tuple(output.shape)))
    stack(images)
    assert (seen, count_fused) == ([(2, 3, 6, 6)], [])
    hook.remove()
    stack(images)
    assert count_fused == [1]


@pytest.mark.parametrize(
    ("conv", "size"),
    [
        (nn.Conv2d(1, 3, 3), 9),
        (nn.Conv2d(1, 3, 3, stride=2), 9),
        (nn.Conv2d(1, 3, 3, dilation=2), 8),
        (nn.Conv2d(1, 3, 3, padding=1, padding_mode="reflect"), 8),
        (nn.Conv2d(1, 3, 3, padding="same"), 8),
    ],
)
def test_what_does_not_fit_runs_one_by_one(conv: nn.Conv2d, size: int, count_fused: list[int]) -> None:
    make_stack(FastStack, conv)(torch.randn(2, 1, size, size))
    assert count_fused == []


def test_a_gradient_of_the_input_is_had_from_the_separate_layers(count_fused: list[int]) -> None:
    """Saliency and adversarial methods ask for it."""
    images = torch.randn(1, 1, 8, 8, requires_grad=True)
    make_stack(FastStack, nn.Conv2d(1, 3, 3))(images).sum().backward()
    assert images.grad is not None
    assert count_fused == []


def test_frozen_weights_need_no_gradient(count_fused: list[int]) -> None:
    conv, images = nn.Conv2d(1, 3, 3).requires_grad_(False), torch.randn(2, 1, 8, 8)
    output = make_stack(FastStack, conv)(images)
    assert not output.requires_grad
    assert torch.allclose(output, make_stack(nn.Sequential, conv)(images), atol=1e-6)
    assert count_fused == [1]
