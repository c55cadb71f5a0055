"""What each parameter of a network is for: some optimizers treat filters, norms and biases differently."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from torch import nn

Role = Literal["filter", "dense", "norm", "bias"]
"""filter: a convolution's weights, three axes or more. dense: weights of two axes. norm: scales and shifts of
a layer that has nothing else. bias: every other parameter of one axis or none."""

Roles = Mapping[nn.Parameter, Role]

Parameters = list[dict[str, Any]]
"""Parameter groups as torch takes them: each a `params` list, with settings that differ from the rest."""


def find_roles(model: nn.Module) -> dict[nn.Parameter, Role]:
    """Return the role of each of a network's parameters.

    A layer is told by what it holds, not by its name: one whose own parameters all have one axis is a norm,
    if it keeps running statistics or has a scale, so that plugins' own norms are found too.
    """
    roles: dict[nn.Parameter, Role] = {}
    for module in model.modules():
        own = dict(module.named_parameters(recurse=False))
        is_norm = bool(own) and all(parameter.ndim == 1 for parameter in own.values())
        is_norm = is_norm and ("weight" in own or hasattr(module, "running_mean"))
        for parameter in own.values():
            roles[parameter] = "norm" if is_norm else role_by_shape(parameter)
    return roles


def role_by_shape(parameter: nn.Parameter) -> Role:
    """Return the role of a parameter whose layer is not known."""
    if parameter.ndim > 2:
        return "filter"
    return "dense" if parameter.ndim == 2 else "bias"


def split_groups(
    groups: Parameters, roles: Roles, settings_of: Callable[[Role], Mapping[str, Any]]
) -> Parameters:
    """Return the groups divided by role, each part with the settings of its role.

    The first part holds filters and dense weights, if there are any, so that its rate is the one shown. Roles
    of equal settings stay together, and parameters keep their order.

    Args:
        groups: as torch takes them.
        roles: of all parameters in them.
        settings_of: what a role has of its own; what a group states already, such as no weight decay, stays.
    """
    parts: Parameters = []
    for group in groups:
        by_settings: dict[tuple[Any, ...], dict[str, Any]] = {}
        for parameter in group["params"]:
            own = dict(settings_of(roles[parameter]))
            part = by_settings.setdefault(tuple(own.items()), {**own, **group, "params": []})
            part["params"].append(parameter)
        parts += by_settings.values()
    return sorted(parts, key=lambda part: all(roles[one] in ("norm", "bias") for one in part["params"]))


def know_roles(parameters: Iterable[nn.Parameter], roles: Roles) -> dict[nn.Parameter, Role]:
    """Return the role of each of these parameters, by its shape where it is not known."""
    return {parameter: roles.get(parameter) or role_by_shape(parameter) for parameter in parameters}
