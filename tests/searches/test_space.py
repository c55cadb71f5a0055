from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loupe.searches import Search, parse_search
from loupe.searches.proposals import build_sampler
from loupe.searches.space import is_active, list_grid, make_recipe, order_space, suggest_settings
from loupe.searches.trials import order_grid

from .conftest import make_search


@st.composite
def spaces(draw: st.DrawFn, *, is_finite: bool = False) -> Search:
    """Draw spaces in which parameters depend on choices drawn before them."""
    space: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["choice", "int"] if is_finite else ["choice", "int", "float"]))
        low = draw(st.integers(1, 3))
        if kind == "choice":
            one: dict[str, Any] = {
                "kind": kind,
                "values": draw(st.permutations([1, "a", {"name": "b", "x": 2}])),
            }
        elif kind == "int":
            one = {"kind": kind, "low": low, "high": low + draw(st.integers(1, 3))}
        else:
            one = {"kind": kind, "low": low, "high": low + 2.5, "log": draw(st.booleans())}
        choices = [name for name, other in space.items() if other["kind"] == "choice"]
        if choices and draw(st.booleans()):
            one["when"] = {draw(st.sampled_from(choices)): draw(st.sampled_from([[1], ["a", "b"], ["b"]]))}
        space[f"field{number}"] = one
    order = draw(st.permutations(list(space)))
    return parse_search({"recipe": "digits", "trials": 1, "space": {name: space[name] for name in order}})


@given(spaces(), st.integers(0, 99), st.sampled_from(["random", "tpe"]))
def test_conditions_are_respected(search: Search, number: int, sampler: str) -> None:
    search = search.model_copy(update={"sampler": sampler})
    study = optuna.create_study(sampler=build_sampler(search, number))
    settings = suggest_settings(search, study.ask())
    for field, parameter in search.space.items():
        others = {name: value for name, value in settings.items() if name != field}
        assert (field in settings) == is_active(search, parameter, others)
        for other, values in parameter.when.items():
            if field in settings:
                names = {str(value) for value in values}
                assert str(settings[other]).split(",")[0] in names


@given(spaces(is_finite=True))
def test_a_grid_holds_every_combination_once(search: Search) -> None:
    grid = list_grid(search)
    assert len({tuple(sorted(one.items())) for one in grid}) == len(grid)
    study = optuna.create_study(sampler=build_sampler(search, 0))
    for _ in range(5):
        assert suggest_settings(search, study.ask()) in grid
    for settings in grid:
        study.enqueue_trial(settings)
        assert suggest_settings(search, study.ask()) == settings
    assert sorted(map(str, order_grid(search))) == sorted(map(str, grid))


@given(spaces())
def test_what_others_depend_on_comes_first(search: Search) -> None:
    seen: set[str] = set()
    for field, parameter in order_space(search):
        assert seen.issuperset(parameter.when)
        seen.add(field)
    assert seen == set(search.space)


def test_steps_end_where_they_say() -> None:
    space = {"train.label_smoothing": {"kind": "float", "low": 0.1, "high": 0.3, "step": 0.1}}
    search = make_search(space, sampler="grid", trials=None)
    assert [one["train.label_smoothing"] for one in list_grid(search)] == pytest.approx([0.1, 0.2, 0.3])


def test_settings_become_a_recipe() -> None:
    space = {
        "train.optimizer.learning_rate": {"kind": "float", "low": 0.1, "high": 0.5},
        "train.optimizer": {"kind": "choice", "values": [{"name": "sgd", "nesterov": True}, "adam"]},
        "data.mix": {"kind": "choice", "values": ["none", "mixup"]},
        "model": {"kind": "choice", "values": [{"name": "mlp", "widths": [8]}, {"width": 2}]},
    }
    search = make_search(space, seed=7)
    settings = {
        "train.optimizer.learning_rate": 0.25,
        "train.optimizer": "sgd",
        "data.mix": "mixup",
        "model": "width 2",
    }
    recipe = make_recipe(search, settings, seed=11)
    assert recipe.train.optimizer.settings["learning_rate"] == 0.25
    assert recipe.train.optimizer.settings["nesterov"] is True
    assert recipe.data.mix is not None
    assert (recipe.model.name, recipe.model.settings["width"]) == ("cnn", 2)
    assert (recipe.run.seed, recipe.split_seed, recipe.evaluate.test) == (11, 7, False)
    plain = make_recipe(search, {"data.mix": "none", "model": "mlp"}, seed=11, opens_test=None)
    assert (plain.data.mix, plain.model.name, plain.evaluate.test) == (None, "mlp", True)
