"""Where a layer keeps what torch's layer calls `weight`, `running_mean` …"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor, nn


class Fit(Enum):
    """How a layer's tensor fits torch's of the same meaning."""

    SAME = "the same shape"
    TRANSPOSED = "transposed"
    RESHAPED = "another shape"


@dataclass(frozen=True)
class Location:
    """Where a layer keeps one of torch's tensors.

    Args:
        name: dotted name in the layer.
        fit: how the shapes relate.
        is_in_state: whether it is a parameter or buffer, so that it is saved and moved.
    """

    name: str
    fit: Fit
    is_in_state: bool


def find_tensors(layer: nn.Module) -> dict[str, Tensor]:
    """Return all tensors of a layer by dotted name: parameters, buffers, and plain attributes."""
    found: dict[str, Tensor] = dict(layer.named_parameters()) | dict(layer.named_buffers())
    return found | find_plain_tensors(layer)


def find_plain_tensors(layer: nn.Module) -> dict[str, Tensor]:
    """Return the tensors that are neither parameters nor buffers: torch neither saves nor moves them."""
    return {
        f"{prefix}.{name}" if prefix else name: value
        for prefix, module in layer.named_modules()
        for name, value in vars(module).items()
        if isinstance(value, Tensor)
    }


def find_locations(
    layer: nn.Module, state: Mapping[str, Tensor], aliases: Mapping[str, tuple[str, ...]]
) -> dict[str, Location]:
    """Return where a layer keeps each of torch's tensors; those that are not found are left out.

    Looked for by torch's name, by other usual names, and last by shape, if only one tensor has it.
    """
    free, saved = find_tensors(layer), layer.state_dict()
    locations: dict[str, Location] = {}

    def take(name: str, candidate: str) -> None:
        fit = _fit(free.pop(candidate), state[name])
        if fit is not None:
            locations[name] = Location(candidate, fit, candidate in saved)

    for name in state:
        if name in free:
            take(name, name)
    for name in state.keys() - locations.keys():
        known = [alias for alias in aliases.get(name, ()) if alias in free]
        if known:
            take(name, known[0])
    for name in state.keys() - locations.keys():
        shaped = [
            other for other, value in free.items() if _fit(value, state[name]) in (Fit.SAME, Fit.TRANSPOSED)
        ]
        rivals = [
            other for other in state.keys() - locations.keys() if state[other].shape == state[name].shape
        ]
        if len(shaped) == 1 and len(rivals) == 1:
            take(name, shaped[0])
    return locations


def _fit(value: Tensor, expected: Tensor) -> Fit | None:
    if value.shape == expected.shape:
        return Fit.SAME
    if expected.ndim == 2 and value.shape == expected.T.shape:
        return Fit.TRANSPOSED
    return Fit.RESHAPED if value.numel() == expected.numel() else None


def copy_state(source: nn.Module, target: nn.Module, locations: Mapping[str, Location]) -> None:
    """Copy torch's tensors to where a layer keeps them; what it has not is passed over."""
    tensors = find_tensors(target)
    with torch.no_grad():
        for name, value in source.state_dict().items():
            location = locations.get(name)
            there = tensors.get(location.name) if location else None
            if location is not None and there is not None:
                fitted = _to_layers_shape(value, location.fit)
                if fitted.numel() == there.numel():
                    there.copy_(fitted.reshape(there.shape))


def as_torchs(value: Tensor, location: Location, expected: Tensor) -> Tensor:
    """Return a layer's tensor (or gradient) in the shape that torch's has."""
    if location.fit is Fit.TRANSPOSED:
        return value.T
    return value.reshape(expected.shape) if value.numel() == expected.numel() else value


def _to_layers_shape(value: Tensor, fit: Fit) -> Tensor:
    return value.T if fit is Fit.TRANSPOSED else value
