"""Changes and plugins named from Python: one by one, in lists, or told what they have to be."""

from collections.abc import Callable
from pathlib import Path

import pytest

import loupe
from loupe.errors import LoupeError
from loupe.running.describe_data import write_card
from tests.quick_runs import QUICK

MODEL = """
import torch
from loupe import register_model

@register_model("given-own")
def own(*, in_channels, image_size, num_classes):
    "One layer."
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, num_classes))
"""
STUDY = {"name": "few", "recipe": "digits", "axes": {"epochs": {"field": "train.epochs", "values": [1, 2]}}}
SEARCH = {
    "name": "few",
    "recipe": "digits",
    "space": {"train.batch_size": {"kind": "int", "low": 8, "high": 16}},
}


def test_a_list_of_changes_does_what_its_words_do(tmp_path: Path) -> None:
    run = loupe.train("digits", [*QUICK, "train.epochs=2"], f"run.folder={tmp_path}")
    assert len(run.read_history()) == 2
    words = loupe.load_recipe("digits", ("train.epochs=2", "model=mlp"))
    assert loupe.load_recipe("digits", [["train.epochs=2"], "model=mlp"]) == words  # type: ignore[list-item]
    assert loupe.load_recipe("digits", "train.epochs=2").train.epochs == 2
    assert loupe.load_study(STUDY, ["seeds=[3]"]) == loupe.load_study(STUDY, "seeds=[3]")
    assert loupe.load_search(SEARCH, ["trials=7"]).trials == loupe.load_search(SEARCH, "trials=7").trials == 7


@pytest.mark.parametrize("given", [{"train.epochs": 2}, 2, None, ["train.epochs=2", 3]])
@pytest.mark.parametrize(
    "enter",
    [
        lambda given: loupe.train("digits", given),
        lambda given: loupe.load_recipe("digits", given),
        lambda given: loupe.load_study(STUDY, given),
        lambda given: loupe.load_search(SEARCH, given),
        lambda given: write_card("digits", given, out=Path("nowhere")),
    ],
    ids=["train", "load_recipe", "load_study", "load_search", "write_card"],
)
def test_anything_else_is_told_at_every_way_in(enter: Callable[[object], object], given: object) -> None:
    with pytest.raises(LoupeError, match=r"Changes of fields are texts(.|\n)*section\.field=value"):
        enter(given)


def test_one_plugin_may_stand_alone(tmp_path: Path) -> None:
    plugin = tmp_path / "own.py"
    plugin.write_text(MODEL)
    for given in (str(plugin), plugin, [plugin], (str(plugin),)):
        recipe = loupe.load_recipe("digits", "model=given-own", plugins=given)
        assert recipe.run.plugins == (str(plugin),)
    with pytest.raises(LoupeError, match="Plugins are named by their files"):
        loupe.load_recipe("digits", plugins={"own.py": 1})  # type: ignore[arg-type]
    with pytest.raises(LoupeError, match="Plugins are named by their files"):
        loupe.evaluate_run("digits", plugins=[3])  # type: ignore[list-item]
