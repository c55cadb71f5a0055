"""Norms that look at one image at a time: the same in training and in evaluation."""

from collections.abc import Collection
from typing import Any

from hypothesis import strategies as st
from torch import Tensor, nn

from loupe.conformance.cases import Case, Family, Hint, LayerKind, make_input
from loupe.conformance.checks import EVERY_LAYER
from loupe.conformance.kinds import register_layer_kind

_ALIASES = {"weight": ("gamma", "scale", "g"), "bias": ("beta", "shift", "b")}
_CLOSE = "here eps counts: it is added to the variance, inside the root"


@register_layer_kind("group-norm")
def group_norm() -> LayerKind:
    """Group norm of (batch, channels, …), as torch.nn.GroupNorm."""
    return LayerKind(
        reference=nn.GroupNorm,
        required=("num_groups", "num_channels"),
        optional=("eps", "affine"),
        probe=Case({"num_groups": 2, "num_channels": 6}, (make_input(3, 6, 4, 5, shift=1),)),
        cases=_draw_groups,
        families=(
            Family("values close together", _draw_groups((), scale=1e-3), advice=_CLOSE),
            Family("input of (batch, channels)", _draw_groups((), num_axes=0), may_refuse=True),
        ),
        modes=(True, False),
        hints=(
            Hint(
                "the groups are interleaved: torch's are channels that follow one another",
                lambda norm, inputs: _interleave(norm, inputs[0]),
            ),
            Hint(
                "all channels are one group: num_groups is not used",
                lambda norm, inputs: _normalise_groups(norm, inputs[0], num_groups=1),
            ),
            Hint(
                "normalised over the batch too: group norm looks at one image at a time",
                lambda norm, inputs: _normalise_groups(norm, inputs[0], is_over_batch=True),
            ),
            *_name_roots(_normalise_groups),
        ),
        aliases=_ALIASES,
        checks=EVERY_LAYER,
    )


@register_layer_kind("layer-norm")
def layer_norm() -> LayerKind:
    """Layer norm over the last axes, as torch.nn.LayerNorm."""
    return LayerKind(
        reference=nn.LayerNorm,
        required=("normalized_shape",),
        optional=("eps", "elementwise_affine", "bias"),
        probe=Case({"normalized_shape": 6}, (make_input(2, 4, 6, shift=1),)),
        cases=_draw_layers,
        families=(
            Family("values close together", _draw_layers((), scale=1e-3), advice=_CLOSE),
            Family("a shape of several axes", _draw_layers((), num_axes=2), may_refuse=True),
        ),
        modes=(True, False),
        hints=(
            Hint(
                "normalised over the batch: layer norm looks at one image (or token) at a time",
                lambda norm, inputs: _normalise_layer(norm, inputs[0], axes=(0,)),
            ),
            Hint(
                "normalised over the last axis alone, whatever the shape says",
                lambda norm, inputs: _normalise_layer(norm, inputs[0], axes=(-1,)),
            ),
            *_name_roots(_normalise_layer),
        ),
        aliases=_ALIASES,
        checks=EVERY_LAYER,
    )


def _name_roots(normalise: Any) -> tuple[Hint, ...]:
    """Return the faults that every norm can have."""
    return (
        Hint(
            "normalised with the unbiased variance (divided by n - 1): torch divides by n here",
            lambda norm, inputs: normalise(norm, inputs[0], unbiased=True),
        ),
        Hint(
            "eps stands outside the root: torch has sqrt(variance + eps)",
            lambda norm, inputs: normalise(norm, inputs[0], is_eps_outside=True),
        ),
        Hint(
            "weight and bias are not applied",
            lambda norm, inputs: normalise(norm, inputs[0], is_affine=False),
        ),
    )


@st.composite
def _draw_groups(
    draw: st.DrawFn, names: Collection[str], scale: float = 1.0, num_axes: int | None = None
) -> Case:
    groups, each = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    arguments: dict[str, Any] = {"num_groups": groups, "num_channels": groups * each}
    choices = {"eps": st.sampled_from([1e-5, 0.1, 1.0]), "affine": st.booleans()}
    arguments |= {name: draw(choice) for name, choice in choices.items() if name in names}
    axes = draw(st.integers(1, 2)) if num_axes is None else num_axes
    least = 2 if axes or each == 1 else 1  # a group of one value has no spread
    sides = [draw(st.integers(least, 4)) for _ in range(axes)]
    if not axes and each == 1:
        arguments["num_channels"] = groups * 2
    shape = (draw(st.integers(1, 3)), arguments["num_channels"], *sides)
    return Case(arguments, (make_input(*shape, shift=1, scale=scale),))


@st.composite
def _draw_layers(draw: st.DrawFn, names: Collection[str], scale: float = 1.0, num_axes: int = 1) -> Case:
    sides = [draw(st.integers(2, 4)) for _ in range(num_axes)]
    arguments: dict[str, Any] = {"normalized_shape": sides[0] if num_axes == 1 else tuple(sides)}
    choices = {
        "eps": st.sampled_from([1e-5, 0.1, 1.0]),
        "elementwise_affine": st.booleans(),
        "bias": st.booleans(),
    }
    arguments |= {name: draw(choice) for name, choice in choices.items() if name in names}
    before = [draw(st.integers(1, 3)) for _ in range(draw(st.integers(1, 2)))]
    return Case(arguments, (make_input(*before, *sides, shift=1, scale=scale),))


def _normalise_groups(
    norm: Any, maps: Tensor, *, num_groups: int | None = None, is_over_batch: bool = False, **faults: bool
) -> Tensor:
    grouped = maps.reshape(len(maps), num_groups or norm.num_groups, -1)
    normal = _normalise(norm.eps, grouped, (0, 2) if is_over_batch else (2,), **faults).reshape(maps.shape)
    return _shift_and_scale(norm, normal, (1, -1, *(1,) * (maps.ndim - 2)), **faults)


def _interleave(norm: Any, maps: Tensor) -> Tensor:
    grouped = maps.reshape(len(maps), maps.shape[1] // norm.num_groups, norm.num_groups, -1)
    normal = _normalise(norm.eps, grouped, (1, 3)).reshape(maps.shape)
    return _shift_and_scale(norm, normal, (1, -1, *(1,) * (maps.ndim - 2)))


def _normalise_layer(
    norm: Any, values: Tensor, *, axes: tuple[int, ...] | None = None, **faults: bool
) -> Tensor:
    shape = norm.normalized_shape
    normal = _normalise(norm.eps, values, axes or tuple(range(-len(shape), 0)), **faults)
    return _shift_and_scale(norm, normal, shape, **faults)


def _normalise(
    eps: float,
    values: Tensor,
    axes: tuple[int, ...],
    *,
    unbiased: bool = False,
    is_eps_outside: bool = False,
    is_affine: bool = True,
) -> Tensor:
    variance = values.var(axes, unbiased=unbiased, keepdim=True)
    root = variance.sqrt() + eps if is_eps_outside else (variance + eps).sqrt()
    return (values - values.mean(axes, keepdim=True)) / root


def _shift_and_scale(
    norm: Any, values: Tensor, shape: tuple[int, ...], *, is_affine: bool = True, **_: bool
) -> Tensor:
    if not is_affine or norm.weight is None:
        return values
    scaled: Tensor = values * norm.weight.view(shape)
    return scaled if norm.bias is None else scaled + norm.bias.view(shape)
