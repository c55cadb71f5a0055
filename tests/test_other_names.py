"""What other tools call things: each name given for it is one that Loupe has."""

import re

import pytest
from cyclopts import App

import loupe.cli  # noqa: F401  # its verbs
from loupe.cli.app import app
from loupe.errors import suggest
from loupe.other_names import FIELDS, OPTIONS, PARTS, VERBS, find_surely, translate, translate_verb
from loupe.parts import KINDS
from loupe.recipe import parse_override
from loupe.recipe.field_names import find_field, list_tables, write_change
from loupe.searches.schema import Search
from loupe.studies.schema import Study


def _list_options(of: App) -> set[str]:
    found: set[str] = set()
    for name in of:
        if not name.startswith("-"):
            arguments = of[name].assemble_argument_collection() if of[name].default_command else ()
            found |= {one.name.lstrip("-") for one in arguments} | _list_options(of[name])
    return found


def test_every_field_is_one_of_a_recipe_study_or_search() -> None:
    own = {*Study.model_fields, *Search.model_fields}
    assert [
        name for name in FIELDS if name not in own and find_field(name) is None and name != "weights"
    ] == []
    assert "weights" in list_tables()["transfer"].model_fields


def test_every_part_is_registered() -> None:
    registered = {name for kind in KINDS.values() for name in kind.registry.names()}
    assert [name for name in PARTS if name not in registered] == []


def test_every_option_and_verb_is_one() -> None:
    options = _list_options(app) | {name for kind in KINDS.values() for name in kind.registry.names()}
    assert [name for name in OPTIONS if name not in options | {"docx", "latex", "markdown"}] == []
    assert [name for name in VERBS if name not in set(app)] == []


@pytest.mark.parametrize("table", [FIELDS, OPTIONS, PARTS])
def test_every_name_of_another_tool_is_found(table: dict[str, str]) -> None:
    for here, others in table.items():
        for other in others.split():
            assert translate(other, [here, "zebra"]) == here
            assert find_surely(other.replace("_", "-"), [here]) == here
            assert suggest(other.upper(), [here]) == here


def test_verbs_of_other_tools_are_found() -> None:
    assert {other: here for here, others in VERBS.items() for other in others.split()} == {
        other: translate_verb(other) for others in VERBS.values() for other in others.split()
    }


@pytest.mark.parametrize(("word", "unlike"), [("transform", "transfer"), ("infer", "transfer")])
def test_a_word_that_means_something_else_is_not_like_a_name(word: str, unlike: str) -> None:
    assert suggest(word, [unlike]) is None
    assert find_surely(word, [unlike]) is None


def test_every_change_that_is_suggested_can_be_read() -> None:
    for place, table in list_tables().items():
        for field in table.model_fields:
            change = write_change(f"{place}.{field}".lstrip("."), "")
            parts = re.findall(r"(\S+?)=(\[.*?\]|\S+)", change) if change else []
            for name, value in parts:
                assert parse_override(f"{name}={value.replace('VALUE', '1')}")[0].startswith(place)
            assert all(name not in list_tables() or "." not in name for name, _ in parts), "a table"
