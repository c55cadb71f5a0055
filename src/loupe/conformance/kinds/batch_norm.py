from collections.abc import Collection
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from loupe.conformance.batches import draw_maps
from loupe.conformance.cases import Case, Family, Hint, LayerKind, make_input
from loupe.conformance.checks import WITH_STATISTICS
from loupe.conformance.kinds import register_layer_kind


@register_layer_kind("batch-norm")
def batch_norm() -> LayerKind:
    """Batch norm of (batch, channels, height, width) or (batch, features), as torch.nn.BatchNorm2d and 1d."""
    return LayerKind(
        reference=nn.BatchNorm2d,
        required=("num_features",),
        optional=("eps", "affine"),
        checked_elsewhere=("momentum",),
        probe=Case({"num_features": 3}, (make_input(2, 3, 4, 5, shift=1),)),
        cases=_draw_case,
        families=(
            Family(
                "values close together",
                _draw_case((), scale=1e-3),
                advice="here eps counts: it is added to the variance, inside the root",
            ),
            Family("input of (batch, features)", _draw_features(), may_refuse=True, reference=nn.BatchNorm1d),
        ),
        modes=(True, False),
        hints=(
            Hint(
                "normalised with the unbiased variance (divided by n - 1): torch divides by n here",
                lambda norm, inputs: _normalise(norm, inputs[0], unbiased=True),
                is_training=True,
            ),
            Hint(
                "eps stands outside the root: torch has sqrt(variance + eps)",
                lambda norm, inputs: _normalise(norm, inputs[0], is_eps_outside=True),
                is_training=True,
            ),
            Hint(
                "weight and bias are not applied",
                lambda norm, inputs: _normalise(norm, inputs[0], is_affine=False),
            ),
            Hint(
                "the running variance is used as if it were a standard deviation",
                lambda norm, inputs: _normalise_by_std(norm, inputs[0]),
                is_training=False,
            ),
            Hint(
                "in evaluation the batch's own statistics are used, not the running ones",
                lambda norm, inputs: _normalise(norm, inputs[0]),
                is_training=False,
            ),
        ),
        aliases={
            "weight": ("gamma", "scale"),
            "bias": ("beta", "shift"),
            "running_mean": ("moving_mean", "running_avg", "mean"),
            "running_var": ("running_variance", "moving_var", "running_std", "running_sd", "var", "std"),
        },
        checks=WITH_STATISTICS,
    )


@st.composite
def _draw_case(draw: st.DrawFn, names: Collection[str], scale: float = 1.0) -> Case:
    arguments: dict[str, Any] = {"num_features": draw(st.integers(1, 3))}
    choices = {"eps": st.sampled_from([1e-5, 0.1, 1.0]), "affine": st.booleans()}
    arguments |= {name: draw(choice) for name, choice in choices.items() if name in names}
    return Case(arguments, (draw(draw_maps(arguments["num_features"], scale=scale)),))


@st.composite
def _draw_features(draw: st.DrawFn) -> Case:
    features = draw(st.integers(1, 4))
    return Case({"num_features": features}, (make_input(draw(st.integers(2, 5)), features, shift=1),))


def _normalise(
    norm: Any, maps: Tensor, *, unbiased: bool = False, is_eps_outside: bool = False, is_affine: bool = True
) -> Tensor:
    variance = maps.var((0, 2, 3), unbiased=unbiased, keepdim=True)
    root = variance.sqrt() + norm.eps if is_eps_outside else (variance + norm.eps).sqrt()
    return _shift_and_scale(norm if is_affine else None, (maps - maps.mean((0, 2, 3), keepdim=True)) / root)


def _normalise_by_std(norm: Any, maps: Tensor) -> Tensor:
    mean, divisor = (value.view(1, -1, 1, 1) for value in (norm.running_mean, norm.running_var))
    return _shift_and_scale(norm, (maps - mean) / (divisor + norm.eps))


def _shift_and_scale(norm: Any, maps: Tensor) -> Tensor:
    if norm is None or norm.weight is None:
        return maps
    return torch.addcmul(norm.bias.view(1, -1, 1, 1), maps, norm.weight.view(1, -1, 1, 1))
