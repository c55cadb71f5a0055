"""Which changes of a recipe make it another one, for the record of a run."""

import json
from pathlib import Path

import pytest

import loupe
from loupe.errors import RunError
from loupe.recipe import Recipe
from loupe.recipe.train_section import TrainSection
from loupe.running import load_recipe
from loupe.running.recipe_digest import digest_recipe, digest_whole_recipe, is_recorded_in, reduce_recipe
from loupe.runs import RunFolder
from tests.quick_runs import StopAfter, Train, is_same_weights


def digest(*overrides: str) -> str:
    return digest_recipe(load_recipe("digits", overrides))


@pytest.mark.parametrize(
    "override",
    [
        "name=other",
        "about='other words'",
        "run.folder=elsewhere",
        "run.processes=1",
        "run.tensorboard=true",
        "train.channels_last=true",
        "train.accumulate=1",
        "train.class_weights=none",
        "train.sampling=1.0",
        "evaluate.look_inside=false",
        "train.optimizer.learning_rate=0.003",
    ],
)
def test_what_leaves_the_numbers_as_they_are_is_no_part(override: str) -> None:
    plain = ("train.optimizer={name='adam', learning_rate=0.003}",)
    assert digest(*plain, override) == digest(*plain)


@pytest.mark.parametrize(
    "override",
    [
        "run.seed=1",
        "run.threads=2",
        "train.epochs=3",
        "train.accumulate=2",
        "train.class_weights=balanced",
        "train.class_weights={'0'=2}",
        "train.sampling=0.5",
        "train.layer_decay=0.5",
        "data.fold={number=1, of=3}",
        "data.long_tail=3",
        "data.label_noise={share=0.1}",
        "train.clip_norm=1",
        "model=mlp",
        "model.width=3",
        "data.fraction=0.5",
        "data.mix=mixup",
        "data.augment=[]",
        "train.optimizer.learning_rate=0.0123",
        "train.schedule=constant",
        "train.progressive_resizing={size=6, until_epoch=1}",
        "train.hard_examples={proxy={name='mlp', widths=[4]}}",
        "evaluate.test=false",
    ],
)
def test_what_changes_the_numbers_or_what_is_looked_at_is_part(override: str) -> None:
    assert digest(override) != digest()


class LaterTrain(TrainSection):
    made_up: float = 0.25


class LaterRecipe(Recipe):
    train: LaterTrain = LaterTrain()


@pytest.mark.thorough
def test_a_field_added_with_a_default_leaves_an_unfinished_run_resumable(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train("train.epochs=4")
    stopped = train("train.epochs=4", observers=[StopAfter(2, KeyboardInterrupt())])
    before = reduce_recipe(stopped.read_recipe())
    monkeypatch.setattr("loupe.recipe.reading.Recipe", LaterRecipe)
    recipe = stopped.read_recipe()
    assert isinstance(recipe, LaterRecipe)
    assert reduce_recipe(recipe) == before
    loupe.resume(stopped.path)
    assert is_same_weights(stopped.checkpoint_file, whole.checkpoint_file)


def test_a_renamed_field_leaves_an_unfinished_run_resumable(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record was made with the first name; so is the digest of today."""
    monkeypatch.setattr(
        "loupe.recipe.former_names.FORMER_NAMES", {"train.clip_norm": "largest_norm", "run.seed": "chance"}
    )
    stopped = train("train.clip_norm=2.0", observers=[StopAfter(1, KeyboardInterrupt())])
    reduced = reduce_recipe(stopped.read_recipe())
    assert reduced["train"]["largest_norm"] == 2.0
    assert "clip_norm" not in reduced["train"]
    text = stopped.recipe_file.read_text().replace("clip_norm", "largest_norm").replace("seed =", "chance =")
    file = tmp_path / "former.toml"
    file.write_text(text)
    assert is_recorded_in(stopped, load_recipe(file))


def test_a_record_with_the_digest_of_whole_recipes_is_compared_by_the_rule_of_today(
    train: Train, tmp_path: Path
) -> None:
    run = train(observers=[StopAfter(1, KeyboardInterrupt())])
    recipe = run.read_recipe()
    old = digest_whole_recipe(recipe.to_dict())
    environment = {**run.read_environment(), "recipe_digest": old}
    earlier = RunFolder(tmp_path / "earlier")
    earlier.path.mkdir()
    earlier.recipe_file.write_text(recipe.to_toml())
    earlier.environment_file.write_text(json.dumps(environment))
    assert is_recorded_in(earlier, recipe)
    assert is_recorded_in(earlier, recipe.model_copy(update={"name": "other"}))
    assert not is_recorded_in(earlier, recipe.for_seed(9))
    earlier.recipe_file.write_text("nonsense")
    with pytest.raises(RunError, match="missing or damaged"):
        is_recorded_in(earlier, recipe)
