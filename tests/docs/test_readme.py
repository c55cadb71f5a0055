"""What the README and the pages on training and judging show works: commands, recipes, Python, layers."""

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

import loupe
from loupe.cli import main
from loupe.data import load_dataset
from loupe.errors import LoupeError
from loupe.recipe import find_form_mistakes, read_toml
from loupe.running import load_recipe
from loupe.running.training_setup import load_recipe_data
from tests.conftest import needs_official_data

from .pages import DOCS, ROOT, Block, read_blocks, read_commands

pytestmark = pytest.mark.thorough

BLOCKS: list[Block] = [
    block
    for page in (ROOT / "README.md", DOCS / "training.md", DOCS / "judging.md")
    for block in read_blocks(page)
]
QUICK = ["train.epochs=1", "data.fraction=0.3", "evaluate.look_inside=false"]
NOT_RUN = ("make", "loupe open", "loupe reproduce 004", "loupe resume RUN", "torchrun")
"""The page waits, the reproduction takes minutes, torchrun wants machines: tests of theirs are elsewhere."""

COMMANDS = list(
    dict.fromkeys(
        command
        for block in BLOCKS
        if block.language == "bash"
        for command in read_commands(block)
        if not command.startswith(NOT_RUN)
    )
)


@pytest.fixture(autouse=True)
def _in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in BLOCKS:
        if block.file is not None:
            Path(block.file).write_text(block.text, encoding="utf-8")
    Path("costs.csv").write_text("truth,3,5\n3,0,5\n5,1,0\n", encoding="utf-8")
    digits = load_dataset("digits").train
    for number in range(1200):
        name = digits.class_names[int(digits.labels[number])]
        for place in ("my-crops", "new-crops", "crops")[: 3 if number < 60 else 1]:
            folder = Path(place, name)
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(digits.images[number, 0].numpy()).save(folder / f"{number}.png")


RUNS = {
    "ask": ("wide", "crops"),
    "calibrate": ("wide",),
    "inspect": ("wide",),
    "compare": ("wide", "narrow"),
    "evaluate": ("wide", "narrow"),
    "export": ("wide", "crops"),
    "figures": ("wide",),
    "learning-curve": ("wide",),
    "pack": ("wide",),
    "predict": ("wide", "crops"),
    "table": ("wide",),
    "verify": ("wide",),
    "write": ("wide",),
}
"""Names of the runs a verb looks at, by verb; the pages train them further up."""


SHORTENED = {
    "train": QUICK,
    "learning-curve": ["--dry-run"],
    "audit": [*QUICK, "--folds", "2", "--engine", "serial"],
    "study": [*("set.train.epochs=1", "seeds=[0]", "set.data.augment=[]"), "--engine", "serial"],
}
"""What is added to a command here so that it is quick, by verb."""


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_run(line: str) -> None:
    line = line.replace("cat=", "3=").replace("dog=", "5=")  # the classes there are here
    program, *command = shlex.split(line)
    assert program == "loupe"
    for name in RUNS.get(command[0], ()):
        assert main(["train", "digits", f"name={name}", *QUICK]) == 0
    assert main([*command, *SHORTENED.get(command[0], [])]) == 0


def test_there_are_commands_to_run() -> None:
    verbs = {command.split()[1] for command in COMMANDS}
    assert verbs >= {"recipes", "train", "show", "data", "list", "check-layer", "study", "audit"}


def test_the_recipe_is_right_but_for_the_folder_it_names() -> None:
    (text,) = [block.text for block in BLOCKS if block.file == "crops.toml"]
    mapping = read_toml(text.replace("my-crops", "no-crops"), "README.md")
    assert find_form_mistakes(mapping) == []
    recipe = load_recipe(mapping)
    with pytest.raises(LoupeError, match="There is no folder"):
        load_recipe_data(recipe)


def test_the_python_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    first, transfer = [block.text for block in BLOCKS if "loupe.train(" in block.text]
    train = loupe.train
    monkeypatch.setattr("loupe.train", lambda recipe, *changes: train(recipe, *changes, *QUICK))
    exec(first, {})
    accuracy, _, interval = capsys.readouterr().out.partition(" ")
    assert 0 <= float(accuracy) <= 1
    assert interval.startswith("Interval(low=")
    exec(transfer, {})
    assert "'frozen: dense1, dense2'" in capsys.readouterr().out


def test_every_page_linked_to_exists() -> None:
    for page in (ROOT / "README.md", *DOCS.glob("*.md"), *DOCS.glob("tutorials/*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            if "reference/" in target:  # made when the documentation is built
                continue
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@needs_official_data
def test_showing_a_recipe_on_official_data_needs_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOUPE_DATA")
    assert main(["show", "fashion-cnn"]) == 0
