import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loupe.cli import main
from loupe.errors import LoupeError, SearchError
from loupe.recipe import parse_override, read_toml, set_value
from loupe.searches import Search, list_searches, parse_search, read_search_file
from loupe.searches.reading import flatten_space
from loupe.searches.schema import shorten_field

FORM = {
    "recipe": "digits",
    "trials": 5,
    "space": {"train.epochs": {"kind": "int", "low": 1, "high": 4}},
}


def parse(**changes: object) -> Search:
    return parse_search({**FORM, **changes})


@pytest.mark.parametrize("name", list_searches())
def test_packaged_searches_read_back_as_they_were_written(name: str, tmp_path: Path) -> None:
    search = parse_search(read_search_file(name))
    assert parse_search(read_toml(search.to_toml(), "")) == search
    (tmp_path / "search.toml").write_text(search.to_toml(), encoding="utf-8")
    assert parse_search(read_search_file(tmp_path)) == search


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"kind": "int", "low": 4, "high": 1}, "low below high"),
        ({"kind": "int", "low": 0.5, "high": 3}, "whole numbers, for an int"),
        ({"kind": "float", "low": 0.0, "high": 1.0, "log": True}, "low above 0"),
        ({"kind": "float", "low": 0.1}, "low and high"),
        ({"kind": "float", "low": 0.1, "high": 1, "values": [1]}, "no values"),
        ({"kind": "choice"}, "values and nothing of a range"),
        ({"kind": "choice", "values": [1, 2], "log": True}, "nothing of a range"),
        ({"kind": "choice", "values": [1, 1]}, "each value once"),
        ({"low": 1, "high": 2}, "a value is required"),
        ({"kind": "float", "lowest": 1, "high": 2}, "did you mean 'low'"),
        (
            {"kind": "int", "low": 1, "high": 2, "when": {"model": ["a"]}},
            "space.train.epochs.when: got 'model'; allowed: other choices of this space (there is none)",
        ),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(space: dict[str, object], message: str) -> None:
    with pytest.raises(SearchError) as caught:
        parse(space={"train.epochs": space})
    assert message in str(caught.value)


def test_all_mistakes_of_form_are_shown_together() -> None:
    with pytest.raises(SearchError) as caught:
        parse(sampler="annealing", trails=5, space={"train.epochs": {"kind": "int", "low": 3, "high": 1}})
    text = str(caught.value)
    assert "3 mistakes" in text
    assert "did you mean 'trials'" in text
    assert "'grid', 'random' or 'tpe'" in text


def test_a_search_needs_a_budget() -> None:
    with pytest.raises(SearchError, match="1 mistake") as caught:
        parse(trials=None)
    assert "trials: got no budget; allowed: trials, or minutes, or both" in str(caught.value)
    assert parse(trials=None, minutes=2).minutes == 2
    assert parse(trials=None, sampler="grid").trials is None


def test_conditions_name_values_and_go_in_no_circle() -> None:
    optimizer = {"kind": "choice", "values": ["adam", {"name": "sgd", "momentum": 0.9}]}
    rate = {"kind": "float", "low": 0.1, "high": 1, "when": {"train.optimizer": ["sgd"]}}
    assert parse(space={"train.optimizer": optimizer, "train.optimizer.learning_rate": rate})
    with pytest.raises(SearchError) as caught:
        parse(
            space={
                "train.optimizer": optimizer,
                "x": {**rate, "when": {"train.optimizer": ["adamw"]}},
                "y": {**rate, "when": {"train.optimiser": ["sgd"]}},
                "z": {**rate, "when": {"train.optimizer": []}},
            }
        )
    assert [str(mistake) for mistake in caught.value.mistakes] == [
        "space.x.when.train.optimizer: got 'adamw'; allowed: adam, sgd; did you mean 'adam'?",
        "space.y.when: got 'train.optimiser'; allowed: other choices of this space (train.optimizer); "
        "did you mean 'train.optimizer'?",
        "space.z.when.train.optimizer: got no value; allowed: adam, sgd",
    ]
    a = {"kind": "choice", "values": [1, 2], "when": {"b": [1]}}
    b = {"kind": "choice", "values": [1, 2], "when": {"a": [1]}}
    with pytest.raises(SearchError) as caught:
        parse(space={"a": a, "b": b})
    assert "space: got conditions in a circle (a, b); allowed: conditions without one" in str(caught.value)


def test_a_space_may_be_written_without_quotation_marks_and_changed_by_an_override() -> None:
    written = read_toml('[space.train.epochs]\nkind = "int"\nlow = 1\nhigh = 4', "")
    assert flatten_space(written["space"]) == FORM["space"]
    mapping = json.loads(json.dumps(FORM))
    set_value(mapping, *parse_override("space.train.epochs.high=7"))
    assert parse_search(mapping).space["train.epochs"].high == 7


def test_choices_are_told_apart_by_name() -> None:
    values = ["mlp", {"name": "cnn", "width": 2}, {"name": "cnn", "width": 4}, [8, 4], 0.5]
    names = parse(space={"model": {"kind": "choice", "values": values}}).space["model"].names
    assert names == ("mlp", "cnn, width 2", "cnn, width 4", "8-4", "0.5")


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), min_size=1, max_size=6))
def test_short_names_tell_fields_apart(parts: list[list[str]]) -> None:
    fields = list(dict.fromkeys(".".join(part) for part in parts))
    short = [shorten_field(field, fields) for field in fields]
    assert all(field.endswith(end) for field, end in zip(fields, short, strict=True))
    assert len(set(short)) == len(fields)


def test_an_unknown_search_is_named_with_its_neighbour() -> None:
    with pytest.raises(LoupeError) as caught:
        read_search_file("digit-search")
    assert caught.value.nearest == "digits-search"


def test_the_help_describes_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "sampler = tpe: How settings are chosen" in text
    assert 'space."FIELD".log = False: Look at a number\'s magnitude' in text
