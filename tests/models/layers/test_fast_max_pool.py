import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from loupe.models.layers.fast_max_pool import FastMaxPool2d, _is_fast_for

sizes = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(2, 9), st.integers(2, 9))


def pool_both_ways(images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return output and input gradient, ours and torch's."""
    ours, theirs = images.clone().requires_grad_(), images.clone().requires_grad_()
    pooled, expected = FastMaxPool2d()(ours), F.max_pool2d(theirs, 2)
    gradient = torch.randn(expected.shape)
    pooled.backward(gradient)
    expected.backward(gradient)
    assert ours.grad is not None
    assert theirs.grad is not None
    return pooled, ours.grad, expected, theirs.grad


@given(size=sizes, seed=st.integers(0, 10**6))
def test_output_and_gradient_are_torchs(size: tuple[int, int, int, int], seed: int) -> None:
    images = torch.randn(size, generator=torch.Generator().manual_seed(seed))
    pooled, gradient, expected, expected_gradient = pool_both_ways(images)
    assert torch.equal(pooled, expected)
    assert torch.equal(gradient, expected_gradient)


def test_of_equal_values_one_gets_the_whole_gradient() -> None:
    pooled, gradient, expected, expected_gradient = pool_both_ways(torch.ones(2, 3, 4, 4))
    assert torch.equal(pooled, expected)
    assert torch.equal(gradient, expected_gradient), "four equal values: the first, as torch has it"
    tied = torch.zeros(1, 1, 2, 2)
    tied[0, 0, 0, 1] = tied[0, 0, 1, 0] = 1
    _, gradient, _, expected_gradient = pool_both_ways(tied)
    assert gradient.sum() == pytest.approx(expected_gradient.sum().item())
    assert gradient.count_nonzero() == 1


def test_without_gradients_the_result_is_the_same() -> None:
    images = torch.randn(2, 3, 6, 8)
    with torch.inference_mode():
        assert torch.equal(FastMaxPool2d()(images), F.max_pool2d(images, 2))


@pytest.mark.parametrize(
    "images",
    [
        torch.randn(1, 2, 5, 4),
        torch.randn(2, 4, 4),
        torch.randn(1, 3, 4, 4).contiguous(memory_format=torch.channels_last),
    ],
    ids=["odd size", "no batch", "channels last"],
)
def test_elsewhere_torchs_own_kernel_is_used(images: Tensor) -> None:
    assert not _is_fast_for(images)
    assert torch.equal(FastMaxPool2d()(images), F.max_pool2d(images, 2))


def test_it_is_a_max_pool_for_whoever_looks() -> None:
    layer = FastMaxPool2d()
    assert isinstance(layer, nn.MaxPool2d)
    assert layer.kernel_size == 2
