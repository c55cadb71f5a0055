from pathlib import Path
from typing import Any

import pytest

from loupe.errors import LoupeError, StudyError
from loupe.studies.changes import apply_changes
from loupe.studies.loading import load_study
from loupe.studies.plan import make_plan

from .conftest import SMALL, make_study

FRACTIONS = {"fraction": {"field": "data.fraction", "values": [0.2, 0.5]}}


def test_arms_are_crossed_with_axes_and_seeds() -> None:
    plan = make_plan(make_study(arms={"a": {}, "b": {"train": {"label_smoothing": 0.1}}}, axes=FRACTIONS))
    assert [run.name for run in plan.runs] == [
        "a, fraction 0.2, seed 0",
        "a, fraction 0.2, seed 1",
        "b, fraction 0.2, seed 0",
        "b, fraction 0.2, seed 1",
        "a, fraction 0.5, seed 0",
        "a, fraction 0.5, seed 1",
        "b, fraction 0.5, seed 0",
        "b, fraction 0.5, seed 1",
    ]
    last = plan.runs[-1].recipe
    assert (last.data.fraction, last.train.label_smoothing, last.run.seed) == (0.5, 0.1, 1)
    assert (last.run.seeds, last.run.threads) == (None, 1)


def test_a_stage_is_run_once_for_all_that_start_from_it_and_only_if_something_does() -> None:
    plan = make_plan(
        make_study(
            stages={"first": {"recipe": "digits", "set": SMALL["set"]}, "unused": {"recipe": "digits"}},
            arms={"random": {}, "warm": {"transfer": {"run": "first", "head": "copied"}}},
            axes=FRACTIONS,
        )
    )
    assert [run.name for run in plan.runs[:2]] == ["first, seed 0", "first, seed 1"]
    warm = [run for run in plan.runs if run.arm == "warm"]
    assert [run.source.name for run in warm if run.source] == ["first, seed 0", "first, seed 1"] * 2
    assert len({id(run.source) for run in warm}) == 2
    assert warm[0].recipe.transfer is not None
    assert (warm[0].recipe.transfer.run, warm[0].recipe.transfer.head) == (None, "copied")
    assert not any(run.stage == "unused" for run in plan.runs)


def test_a_stage_follows_the_axes_it_names() -> None:
    stages = {"first": {"recipe": "digits", "axes": ["width"], "set": SMALL["set"]}}
    axes = {"width": {"field": "model.widths", "values": [[8], [16]]}, **FRACTIONS}
    plan = make_plan(make_study(stages=stages, axes=axes, arms={"warm": {"transfer": "first"}}, seeds=[0]))
    stage_runs = [run for run in plan.runs if run.stage]
    assert [run.name for run in stage_runs] == ["first, width 8, seed 0", "first, width 16, seed 0"]
    assert [run.recipe.model.settings["widths"] for run in stage_runs] == [[8], [16]]
    assert all(run.source is not None and run.source.at["width"] == run.at["width"] for run in plan.runs[2:])


def test_what_is_left_out_is_said_with_its_reason() -> None:
    skip = [{"arm": ["b"], "at": {"fraction": [0.2]}, "why": "it is too small"}]
    plan = make_plan(make_study(arms={"a": {}, "b": {"train": {"epochs": 3}}}, axes=FRACTIONS, skip=skip))
    assert plan.skipped == (("b, fraction 0.2", "it is too small"),)
    assert not any(run.arm == "b" and run.at["fraction"] == "0.2" for run in plan.runs)


def test_a_study_of_which_nothing_is_left_is_refused() -> None:
    with pytest.raises(LoupeError, match="has no run left"):
        make_plan(make_study(skip=[{"arm": ["recipe"], "why": "no"}]))


def test_mistakes_of_all_recipes_are_shown_once_each() -> None:
    """J1: combinations that cannot be run must not vanish silently."""
    with pytest.raises(StudyError) as caught:
        make_plan(
            make_study(
                arms={"a": {"train": {"epoch": 3}}, "b": {"model": {"name": "cn"}}},
                axes=FRACTIONS,
                stages={"s": {"recipe": "digts"}},
            )
        )
    assert [(mistake.where, mistake.nearest) for mistake in caught.value.mistakes] == [
        ("arm a, fraction 0.2 (and 1 more): train.epoch", "epochs"),
        ("arm b, fraction 0.2 (and 1 more): model.name", "cnn"),
    ]


def _places_of(**changes: Any) -> list[str]:
    with pytest.raises(StudyError) as caught:
        make_plan(make_study(**changes))
    return [mistake.where for mistake in caught.value.mistakes]


def test_mistakes_of_form_do_not_hide_those_of_recipes_and_names() -> None:
    arms = {"a": {"train.optimizer": "SGD"}, "b": {}}
    at = "arm a: train.optimizer.name"
    assert _places_of(seeds=3, arms=arms) == ["seeds", at]
    assert _places_of(reference="low", arms=arms) == ["reference", at]
    assert _places_of(margin="half", reference="low", compare="f1", arms={"a": {}, "b": {}}) == [
        "margin",
        "reference",
        "compare",
    ]
    assert _places_of(arms={**arms, "c": 3}) == ["arms.c", at]
    assert _places_of(seeds=[0, 0], recipe="digit", arm={}) == ["seeds", "arm", "recipe"]


