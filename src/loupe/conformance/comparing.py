from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Failure:
    """How a layer differed from torch's in one case.

    Args:
        expected: what torch's layer gives, in words.
        got: what the layer gives, in words.
        explanation: what that means, if more is known.
        largest_difference: over all elements; None where values could not be compared.
        value: the layer's output where it can be compared with what a known fault would give.
        is_training: the mode the layer was in.
    """

    expected: str
    got: str
    explanation: str = ""
    largest_difference: float | None = None
    value: Tensor | None = None
    is_training: bool | None = None


class LayerFailedError(Exception):
    """The layer under test raised; the text is one line that says what, and where in its file."""


def is_close(value: Tensor, expected: Tensor, tolerance: float) -> bool:
    """Return whether values agree up to rounding: `tolerance` times the largest of them, or of 1."""
    if value.shape != expected.shape:
        return False
    allowed = tolerance * (1 + expected.detach().abs().max().item()) if expected.numel() else tolerance
    return torch.allclose(value.double(), expected.double(), rtol=0, atol=allowed)


def compare(value: object, expected: Tensor, *, tolerance: float = 1e-4) -> Failure | None:
    """Return how a value differs from the expected tensor, or None if it does not, up to rounding."""
    if not isinstance(value, Tensor):
        return Failure(f"a tensor of shape {tuple(expected.shape)}", f"a {type(value).__name__}")
    value, expected = value.detach(), expected.detach()
    if value.shape != expected.shape:
        shapes = f"shape {tuple(expected.shape)}", f"shape {tuple(value.shape)}"
        return Failure(*shapes, "the shape is another", value=value)
    if is_close(value, expected, tolerance):
        return None
    differences = (value.double() - expected.double()).abs().nan_to_num(nan=torch.inf)
    index = [int(i) for i in torch.unravel_index(differences.argmax(), differences.shape)]
    where = f" at {index}" if index else ""
    return Failure(
        f"{expected[tuple(index)].item():.4f}{where}",
        f"{value[tuple(index)].item():.4f}",
        largest_difference=differences.max().item(),
        value=value,
    )
