"""Lower learning rates for layers that lie further from the head."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn


def apply_layer_decay(optimizer: torch.optim.Optimizer, model: nn.Module, decay: float) -> None:
    """Scale the learning rate of each parameter by decay^(layers between it and the head), in place.

    The head keeps its rate (Clark et al., 2020, arXiv:2003.10555). Groups are divided by layer and keep what
    they state; those with the largest rate come first, so that it is the one shown.

    Args:
        optimizer: fresh, over parameters of the network.
        model: the network.
        decay: in (0, 1]; at 1 nothing changes.
    """
    if decay == 1:
        return
    depths = find_depths(model)
    deepest = max(depths.values())
    groups: list[dict[str, Any]] = []
    for group in optimizer.param_groups:
        by_depth: dict[int, list[nn.Parameter]] = {}
        for parameter in group["params"]:
            by_depth.setdefault(depths[parameter], []).append(parameter)
        for depth, parameters in by_depth.items():
            scaled = group["lr"] * decay ** (deepest - depth)
            groups.append({**group, "params": parameters, "lr": scaled})
    optimizer.param_groups[:] = sorted(groups, key=lambda group: -group["lr"])


def find_depths(model: nn.Module) -> dict[nn.Parameter, int]:
    """Return for each parameter how many layers lie before its own: 0, 1, … up to the head.

    A layer is a child of the network that has parameters; children that only hold others one after the other
    (`Sequential`, `ModuleList`) are gone into. Parameters of the network itself lie before all layers. Layers
    come in the order in which the network lists them.
    """
    depths: dict[nn.Parameter, int] = {}
    for parameter in model.parameters(recurse=False):
        depths[parameter] = 0
    for depth, layer in enumerate(_list_layers(model), start=1 if depths else 0):
        for parameter in layer.parameters():
            depths.setdefault(parameter, depth)
    return depths


def _list_layers(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if next(child.parameters(), None) is None:
            continue
        parts = [part for part in child.children() if next(part.parameters(), None) is not None]
        is_row = isinstance(child, nn.Sequential | nn.ModuleList) and len(parts) > 0
        if is_row and not any(isinstance(part, nn.BatchNorm2d) for part in parts):
            yield from _list_layers(child)
        else:
            yield child
