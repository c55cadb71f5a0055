"""What the page on data shows works: commands, Python, a recipe, a source of one's own, settings."""

import re
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import loupe
from loupe.cli import main
from loupe.data import load_dataset
from loupe.recipe import read_toml
from loupe.running import load_recipe
from loupe.running.recipe_checks import find_mistakes

from .pages import DOCS, read_blocks, read_commands

PAGE = DOCS / "data.md"
QUICK = ("train.epochs=1", "evaluate.look_inside=false")


@pytest.fixture
def in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Crops of several sizes, the same ones in a table and as arrays, and the files that `mine` reads."""
    monkeypatch.chdir(tmp_path)
    digits = load_dataset("digits").train
    rows = ["path,label"]
    for number in range(400):
        name = digits.class_names[int(digits.labels[number])]
        file = Path("my-crops", name, f"{number}.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(digits.images[number, 0].numpy())
        picture.resize((8 + number % 5, 8 + number % 3)).save(file)
        rows.append(f"{name}/{number}.png,{name}")
    Path("labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    np.savez("crops.npz", images=digits.images[:400, 0].numpy(), labels=digits.labels[:400].numpy())
    Path("FOLDER").mkdir()
    for part, count in (("train", 600), ("test", 100)):
        pixels = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        np.save(Path("FOLDER", f"{part}-pixels.npy"), pixels)
        np.save(Path("FOLDER", f"{part}-labels.npy"), np.arange(count) % 10)


@pytest.mark.thorough
@pytest.mark.usefixtures("in_own_folder")
def test_every_block_of_the_page_runs_in_order(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    train = loupe.train
    monkeypatch.setattr("loupe.train", lambda *given, **named: train(*given, *QUICK, **named))
    verbs = []
    for block in read_blocks(PAGE):
        place = f"data.md:{block.line}"
        if block.file is not None:
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            exec(compile(block.text, place, "exec"), {"__name__": "page"})
        for command in read_commands(block) if block.language == "bash" else ():
            program, verb, *rest = shlex.split(command)
            assert program == "loupe"
            status = main([verb, *rest, *(QUICK if verb == "train" else ())])
            said = capfd.readouterr()
            assert status == 0, f"{place}: {command}\n{said.out}\n{said.err}"
            verbs.append(verb)
    assert verbs.count("data") == 4
    assert verbs.count("train") == 2
    assert main(["train", "balanced.toml", *QUICK]) == 0


def test_the_recipe_of_the_page_is_whole() -> None:
    (text,) = [block.text for block in read_blocks(PAGE) if block.file == "balanced.toml"]
    recipe = load_recipe(read_toml(text, "data.md"))
    assert recipe.evaluate.select_by == "balanced_accuracy"
    assert recipe.to_toml().count("class_weights") == 1


def list_settings() -> list[str]:
    """Return what stands between backquotes and sets a field, such as data.bit_range = 12."""
    quoted = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", PAGE.read_text("utf-8"), flags=re.DOTALL))
    return [one for one in quoted if re.match(r"(data|train|evaluate|run)\.\w+ ?= ?", one) and "…" not in one]


def test_settings_are_found_on_the_page() -> None:
    assert len(list_settings()) >= 5


@pytest.mark.parametrize("setting", list_settings())
def test_every_setting_on_the_page_is_accepted(setting: str) -> None:
    mapping = tomllib.loads(setting)
    mapping["data"] = {"name": "folder", "path": "my-crops", **mapping.get("data", {})}
    assert list(find_mistakes(mapping)) == []


@pytest.mark.parametrize("command", re.findall(r"`(loupe cache[^`]*)`", PAGE.read_text("utf-8")))
def test_commands_on_the_cache_run(command: str) -> None:
    assert main(shlex.split(command)[1:]) == 0
