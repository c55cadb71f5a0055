"""An exercise made once, and runs on its pack trained once: tiny ones."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

import loupe
from loupe.classroom.entries import Classroom
from loupe.classroom.grading import open_classroom
from loupe.classroom.making import make_exercise
from loupe.runs import RunFolder

EXERCISE = {
    "name": "digits-class",
    "title": "Digits in two epochs",
    "task": "Tell digits apart in **two** epochs.",
    "deadline": "Friday, 18:00",
    "data": "digits",
    "recipe": "digits",
    "set": {
        "data.augment": [],
        "model": {"name": "mlp", "widths": [32]},
        "train.epochs": 2,
        "train.clean_train_images": 0,
        "evaluate.look_inside": False,
        "run.threads": 1,
    },
    "fixed": ["train.epochs", "data.validation"],
    "looks": 1,
    "hidden": {"part": 120, "seed": 7},
}


@dataclass
class Lesson:
    """An exercise on disk, and what is needed to take part in it."""

    folder: Path
    classroom: Classroom

    @property
    def pack(self) -> Path:
        return self.folder / "students"

    def train(self, name: str, *overrides: str) -> RunFolder:
        """Train a student's run on the pack."""
        return loupe.train(
            self.pack / "recipe.toml",
            f"name={name}",
            f"data.path={self.pack / 'data.npz'}",
            f"run.folder={self.folder / 'runs'}",
            *overrides,
        )


@pytest.fixture(scope="package")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lesson]:
    folder = tmp_path_factory.mktemp("class") / "digits-class"
    before = os.environ.get("LOUPE_LEDGER")
    os.environ["LOUPE_LEDGER"] = str(folder.parent / "looks.jsonl")
    make_exercise(EXERCISE, folder)
    yield Lesson(folder, open_classroom(folder))
    if before is None:
        del os.environ["LOUPE_LEDGER"]
    else:
        os.environ["LOUPE_LEDGER"] = before


@pytest.fixture(scope="package")
def trained(lesson: Lesson) -> RunFolder:
    torch.set_num_threads(1)
    return lesson.train("anna", "run.seed=1")


@pytest.fixture
def run(trained: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of the trained run, to be changed."""
    shutil.copytree(trained.path, tmp_path / trained.path.name)
    return RunFolder(tmp_path / trained.path.name)
