"""Fields that were renamed: their former names are read wherever a field is named."""

from pathlib import Path

import pytest

from loupe.errors import RecipeError
from loupe.recipe import Recipe, parse_recipe, read_former_names, read_recipe_file, write_former_names
from loupe.recipe.former_names import FORMER_NAMES, name_now
from loupe.running import load_recipe
from loupe.searches.schema import Search
from loupe.searches.space import make_recipe
from loupe.studies.keys import Keys
from loupe.studies.loading import load_study
from loupe.studies.plan import make_plan

OLD = {
    "model": {"name": "resnet", "depth": 20},
    "data": {"name": "digits", "normalize": {"mean": [0.5], "sd": [0.25]}},
    "train": {"small_images": {"size": 6, "until_epoch": 1}},
}
NOW = {
    "model": {"name": "resnet", "depth": 20},
    "data": {"name": "digits", "normalize": {"mean": [0.5], "std": [0.25]}},
    "train": {"progressive_resizing": {"size": 6, "until_epoch": 1}},
}


def test_a_recipe_with_former_names_is_the_recipe_with_those_of_today(tmp_path: Path) -> None:
    expected = parse_recipe(NOW)
    assert parse_recipe(OLD) == expected
    assert OLD["train"] == {"small_images": {"size": 6, "until_epoch": 1}}, "the mapping was changed"
    assert read_former_names(OLD) == NOW
    assert write_former_names(NOW) == OLD
    assert load_recipe(OLD) == load_recipe(NOW)
    file = tmp_path / "old.toml"
    file.write_text(
        '[data]\nname = "digits"\nnormalize = {mean = [0.5], sd = [0.25]}\n[train.small_images]\n'
        "size = 6\nuntil_epoch = 1\n"
    )
    assert read_recipe_file(file) == {"name": "old", "data": NOW["data"], "train": NOW["train"]}


def test_former_names_in_overrides_change_the_field_of_today() -> None:
    recipe = load_recipe(NOW, ["train.small_images.size=5", "data.normalize.sd=[0.125]"])
    assert recipe.train.progressive_resizing is not None
    assert recipe.train.progressive_resizing.size == 5
    assert recipe == load_recipe(NOW, ["train.progressive_resizing.size=5", "data.normalize.std=[0.125]"])
    assert load_recipe(NOW, ["train.small_images=none"]).train.progressive_resizing is None
    assert load_recipe(OLD, ["train.small_images={size=4, until_epoch=2}"]) == load_recipe(
        NOW, ["train.progressive_resizing={size=4, until_epoch=2}"]
    )


def test_studies_and_searches_take_former_names_and_keys_stay() -> None:
    study = {"name": "s", "question": "?", "recipe": "digits", "seeds": [0], "set": {"model": OLD["model"]}}
    plans = [
        make_plan(load_study({**study, "arms": {"a": {name: arms[name] for name in ("data", "train")}}}))
        for arms in (OLD, NOW)
    ]
    (old,), (now,) = (plan.runs for plan in plans)
    assert old.recipe == now.recipe
    assert Keys().of(old) == Keys().of(now)
    search = Search(
        name="s",
        recipe="digits",
        set={"model": OLD["model"], "train": OLD["train"]},
        space={"train.small_images.size": {"kind": "int", "low": 4, "high": 7}},
    )
    made = make_recipe(search, {"train.small_images.size": 5}, seed=0)
    assert made.train.progressive_resizing is not None
    assert (made.train.progressive_resizing.size, made.train.progressive_resizing.until_epoch) == (5, 1)


def test_both_names_at_once_are_a_mistake() -> None:
    both = {"train": {**OLD["train"], **NOW["train"]}}
    with pytest.raises(RecipeError, match=r"train\.small_images: got an unknown field"):
        parse_recipe(both)


def test_every_field_of_the_table_is_there() -> None:
    values = Recipe.model_json_schema()["$defs"]
    tables = {"train": "TrainSection", "data.normalize": "Normalization"}
    for now, former in FORMER_NAMES.items():
        table, _, name = now.rpartition(".")
        assert name in values[tables[table]]["properties"]
        assert former not in values[tables[table]]["properties"]
        assert name_now(f"{table}.{former}") == now
        assert name_now(f"{table}.{former}.inner") == f"{now}.inner"
        assert name_now(f"{table}.{former}s") == f"{table}.{former}s"
