"""Quick training runs, and what tests ask of them."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import loupe
from loupe.registry import PLUGIN_MODULE, REGISTRIES
from loupe.runs import RunFolder
from loupe.training import Observer, TrainingState

QUICK = (
    "train.epochs=3",
    "train.clean_train_images=200",
    "model.width=1",
    "data.fraction=0.3",
    "evaluate.look_inside=false",
)
"""A digits recipe of under a second, with everything the full one has."""

Train = Callable[..., RunFolder]


@pytest.fixture
def train(tmp_path: Path) -> Train:
    """Train quickly into the test's own folder; further overrides may be given."""

    def run(*overrides: str, recipe: str = "digits", observers: Sequence[Observer] = ()) -> RunFolder:
        return loupe.train(recipe, *QUICK, f"run.folder={tmp_path / 'runs'}", *overrides, observers=observers)

    return run


class StopAfter(Observer):
    def __init__(self, epoch: int, error: BaseException) -> None:
        self.epoch = epoch
        self.error = error

    def on_epoch_end(self, state: TrainingState) -> None:
        if state.epoch == self.epoch:
            raise self.error


def is_same_weights(path: Path, other: Path) -> bool:
    a, b = load_file(path), load_file(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def forget_images(run: RunFolder) -> None:
    """Make a run like one of an earlier version, which kept no record of its images and no digests."""
    for file in (run.images_file, run.digests_file):
        file.unlink(missing_ok=True)
    environment = json.loads(run.environment_file.read_text(encoding="utf-8"))
    del environment["test_content"]
    run.environment_file.write_text(json.dumps(environment), encoding="utf-8")


def forget_plugins() -> None:
    """Make this process like a new one: no plugin is imported, and nothing registered by one."""
    for name in [one for one in sys.modules if one.startswith(PLUGIN_MODULE)]:
        for registry in REGISTRIES:
            for part in registry.names_of(name):
                del registry._builders[part]
                registry._settings_types.pop(part, None)
        del sys.modules[name]
