"""Recipes and runs: what a rule of them finds, and that packaged recipes are sound."""

import json
from pathlib import Path
from typing import Any

import pytest

from loupe.cli import main
from loupe.linting import RULES, Record, lint_record
from loupe.recipe import list_recipes, parse_recipe, read_recipe_file

LINES: dict[str, dict[str, Any]] = {
    "recipe-wrong-std": {"data": {"name": "cifar10", "normalize": "cifar10-per-image-sd"}},
    "recipe-running-accuracy": {"data": {"mix": "mixup"}, "train": {"clean_train_images": 0}},
    "recipe-test-every-epoch": {"evaluate": {"show_test_picking": True}},
    "recipe-few-validation-images": {"data": {"validation": 20}},
    "recipe-borrowed-and-frozen": {"transfer": {"run": "other", "freeze": "all"}},
}
RESULTS: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "run-unfinished": ({"status": "interrupted"}, []),
    "run-tested-often": ({"status": "finished", "test_openings": [{}, {}]}, []),
    "run-learned-nothing": (
        {
            "status": "finished",
            "best": {
                "validation": {
                    "accuracy": 0.52,
                    "interval": {"low": 0.4, "high": 0.6},
                    "per_class": [{"num_images": 50}, {"num_images": 50}],
                }
            },
        },
        [],
    ),
    "run-diverged": ({"status": "finished"}, [{"train_loss": 1.0}, {"train_loss": 5.0}, {"train_loss": 9.0}]),
}


@pytest.mark.parametrize("rule", LINES)
def test_mistakes_in_recipes(rule: str) -> None:
    recipe = parse_recipe({"name": "own", **LINES[rule]})
    (found,) = lint_record(Record("own", recipe))
    assert found.rule == rule
    assert found.place == f"own: {found.where}"


def test_the_wrong_deviation_as_numbers() -> None:
    table = {"mean": [0.4914, 0.4822, 0.4465], "std": [0.2023, 0.1994, 0.201]}
    recipe = parse_recipe({"name": "own", "data": {"name": "cifar10", "normalize": table}})
    assert [one.rule for one in lint_record(Record("own", recipe))] == ["recipe-wrong-std"]


@pytest.mark.parametrize("rule", RESULTS)
def test_mistakes_in_runs(rule: str) -> None:
    result, history = RESULTS[rule]
    (found,) = lint_record(Record("runs/own", parse_recipe({"name": "own"}), result, history))
    assert found.rule == rule


def test_a_run_that_was_killed_has_no_result_and_is_unfinished() -> None:
    recipe = parse_recipe({"name": "own"})
    (found,) = lint_record(Record("runs/own", recipe, is_run=True))
    assert (found.rule, found.where) == ("run-unfinished", "result.json")
    assert not lint_record(Record("own", recipe))


def test_every_rule_of_recipes_and_runs_is_tried() -> None:
    tried = {*LINES, *RESULTS, "study-one-seed", "search-one-seed"}
    assert tried == {name for name in RULES if RULES.facts(name)["reads"] == "recipes and runs"}


def test_a_study_of_one_seed() -> None:
    (found,) = lint_record(Record("own", parse_recipe({"name": "own"}), num_seeds=1))
    assert (found.rule, found.where) == ("study-one-seed", "seeds")
    assert not lint_record(Record("own", parse_recipe({"name": "own"}), num_seeds=2))


def test_mistakes_of_studies_are_said_once_with_their_arm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "own.toml"
    arms = "[arms.many]\n[arms.few]\ndata.validation = 20\n[arms.fewer]\ndata.validation = 10\n"
    study.write_text(f'recipe = "digits"\nseeds = [0]\n{arms}', encoding="utf-8")
    assert main(["lint", str(study)]) == 1
    said = capsys.readouterr().out.replace("\n", " ")
    assert said.count("study-one-seed (") == 1
    assert said.count("recipe-few-validation-images (") == 1
    assert "few: data.validation" in said
    study.write_text('recipe = "digits"\nseeds = [0, 1]\n[arms.one]\n[arms.two]\nmodel.width = 1\n')
    assert main(["lint", str(study)]) == 0
    assert main(["lint", "learning-curve"]) == 0


def test_a_search_is_read_as_a_search(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It was read as a study, whose fields it does not have."""
    search = tmp_path / "own.toml"
    space = '[space."data.augment"]\nkind = "choice"\nvalues = [["padded-crop"], []]\n'
    sides = "[set]\ndata.validation = 20\n"
    search.write_text(f'recipe = "digits"\ntrials = 20\nfresh_seeds = 1\n{sides}{space}', encoding="utf-8")
    assert main(["lint", str(search)]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("search-one-seed (") == 1
    assert said.count("recipe-few-validation-images (") == 1
    search.write_text(f'recipe = "digits"\ntrials = 20\n{space}', encoding="utf-8")
    capsys.readouterr()
    assert main(["lint", str(search)]) == 0
    search.write_text(f'recipe = "digits"\n{space}[space."train.epocs"]\nkind = "int"\nlow = 1\nhigh = 2\n')
    assert main(["lint", str(search)]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("Search 'own' has 1 mistake") or "trials" in said, said
    assert main(["lint", "digits-search"]) == 0


@pytest.mark.parametrize(
    ("text", "kind"),
    [('task = "Train."\nrecipe = "digits"', "an exercise"), ("studies = []", "a reproduction")],
)
def test_kinds_of_files_that_are_not_read_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, kind: str
) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text, encoding="utf-8")
    assert main(["lint", str(file)]) == 1
    said = capsys.readouterr().err
    assert f"is {kind}, which `loupe lint` does not read." in said
    assert "allowed: recipes, studies, searches, run folders" in " ".join(said.split())


def test_a_rule_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "--explain", "squashed-logits"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert str(RULES.facts("squashed-logits")["why"]) in said
    assert "loupe pitfalls squashed-logits" in said
    assert main(["lint", "--explain", "squashed-logit"]) != 0
    assert "squashed-logits" in capsys.readouterr().err


def test_packaged_recipes_have_no_mistake() -> None:
    for name in list_recipes():
        assert lint_record(Record(name, parse_recipe(read_recipe_file(name)))) == []


def test_a_run_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        main(["train", "digits", "train.epochs=1", "data.validation=30", "evaluate.look_inside=false"]) == 0
    )
    (run,) = (tmp_path / "runs").iterdir()
    capsys.readouterr()
    assert main(["lint", f"runs/{run.name}", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert "recipe-few-validation-images" in {one["rule"] for one in found}
    assert main(["lint", run.name]) == 1  # by its name in runs/
    assert main(["lint", "digits"]) == 0
    assert main(["lint", "digitz"]) == 1
    assert "did you mean: digits" in capsys.readouterr().err


def test_a_recipe_that_cannot_run_is_no_recipe_without_mistakes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "wrong.toml"
    recipe.write_text('[model]\nname = "cnn"\nconv_layers = 3\n[evaluate]\nlooks = ["defalt"]\n')
    assert main(["lint", str(recipe)]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "model.conv_layers: got 3; allowed: 1, 2 or 4" in said
    assert "did you mean 'default'?" in said
