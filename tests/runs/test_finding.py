"""Runs are found by name, and by an unmistakable beginning of it."""

from pathlib import Path

import pytest

from loupe.errors import RunError
from loupe.runs.finding import find_run_folder


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    for name in (
        "vit-2026-01-01-0a1b2c",
        "vit2-2026-01-02-0a1b2d",
        "vit2-2026-01-03-0a1b2e",
        "vit-x-2026-01-04-0a1b2f",
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "environment.json").write_text("{}", encoding="utf-8")
    return tmp_path


def test_a_recipe_s_whole_name_is_not_taken_for_the_beginning_of_another(parent: Path) -> None:
    assert find_run_folder("vit", parent).name == "vit-2026-01-01-0a1b2c"
    assert find_run_folder("vit-x", parent).name == "vit-x-2026-01-04-0a1b2f"


def test_two_runs_of_one_recipe_are_told_apart_by_more_of_the_name(parent: Path) -> None:
    with pytest.raises(RunError, match="Several runs begin with 'vit2'"):
        find_run_folder("vit2", parent)
    assert find_run_folder("vit2-2026-01-03", parent).name == "vit2-2026-01-03-0a1b2e"
    with pytest.raises(RunError, match="There is no run"):
        find_run_folder("resnet", parent)


@pytest.mark.parametrize("place", ["many/seed-1", "many:seed-1", "many-2026-01-05-0a1b30:seed-1"])
def test_a_seed_is_named_behind_its_series(parent: Path, place: str) -> None:
    for seed in (0, 1):
        folder = parent / "many-2026-01-05-0a1b30" / f"seed-{seed}"
        folder.mkdir(parents=True)
        (folder / "environment.json").write_text("{}", encoding="utf-8")
    assert find_run_folder(place, parent) == parent / "many-2026-01-05-0a1b30" / "seed-1"
    with pytest.raises(RunError, match="has no seed-7") as told:
        find_run_folder(place.replace("seed-1", "seed-7"), parent)
    assert told.value.allowed == "seed-0, seed-1"
    with pytest.raises(RunError, match="has no seed-0") as told:
        find_run_folder("vit:seed-0", parent)
    assert told.value.allowed == "the run itself: it is no series of seeds"
