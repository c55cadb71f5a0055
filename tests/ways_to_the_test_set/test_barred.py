"""Where there is no way: observers, pictures, names."""

from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import pytest
import torch
from starlette.testclient import TestClient

import loupe
from loupe.data import LockedTest
from loupe.data.identity import digest_images, to_keys
from loupe.running.recipe_data import load_run_splits
from loupe.runs import RunFolder
from loupe.training import Observer, TrainingState
from loupe.web.application import create_app
from tests.running.test_leakage import draw, save
from tests.ways_to_the_test_set.looking import assert_looks

pytestmark = pytest.mark.thorough


class Searching(Observer):
    """Look for a test set in all that an observer can reach."""

    def __init__(self) -> None:
        self.found: list[object] = []
        self.seen = 0

    def on_epoch_end(self, state: TrainingState) -> None:
        for one in walk(state):
            self.seen += 1
            if isinstance(one, LockedTest):
                self.found.append(one)


def walk(start: object) -> Iterator[object]:
    """Yield everything that attributes and elements lead to."""
    left, known = [start], set[int]()
    while left:
        one = left.pop()
        if id(one) in known or isinstance(one, type | ModuleType | FunctionType | torch.Tensor):
            continue
        known.add(id(one))
        yield one
        if isinstance(one, dict):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            left += one
        else:
            left += vars(one).values() if hasattr(one, "__dict__") else []


def test_observers_reach_no_test_set(tmp_path: Path) -> None:
    save(tmp_path / "images", "", draw(150, 0))
    recipe = {"data": {"name": "folder", "path": str(tmp_path / "images")}, "model": "mlp"}
    searching = Searching()
    loupe.train(recipe, "train.epochs=1", f"run.folder={tmp_path / 'runs'}", observers=[searching])
    assert searching.seen > 50
    assert searching.found == []


def test_nothing_of_a_run_holds_pixels_of_test_images(trained: tuple[RunFolder, RunFolder]) -> None:
    run, _ = trained
    record = run.read_images()
    locked = set(to_keys(record.test.digests))
    pictures = run.read_evaluations().to_arrays()
    shown = [array for array in pictures.values() if array.ndim == 4 and array.dtype == torch.uint8]
    assert not locked & {key for array in shown for key in to_keys(digest_images(array))}
    splits = load_run_splits(run)
    for images in (splits.train, splits.validation):
        assert not locked & set(to_keys(images.table.digests))


def test_names_of_test_images_are_no_way_to_them(run: RunFolder) -> None:
    with TestClient(create_app(run.path.parent), base_url="http://localhost") as client:
        for name in ("test-0", "test_images-0", "validation--1", "train-0"):
            answer = client.get(f"/api/runs/{run.path.name}/reasons", params={"image": name})
            assert 400 <= answer.status_code < 500
    assert_looks(run, 0)
