"""The trained network of a run, from its weights and what stands beside them in the file."""

import json
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from loupe.errors import RunError
from loupe.models import build_model
from loupe.plugins import load_plugin
from loupe.runs.folder import RunFolder


def load_model(run: RunFolder) -> tuple[nn.Module, dict[str, Any]]:
    """Return a run's best network in evaluation mode on the CPU, and its description.

    The description holds `model` (name and settings), `in_channels`, `image_size`, `class_names`,
    `normalization` (mean and std for pixels in [0, 1]) and `best` (epoch and validation figures).

    Raises:
        RunError: the run has no weights yet, or the file is damaged.
        LoupeError: a plugin the network comes from is gone.
    """
    weights, description = read_weights(run)
    for plugin in run.read_recipe().run.plugins:
        load_plugin(plugin)
    settings = dict(description["model"])
    height, width = description["image_size"]
    model = build_model(
        settings.pop("name"),
        in_channels=description["in_channels"],
        image_size=(height, width),
        num_classes=len(description["class_names"]),
        **settings,
    )
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise RunError(
            f"The weights of run {run.path.name} do not fit its network.",
            got=str(error).partition("\n")[0],
            allowed="weights of the network the file describes",
            next_step=f"loupe resume {run.path} writes them anew",
        ) from None
    return model.eval(), description


def read_weights(run: RunFolder) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors of a run's best epoch by name, on the CPU, and the network's description.

    Raises:
        RunError: the run has no weights yet, or the file is damaged.
    """
    if not run.best_file.exists():
        raise RunError(
            f"Run {run.path.name} has no weights yet.",
            got="no best.safetensors",
            allowed="a run with at least one epoch",
            next_step=f"loupe resume {run.path}",
        )
    try:
        with safe_open(run.best_file, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
            description: dict[str, Any] = json.loads(file.metadata()["loupe"])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"{run.best_file} is damaged.",
            got=str(error),
            next_step=f"loupe resume {run.path} writes it anew",
        ) from None
    return weights, description
