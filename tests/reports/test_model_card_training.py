"""What a model card says of training: each setting that bends it, and nothing where all is as by itself."""

from typing import Any

import pytest

from loupe.recipe import Recipe, parse_recipe
from loupe.recipe.data_section import DataSection
from loupe.recipe.train_section import TrainSection
from loupe.reports.model_card_training import list_ways

TOLD_ELSEWHERE = {
    "train": {
        "epochs",  # in the sentence about the network
        "batch_size",
        "accumulate",
        "optimizer",
        "precision",  # under Environment, as it was settled
        "channels_last",  # the same numbers
        "compile",
        "clean_train_images",  # measures, and changes nothing
    },
    "data": {
        "name",  # under Data
        "classes",
        "fraction",
        "validation",
        "fold",
        "split_seed",
        "sides_of",
        "in_memory",
        "normalize",  # in the sentence about pixels
    },
}
CASES: list[tuple[str, Any, str]] = [
    ("train.schedule", {"name": "cosine"}, "schedule cosine"),
    ("train.loss", {"name": "focal", "gamma": 2.0}, "loss focal (gamma = 2.0)"),
    ("train.class_weights", "balanced", "an image's loss weighted by its class (balanced)"),
    ("train.class_weights", {"cat": 2, "dog": 1}, "an image's loss weighted by its class (cat: 2, dog: 1)"),
    ("train.sampling", "balanced", "all classes drawn alike"),
    ("train.sampling", 0.5, "classes drawn by their number of images to the power 0.5"),
    ("train.warmup_epochs", 2.0, "warm-up of 2 epochs"),
    ("train.label_smoothing", 0.1, "label smoothing 0.1"),
    ("train.decay", "weights", "weight decay on weights alone, not on biases and norms"),
    ("train.clip_norm", 1.5, "gradients clipped to norm 1.5"),
    ("train.average_decay", 0.99, "a moving average of the weights with decay 0.99"),
    ("train.layer_decay", 0.7, "the learning rate times 0.7 from layer to layer away from the head"),
    ("train.early_stopping", {"window": 7}, "early stopping by windows of 7 epochs"),
    ("train.lookahead", {"every": 5}, "lookahead every 5 steps (decay 0.7738, power 3)"),
    (
        "train.hard_examples",
        {"keep": 0.25, "proxy": {"name": "mlp", "hidden": [8]}},
        "on the hardest 25 % of each batch, ranked by mlp (hidden = [8])",
    ),
    (
        "train.freeze_later",
        {"layers": ["stem", "head"], "after_epoch": [2, 20]},
        "stem trained until epoch 2 only",
    ),
    (
        "train.progressive_resizing",
        {"size": [8, 16], "until_epoch": [2, 4], "way": "crop"},
        "smaller images in the first epochs (8 pixels until epoch 2, 16 pixels until epoch 4, as random "
        "windows)",
    ),
    ("data.augment", [{"name": "shift", "pixels": 2}], "shift (pixels = 2)"),
    ("data.mix", {"name": "mixup"}, "mixing by mixup"),
    ("data.corrections", "/home/me/mended.csv", "images and labels corrected as mended.csv says"),
    (
        "data.long_tail",
        10,
        "training images thinned out on purpose until the first class has 10 times those of the last (long "
        "tail)",
    ),
    (
        "data.label_noise",
        {"share": 0.3},
        "30 % of training labels made wrong on purpose (label noise, symmetric)",
    ),
    ("run.processes", 2, "by 2 processes, each on its share of every batch"),
    ("run.continues", "runs/first", "going on with the training of first"),
    ("transfer.run", "/home/me/runs/first", "starting from the weights of first"),
    ("transfer.weights", "/home/me/net.safetensors", "starting from the weights of net.safetensors"),
]
BY_ITSELF = ["schedule constant", "no augmentation"]


def compose(field: str, value: object, **more: object) -> Recipe:
    section, name = field.split(".")
    return parse_recipe({section: {name: value, **more}})


def say(recipe: Recipe) -> list[str]:
    return [part for part in list_ways(recipe) if part]


def test_what_is_as_by_itself_is_not_told() -> None:
    assert say(parse_recipe({})) == BY_ITSELF


@pytest.mark.parametrize(("field", "value", "told"), CASES)
def test_what_bends_training_is_told(field: str, value: object, told: str) -> None:
    (part,) = [part for part in say(compose(field, value)) if part not in BY_ITSELF]
    assert part == told


def test_every_setting_of_data_and_training_is_told_or_known_to_bend_nothing() -> None:
    """A new field of a recipe stands in one of the two lists."""
    for name, section in (("train", TrainSection), ("data", DataSection)):
        told = {field.removeprefix(f"{name}.") for field, _, _ in CASES if field.startswith(f"{name}.")}
        assert told | TOLD_ELSEWHERE[name] == set(section.model_fields)
        assert not told & TOLD_ELSEWHERE[name]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"freeze": "all"}, "all but the head left as it was"),
        ({"freeze": ["stem", "head"]}, "stem and head left as they were"),
    ],
)
def test_what_was_not_trained_is_told(more: dict[str, Any], told: str) -> None:
    assert say(compose("transfer.run", "first", **more))[-2:] == ["starting from the weights of first", told]


def test_what_was_copied_is_told() -> None:
    said = say(compose("transfer.run", "first", part="encoder"))[-1]
    assert said == "starting from the weights of first (its part encoder)"
    said = say(compose("transfer.run", "first", head="copied"))[-1]
    assert said == "starting from the weights of first, head copied too"
