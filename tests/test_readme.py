"""What the README shows works: its commands, its recipe, its Python and its plugin are run as they stand."""

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

import loupe
from loupe.cli import main
from loupe.errors import LoupeError
from loupe.recipe import find_form_mistakes, read_toml
from loupe.running import load_recipe
from loupe.running.training_setup import load_recipe_data

from .conftest import needs_official_data

pytestmark = pytest.mark.thorough

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
QUICK = ["train.epochs=1", "data.fraction=0.3", "evaluate.look_inside=false"]


def find_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for block in find_blocks("bash")
    for line in block.splitlines()
    if line.startswith("loupe ")
]


@pytest.fixture(autouse=True)
def _in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in (*find_blocks("python"), *find_blocks("toml")):
        file = re.match(r"# (\w+\.\w+)\n", block)
        if file:
            (tmp_path / file[1]).write_text(block)
    (tmp_path / "crops" / "7").mkdir(parents=True)
    Image.new("L", (8, 8), 7).save(tmp_path / "crops" / "7" / "one.png")


RUNS = {
    "ask": ("wide",),
    "calibrate": ("wide",),
    "inspect": ("wide",),
    "compare": ("wide", "narrow"),
    "evaluate": ("wide", "narrow"),
    "export": ("wide",),
    "predict": ("wide",),
}
"""Names of the runs a verb looks at, by verb; the README trains them further up."""


SHORTENED = {
    "train": QUICK,
    "audit": [*QUICK, "--folds", "2", "--engine", "serial"],
    "study": [*("set.train.epochs=1", "seeds=[0]", "set.data.augment=[]"), "--engine", "serial"],
}
"""What is added to a command here so that it is quick, by verb."""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_run(command: list[str]) -> None:
    for name in RUNS.get(command[0], ()):
        assert main(["train", "digits", f"name={name}", *QUICK]) == 0
    assert main([*command, *SHORTENED.get(command[0], [])]) == 0


def test_there_are_commands_to_run() -> None:
    assert {command[0] for command in COMMANDS} >= {"recipes", "train", "show", "data", "list", "check-layer"}


def test_the_recipe_is_right_but_for_the_folder_it_names() -> None:
    (text,) = [block for block in find_blocks("toml") if not block.startswith("# smoothing.toml")]
    mapping = read_toml(text, "README.md")
    assert find_form_mistakes(mapping) == []
    recipe = load_recipe(mapping)
    with pytest.raises(LoupeError, match="There is no folder"):
        load_recipe_data(recipe)


def test_the_python_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    first, transfer = [block for block in find_blocks("python") if "loupe.train" in block]
    train = loupe.train
    monkeypatch.setattr("loupe.train", lambda recipe, *changes: train(recipe, *changes, *QUICK))
    exec(first, {})
    accuracy, _, interval = capsys.readouterr().out.partition(" ")
    assert 0 <= float(accuracy) <= 1
    assert interval.startswith("Interval(low=")
    exec(transfer, {})
    assert "'frozen: dense1, dense2'" in capsys.readouterr().out


def test_every_page_linked_to_exists() -> None:
    folder = Path(__file__).parent.parent
    for page in (folder / "README.md", *(folder / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@needs_official_data
def test_showing_a_recipe_on_official_data_needs_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOUPE_DATA")
    assert main(["show", "fashion-cnn"]) == 0
