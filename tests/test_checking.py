import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loupe.checking import write_value
from loupe.errors import DescriptionError
from loupe.recipe import find_form_mistakes
from loupe.searches import parse_search
from loupe.studies import Study, parse_study

SEARCH = {"recipe": "digits", "trials": 5}


def mistakes_of(parse: Any, mapping: dict[str, Any]) -> list[str]:
    with pytest.raises(DescriptionError) as caught:
        parse(mapping)
    return [str(one) for one in caught.value.mistakes]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"seeds": 3}, "seeds: got 3; allowed: a list in brackets, such as [0, 1, 2]"),
        (
            {"axes": {"x": {"field": "train.epochs", "values": 5}}},
            "axes.x.values: got 5; allowed: a list in brackets, such as [5]",
        ),
        ({"arms": [{"name": "a"}]}, "arms: got [{name = 'a'}]; allowed: a table for each name: [arms.NAME]"),
        ({"set": [{"a": 1}]}, "set: got [{a = 1}]; allowed: a table of fields; its heading is [set]"),
        (
            {"axes": {"x": [{"field": "a"}]}},
            "axes.x: got [{field = 'a'}]; allowed: a table of fields: cases, field, label, values; "
            "its heading is [axes.x]",
        ),
        ({"skip": {"why": "x"}}, "skip: got {why = 'x'}; allowed: a list of tables: [[skip]]"),
        (
            {"epochs": 3},
            f"epochs: got an unknown field; allowed: {', '.join(sorted(Study.model_fields))}; "
            "did you mean 'set.train.epochs'?",
        ),
        ({"arms": {"a": True}}, "arms.a: got true; allowed: a table of fields"),
    ],
)
def test_tables_and_lists_are_told_as_toml_writes_them(fields: dict[str, Any], told: str) -> None:
    assert mistakes_of(parse_study, {"recipe": "digits", **fields}) == [told]


def test_what_is_told_of_recipes_and_searches() -> None:
    for place in ("transfer", "train.early_stopping", "data.fold"):
        section, _, name = place.partition(".")
        wrong = [{"x": 1}]
        (mistake,) = find_form_mistakes({section: {name: wrong} if name else wrong})
        assert mistake.allowed.startswith("a table of fields: ")
        assert mistake.allowed.endswith(f"; its heading is [{place}]")
    (mistake,) = find_form_mistakes({"run": {"seeds": 3}})
    assert str(mistake) == "run.seeds: got 3; allowed: a list in brackets, such as [0, 1, 2]"
    assert mistakes_of(parse_search, {**SEARCH, "space": [{"kind": "int"}]}) == [
        "space: got [{kind = 'int'}]; allowed: a table for each name: [space.NAME]"
    ]


@given(
    st.recursive(
        st.booleans() | st.integers(-9, 9) | st.text("ab c\"'\\\n", max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("ab é.'", min_size=1), inner, max_size=3)
        ),
    )
)
def test_a_value_is_written_as_toml_reads_it(value: Any) -> None:
    assert tomllib.loads(f"value = {write_value(value)}") == {"value": value}
