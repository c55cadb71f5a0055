import re
from pathlib import Path
from typing import Any

import pytest

from loupe.errors import SearchError
from loupe.recipe import read_toml
from loupe.searches import list_searches
from loupe.searches.loading import load_search
from loupe.searches.space import make_recipe

from .conftest import RATE, make_search


@pytest.mark.parametrize("name", list_searches())
def test_packaged_searches_are_right(name: str) -> None:
    assert load_search(name).name == name


def test_all_mistakes_are_shown_together_before_data_is_loaded() -> None:
    space = {
        "train.lerning_rate": {"kind": "float", "low": 0.1, "high": 1},
        "train.epochs": {"kind": "int", "low": 0, "high": 3},
        "model": {"kind": "choice", "values": ["cmn", {"name": "mlp", "width": 3}, "mlp"]},
        "train.optimizer": {"kind": "choice", "values": ["adam", "sgd"]},
        "train.optimizer.momentum": {**RATE, "when": {"train.optimizer": ["adam"]}},
        "data.validation": {"kind": "int", "low": 100, "high": 200},
    }
    with pytest.raises(SearchError) as caught:
        make_search(space)
    text = str(caught.value)
    assert 'space."data.validation": got a field that says what is judged' in text
    assert "did you mean 'cnn'" in text
    assert 'space."train.epochs" = 0: train.epochs: got 0' in text
    assert 'space."model" = mlp, width 3: model.width: got an unknown field' in text
    assert "train.lerning_rate: got an unknown field" in text
    assert "train.optimizer.momentum: got an unknown field" in text
    assert "no data was loaded" in text
    assert len(caught.value.mistakes) == 6


def _places_of(space: dict[str, Any] | None = None, **changes: Any) -> list[str]:
    with pytest.raises(SearchError) as caught:
        make_search(space, **changes)
    return [mistake.where for mistake in caught.value.mistakes]


def test_mistakes_of_form_do_not_hide_those_of_recipes_and_of_what_is_sought() -> None:
    wrong = {"kind": "float", "low": 2, "high": 1}
    epochs = {"kind": "int", "low": 0, "high": 3}
    assert _places_of({"train.epochs": epochs, "train.lookahead.alpha": wrong}, objective="val_loss") == [
        "space.train.lookahead.alpha",
        "objective",
        'space."train.epochs" = 0: train.epochs',
    ]
    assert _places_of({"data.validation": wrong}, trials="10") == [
        "space.data.validation",
        "trials",
        'space."data.validation"',
    ]
    assert _places_of(seed="x", recipe="digit") == ["seed", "recipe"]


def test_what_a_mistake_of_form_leaves_open_is_no_further_mistake() -> None:
    momentum = {**RATE, "when": {"train.optimizer": ["sgd"]}}
    space = {"train.optimizer": {"kind": "choice", "value": ["sgd"]}, "train.optimizer.momentum": momentum}
    assert _places_of(space) == ["space.train.optimizer.value"]
    assert _places_of(sampler="bayes", trials=None) == ["sampler"]
    assert _places_of(set=3) == ["set"]
    assert _places_of({"train.optimizer.momentum": momentum, "train.epoch": RATE}) == [
        "space.train.optimizer.momentum.when",
        'space."train.epoch" = 0.001: train.epoch',
    ]


def test_the_example_in_the_docs_is_right() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "searches.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    search = load_search({**read_toml(example, "docs/searches.md"), "name": "example"})
    assert search.space["train.optimizer.momentum"].when == {"train.optimizer": ("sgd",)}


def test_a_recipe_is_found_beside_the_search(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[train]\nepochs = 7\n", encoding="utf-8")
    text = make_search().to_toml().replace('recipe = "digits"', 'recipe = "mine.toml"')
    text = text.replace("epochs = 2\n", "").replace("width = 1\n", "")
    (tmp_path / "search.toml").write_text(text, encoding="utf-8")
    search = load_search(tmp_path / "search.toml")
    assert make_recipe(search, {}, seed=0).train.epochs == 7
    assert load_search(tmp_path) == search


def test_a_mistake_in_the_recipe_itself_is_shown_once() -> None:
    with pytest.raises(SearchError) as caught:
        make_search(set={"train": {"epochs": -1}})
    (mistake,) = caught.value.mistakes
    assert mistake.where == "train.epochs"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampler": "grid"}, "a grid goes through finite spaces"),
        (
            {"sampler": "grid", "space": {"train.epochs": {"kind": "int", "low": 1, "high": 3}}},
            "trials: got 4; allowed: 3, the whole grid",
        ),
        (
            {"recipe": "fashion-autoencoder", "set": {}},
            "objective: got 'accuracy'; allowed: loss, mean_squared_error: for reconstruction",
        ),
        (
            {
                "objective": "loss",
                "set": {"data": {"normalize": "unit"}, "train": {"label_smoothing": 0.0}},
                "space": {"model": {"kind": "choice", "values": ["mlp", "autoencoder"]}},
            },
            "they share no score",
        ),
    ],
)
def test_what_cannot_be_searched_is_said(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SearchError) as caught:
        make_search(**changes)
    assert message in str(caught.value)
