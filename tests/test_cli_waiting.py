"""Verbs that only read what is written answer without torch, which alone takes a second or two to load."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import loupe
from loupe.cli import main
from loupe.cli.recipe_tables import ShownRecipe, digest_origin, find_kept, keep
from loupe.recipe import Recipe
from tests.quick_runs import QUICK

TELL = "import sys; from loupe.cli import main; main(sys.argv[1:]); print({%s} & sys.modules.keys())"
HEAVY = ("torch", "scipy", "pandas", "matplotlib", "sklearn")


def say(place: Path, *arguments: str) -> tuple[str, str]:
    """Return what a verb prints in a process of its own, and which large libraries that loads."""
    command = [sys.executable, "-c", TELL % str(HEAVY)[1:-1], *arguments]
    done = subprocess.run(command, cwd=place, check=True, capture_output=True, text=True)
    said, _, loaded = done.stdout.rstrip("\n").rpartition("\n")
    return said, loaded


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, a series of seeds, and a run whose test set stays locked."""
    place = tmp_path_factory.mktemp("place")
    common = (*QUICK, f"run.folder={place / 'runs'}", 'evaluate.metrics=["balanced_accuracy"]')
    loupe.train("digits", *common, "name=one")
    loupe.train("digits", *common, "name=several", "run.seeds=[1, 2]")
    loupe.train("digits", *common, "name=locked", "evaluate.test=false")
    return place


def test_runs_are_listed_without_torch(place: Path) -> None:
    said, loaded = say(place, "list", "--metrics", "loss,balanced_accuracy")
    assert "validation balanced" in said
    assert "mean: " in said  # of the seeds, with an interval
    assert "locked" in said
    assert "looks at the test set: these 3 runs: 3 times" in said
    assert loaded == "set()"


@pytest.mark.thorough
def test_a_packaged_recipe_is_shown_without_torch_once_it_was_shown(tmp_path: Path) -> None:
    first, _ = say(tmp_path, "show", "digits")
    again, loaded = say(tmp_path, "show", "digits")
    assert "together" in first
    assert again == first
    assert loaded == "set()"


SHOWN = ShownRecipe("", [["conv1", *7 * ("",)]], ["as kept"])


def test_a_recipe_is_shown_as_kept_only_while_it_cannot_be_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep("digits", Recipe(), SHOWN, digest_origin())
    assert find_kept("digits") == SHOWN
    assert main(["show", "digits"]) == 0
    assert "as kept" in capsys.readouterr().out
    for changed in (["model.width=1"], ["--draw", "network.svg"]):
        monkeypatch.setattr("loupe.running.draw_network.draw_recipe_network", lambda *_: "paper")
        assert main(["show", "digits", *changed]) == 0
        assert "as kept" not in capsys.readouterr().out
    keep("digits", Recipe(), SHOWN, digest_origin())
    monkeypatch.setattr("loupe.cli.recipe_tables.digest_origin", lambda: "of another version")
    assert find_kept("digits") is None


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("no-such-recipe", Recipe()),
        ("../recipes/digits", Recipe()),
        ("digits", Recipe().model_copy(update={"transfer": SimpleNamespace()})),
        ("digits", loupe.Recipe.model_validate({"data": {"name": "folder"}})),
        ("digits", loupe.Recipe.model_validate({"data": {"name": "cifar10", "path": "here"}})),
    ],
)
def test_what_depends_on_more_than_what_is_installed_is_not_kept(name: str, recipe: Any) -> None:
    keep(name, recipe, SHOWN, digest_origin())
    assert find_kept(name) is None


def test_the_page_is_ready_without_torch() -> None:
    code = """import sys
from loupe.cli import opening
from loupe.web.early_page import EarlyPage, list_page_files
from loupe.web.server import build_server
build_server(EarlyPage(lambda: None, list_page_files()))
print({*%r} & sys.modules.keys())"""
    command = [sys.executable, "-c", code % (HEAVY,)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "set()\n"
