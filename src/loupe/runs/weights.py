"""The trained network of a run, from its weights and what stands beside them in the file."""

import json
from os import PathLike
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from loupe.errors import RunError
from loupe.models import build_model
from loupe.runs.arrays import read_tensors
from loupe.runs.finding import find_single_run
from loupe.runs.folder import RunFolder
from loupe.runs.plugins import load_run_plugins
from loupe.runs.reading import reading


def load_model(run: str | PathLike[str]) -> tuple[nn.Module, dict[str, Any]]:
    """Return a run's best network in evaluation mode on the CPU, and its description.

    `run` is a `RunFolder`, a path, or a name (or how it begins) inside runs/.

    The description holds `model` (name and settings), `in_channels`, `image_size`, `class_names`,
    `normalization` (mean and std for pixels in [0, 1]) and `best` (epoch and validation figures).

    Raises:
        RunError: there is no such run, it has no weights yet, or the file is damaged.
        LoupeError: a plugin the network comes from is gone, or has changed.
    """
    run = run if isinstance(run, RunFolder) else RunFolder(find_single_run(run))
    weights, description = read_weights(run)
    load_run_plugins(run)
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
    if not (run.best_file.exists() or run.best_file.is_symlink()):
        raise RunError(
            f"Run {run.path.name} has no weights yet.",
            got="no best.safetensors",
            allowed="a run with at least one epoch",
            next_step=run.advise(),
        )
    run.refuse_altered(run.best_file)
    with reading(run.best_file, f"loupe resume {run.path} writes it anew"):
        weights, metadata = read_tensors(run.best_file)
        description: dict[str, Any] = json.loads(metadata["loupe"])
        _Description.model_validate(description)
    return weights, description


_Length = Annotated[int, Field(strict=True, ge=1, le=2**16)]
_Number = Annotated[float, Field(allow_inf_nan=False)]


class _Normalization(BaseModel):
    mean: list[_Number]
    std: list[Annotated[_Number, Field(gt=0)]] = Field(validation_alias=AliasChoices("std", "sd"))  # once sd


class _Model(BaseModel):
    model_config = ConfigDict(extra="allow")

    name: str


class _Description(BaseModel):
    """What stands beside the weights, as far as readers rely on it."""

    model: _Model
    in_channels: _Length
    image_size: tuple[_Length, _Length]
    class_names: Annotated[list[Annotated[str, Field(strict=True)]], Field(min_length=1)]
    normalization: _Normalization
    objective: Literal["classification", "reconstruction"] = "classification"
    best: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _refuse_other_channels(self) -> "_Description":
        if not len(self.normalization.mean) == len(self.normalization.std) == self.in_channels:
            raise ValueError("one mean and one std a channel")
        return self
