"""Runs whose test images are files at hand."""

import shutil
from pathlib import Path

import pytest
import torch

from loupe.runs import RunFolder
from tests.running.test_leakage import draw, save, train


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, RunFolder]:
    """Return two runs, of two seeds, on one folder of images."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("ways")
    save(root / "images", "", draw(150, 0))
    first = train(root / "images", root / "runs", "name=first")
    return first, train(root / "images", root / "runs", "name=second", "run.seed=1", "data.split_seed=0")


@pytest.fixture
def runs(trained: tuple[RunFolder, RunFolder], tmp_path: Path) -> tuple[RunFolder, RunFolder]:
    """Return copies of both, each with one look on record and in this test's ledger."""
    copies = []
    for run in trained:
        copy = RunFolder(Path(shutil.copytree(run.path, tmp_path / "runs" / run.path.name)))
        copies.append(copy)
    return copies[0], copies[1]


@pytest.fixture
def run(runs: tuple[RunFolder, RunFolder]) -> RunFolder:
    return runs[0]
