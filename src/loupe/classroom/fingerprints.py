"""What tells whether two networks are one: digests, a projection and a sample of their weights."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from loupe.classroom.loading import PLACES
from loupe.recipe import Recipe
from loupe.runs import RunFolder
from loupe.runs.reading import read_bytes

SKETCH_LENGTH, SAMPLE_LENGTH = 256, 1024
_BESIDE_WEIGHTS = (
    *PLACES,
    *("run.trackers", "run.observers", "run.tensorboard", "run.processes"),
    *("train.epochs", "train.early_stopping", "train.clean_train_images"),
)
"""Fields that can leave the weights of an epoch as they are: trainings that differ in these alone can come to
the same."""


@dataclass(frozen=True)
class Fingerprint:
    """What tells whether two networks are one.

    Args:
        shape: digest of the names and shapes of the weights.
        weights: digest of all of it.
        sketch: random projection of the weights, the same for all of one shape: distances between networks
            are those between sketches, up to about 6 % (Johnson and Lindenstrauss, 1984).
        sample: the weights at some places, the same for all of one shape, as they are.
        training: digest of the history, with the seconds of each epoch: no training makes the same twice.
        recipe: digest of what decides the weights: places, looks and how long it trained left aside.
    """

    shape: str
    weights: str
    sketch: tuple[float, ...]
    sample: tuple[float, ...]
    training: str
    recipe: str

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Fingerprint":
        """Return what another process sent, or a file holds.

        Raises:
            ValueError, TypeError, KeyError: it is none.
        """
        texts = {name: str(values[name])[:64] for name in ("shape", "weights", "training", "recipe")}
        sketch, sample = (tuple(float(one) for one in values[name]) for name in ("sketch", "sample"))
        if len(sketch) != SKETCH_LENGTH or len(sample) > SAMPLE_LENGTH:
            raise ValueError("other numbers than a fingerprint has")
        return cls(**texts, sketch=sketch, sample=sample)


def take_fingerprint(run: RunFolder, weights: Mapping[str, Tensor]) -> Fingerprint:
    """Return what tells a run's network and training from others."""
    shape, content = hashlib.sha256(), hashlib.sha256()
    sketch = torch.zeros(SKETCH_LENGTH, dtype=torch.float64)
    parts = []
    for name, tensor in sorted(weights.items()):
        shape.update(f"{name} {tuple(tensor.shape)}".encode())
        values = tensor.detach().double().flatten()
        content.update(name.encode() + values.numpy().tobytes())
        sketch += _project(values, int(hashlib.sha256(name.encode()).hexdigest()[:12], 16))
        parts.append(values)
    recipe = json.dumps(leave_what_decides(run.read_recipe()), sort_keys=True)
    return Fingerprint(
        shape.hexdigest(),
        content.hexdigest(),
        tuple(sketch.tolist()),
        _take_sample(parts, int(shape.hexdigest()[:12], 16)),
        hashlib.sha256(read_bytes(run.history_file)).hexdigest(),
        hashlib.sha256(recipe.encode()).hexdigest(),
    )


def _project(values: Tensor, seed: int) -> Tensor:
    """Return (256,) float64: each weight with a random sign in a random place (Charikar and others, 2002)."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.randint(SKETCH_LENGTH, (len(values),), generator=generator)
    signs = torch.randint(2, (len(values),), generator=generator).double() * 2 - 1
    return torch.zeros(SKETCH_LENGTH, dtype=torch.float64).index_add_(0, places, values * signs)


def _take_sample(parts: list[Tensor], seed: int) -> tuple[float, ...]:
    """Return the weights at up to 1,024 places drawn once for a shape."""
    values = torch.cat(parts) if parts else torch.zeros(0, dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    places = torch.randperm(len(values), generator=generator)[:SAMPLE_LENGTH]
    return tuple(values[places].tolist())


def leave_what_decides(recipe: Recipe) -> dict[str, Any]:
    """Return what of a recipe decides the weights of an epoch."""
    values = {key: one for key, one in recipe.to_dict().items() if key not in ("name", "about", "evaluate")}
    for place in _BESIDE_WEIGHTS:
        section, _, name = place.partition(".")
        values.get(section, {}).pop(name, None)
    return values
