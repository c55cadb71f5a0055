from pathlib import Path

import pytest

from loupe.errors import LoupeError, RecipeError, UnknownNameError
from loupe.plugins import load_plugin
from loupe.recipe import list_recipes
from loupe.running import load_recipe

PLUGIN = '''
from torch import nn
from loupe import register_model

@register_model("tiny-{name}")
def tiny(*, in_channels: int, image_size: tuple[int, int], num_classes: int, units: int = 4) -> nn.Module:
    """One hidden layer."""
    pixels = in_channels * image_size[0] * image_size[1]
    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, units), nn.ReLU(), nn.Linear(units, num_classes))
'''


@pytest.mark.parametrize("name", list_recipes())
def test_packaged_recipes_are_right_described_and_complete(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.about
    assert load_recipe(recipe) == recipe, "resolving twice changes something"
    assert "learning_rate" in recipe.train.optimizer.settings


def test_all_mistakes_of_form_and_of_settings_are_shown_together() -> None:
    """No data is loaded: the dataset named here is not even on this machine."""
    with pytest.raises(RecipeError) as caught:
        load_recipe(
            {
                "name": "wrong",
                "data": {
                    "name": "folder",
                    "fit": "squash",
                    "augment": [{"name": "flip"}],
                    "normalize": "cifar",
                },
                "model": {"name": "cnn", "conv_layer": 2, "dense_layers": 7},
                "train": {"epochs": 0, "optimizer": {"name": "sdg"}, "schedule": "step"},
            }
        )
    assert str(caught.value) == (
        "Recipe 'wrong' has 9 mistakes; no data was loaded.\n"
        "  - train.epochs: got 0; allowed: a whole number ≥ 1\n"
        "  - data.path: got nothing; allowed: a value is required\n"
        "  - data.fit: got 'squash'; allowed: 'resize', 'crop' or 'pad'\n"
        "  - model.dense_layers: got 7; allowed: 1, 2 or 3\n"
        "  - model.conv_layer: got an unknown field; allowed: conv_layers, dense_layers, name, width; "
        "did you mean 'conv_layers'?\n"
        "  - train.optimizer.name: got 'sdg'; allowed: adadelta, adagrad, adam, adamax, adamw, muon, "
        "nadam, rmsprop, sgd; did you mean 'sgd'?\n"
        "  - train.schedule.every: got nothing; allowed: a value is required\n"
        "  - data.augment.0.name: got 'flip'; allowed: alternating-flip, auto-augment, color-jitter, cutout, "
        "horizontal-flip, padded-crop, rand-augment, random-erasing, random-resized-crop, rotation, "
        "trivial-augment; did you mean 'horizontal-flip'?\n"
        "  - data.normalize: got 'cifar'; allowed: measured, unit, cifar10, cifar10-per-image-sd, "
        "fashion-mnist, half-1, half-3; did you mean 'cifar10'?\n"
        "  next: mend the lines above; `loupe train --help` describes every field"
    )


def test_unknown_data_fields_list_fields_and_settings() -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("digits", ["data.clases=[1,2]"])
    (mistake,) = caught.value.mistakes
    assert mistake.nearest == "classes"


def test_overrides_change_the_recipe() -> None:
    recipe = load_recipe("digits", ["train.epochs=3", "train.optimizer=sgd", "data.augment=[]"])
    assert recipe.train.epochs == 3
    assert recipe.train.optimizer.name == "sgd"
    assert recipe.train.optimizer.settings["momentum"] == 0.9
    assert recipe.data.augment == ()


def test_a_finished_runs_recipe_is_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(load_recipe("digits", ["train.epochs=3"]).to_toml())
    assert load_recipe(tmp_path / "recipe.toml").train.epochs == 3
    assert load_recipe(tmp_path).train.epochs == 3


def test_an_unknown_recipe_gets_a_suggestion() -> None:
    with pytest.raises(UnknownNameError) as caught:
        load_recipe("digit")
    assert str(caught.value) == (
        f"There is no recipe called 'digit'.\n  got: digit\n  allowed: {', '.join(list_recipes())}\n"
        "  did you mean: digits\n  next: `loupe recipes` says more; a path to a .toml file works too"
    )


def test_a_recipe_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(LoupeError, match=r"The recipe file .*missing\.toml cannot be read\.\n  got: No such"):
        load_recipe(tmp_path / "missing.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LoupeError, match="got: not UTF-8 text"):
        load_recipe(tmp_path / "binary.toml")


def test_a_plugin_registers_a_model(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN.format(name="one"))
    recipe = load_recipe("digits", ["model=tiny-one", "model.units=3"], plugins=[str(path)])
    assert recipe.model.settings == {"units": 3}
    assert recipe.run.plugins == (str(path),)


def test_a_plugin_that_is_missing_or_broken(tmp_path: Path) -> None:
    with pytest.raises(LoupeError, match="There is no plugin file"):
        load_plugin(str(tmp_path / "missing.py"))
    (tmp_path / "broken.py").write_text("x = 1\ny = x / 0\n")
    with pytest.raises(LoupeError) as caught:
        load_plugin(str(tmp_path / "broken.py"))
    assert "got: ZeroDivisionError: division by zero (line 2)" in str(caught.value)
    (tmp_path / "syntax.py").write_text("def f(:\n")
    with pytest.raises(LoupeError, match=r"got: SyntaxError: invalid syntax \(syntax\.py, line 1\)\n"):
        load_plugin(str(tmp_path / "syntax.py"))


def test_what_a_recipe_is_about_is_not_said_of_other_images(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    own = ("data.name=folder", f"data.path={tmp_path}")
    assert load_recipe("digits").about
    assert load_recipe("digits", ("train.epochs=1",)).about == load_recipe("digits").about
    assert load_recipe("digits", own).about == ""
    assert load_recipe("digits", (*own, "about=my crops")).about == "my crops"