@pytest.mark.parametrize(
    "lost",
    [
        {"axes": {"x": {"field": "model.name", "values": "mlp"}}},
        {"set": 3},
        {"sets": {"model.name": "cnn"}},
        {"folds": 1, "skip": [{"at": {"fold": [2]}, "why": "slow"}]},
        {"stages": {"first": {}}},
    ],
)
def test_what_a_mistake_of_form_leaves_open_is_no_further_mistake(lost: dict[str, Any]) -> None:
    """An arm may be right only because of what an axis, or the changes for every run, would have done."""
    arms = {"wide": {"model": {"width": 3}, "transfer": {"run": "first"}}}
    assert len(_places_of(**{"arms": arms, "set": {}, **lost})) == 1
    assert _places_of(**{"arms": arms, "set": {}, "compare": "f1", **lost})[-1] == "compare"


def test_a_name_of_what_could_not_be_read_is_not_unknown() -> None:
    skip = [{"arm": ["a"], "at": {"x": [1]}, "why": "slow"}]
    assert _places_of(reference="a", arms={"a": 3, "b": {}}) == ["arms.a"]
    assert _places_of(reference="a", arms=3, skip=skip, axes={"x": 1}) == ["arms", "axes.x"]


@pytest.mark.parametrize(
    "changes",
    [
        {"set": {"run": {"seed": 3}}},
        {"arms": {"a": {"run.seeds": [1, 2]}}},
        {"axes": {"s": {"field": "run.seed", "values": [1, 2]}}},
        {"arms": {"a": {"run": {"folder": "elsewhere"}}}},
        {"arms": {"a": {"run": {"threads": 2}}}},
    ],
)
def test_what_a_study_decides_itself_cannot_be_changed_by_an_arm(changes: dict[str, Any]) -> None:
    with pytest.raises(StudyError, match=r"run\.(seeds?|folder|threads): got .*; allowed: "):
        make_plan(make_study(**changes))


def test_a_stage_that_does_not_exist_or_starts_from_itself_is_refused() -> None:
    circle = {"recipe": "digits", "set": {"transfer": {"run": "b"}}}
    stages = {"a": circle, "b": {"recipe": "digits", "set": {"transfer": {"run": "a"}}}}
    with pytest.raises(StudyError, match=r"transfer.run: got a → b → a"):
        make_plan(make_study(stages=stages, arms={"warm": {"transfer": {"run": "a"}}}))
    with pytest.raises(StudyError, match="There is no run 'nowhere'"):
        make_plan(make_study(arms={"warm": {"transfer": {"run": "nowhere"}}}))


def test_mistakes_in_how_a_stage_is_copied_are_found_before_it_runs() -> None:
    stages = {"first": {"recipe": "digits"}}
    for transfer, where in (({"head": "old"}, ": transfer.head"), ({"freeze": ["conv9"]}, "")):
        arms = {"warm": {"transfer": {"run": "first", **transfer}}}
        with pytest.raises(StudyError) as caught:
            make_plan(make_study(stages=stages, arms=arms))
        assert caught.value.mistakes[0].where == f"arm warm{where}"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"train": {"epochs": 3}}, {"epochs": 3, "optimizer": {"name": "adam", "learning_rate": 0.1}}),
        ({"train.epochs": 3}, {"epochs": 3, "optimizer": {"name": "adam", "learning_rate": 0.1}}),
        (
            {"train": {"optimizer": {"learning_rate": 0.2}}},
            {"epochs": 9, "optimizer": {"name": "adam", "learning_rate": 0.2}},
        ),
        ({"train": {"optimizer": {"name": "sgd"}}}, {"epochs": 9, "optimizer": {"name": "sgd"}}),
        ({"train": {"optimizer": "sgd"}}, {"epochs": 9, "optimizer": "sgd"}),
        ({"train": {"optimizer": "none"}}, {"epochs": 9}),
    ],
)
def test_a_table_is_merged_and_one_with_a_name_replaces(changes: dict[str, Any], expected: Any) -> None:
    mapping = {"train": {"epochs": 9, "optimizer": {"name": "adam", "learning_rate": 0.1}}}
    apply_changes(mapping, changes)
    assert mapping["train"] == expected


def test_a_recipe_file_is_found_beside_its_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "net.toml").write_text('model = "mlp"\n')
    (tmp_path / "mine" / "study.toml").write_text('recipe = "net.toml"\nseeds = [0]\n')
    monkeypatch.chdir(tmp_path)
    study = load_study("mine/study.toml")
    assert study.recipe == str(tmp_path / "mine" / "net.toml")
    assert make_plan(study).runs[0].recipe.model.name == "mlp"
    assert load_study("mine") == study
