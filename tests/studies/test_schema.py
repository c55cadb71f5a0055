import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loupe.errors import StudyError, UnknownNameError
from loupe.recipe import read_toml
from loupe.reproductions.references import find_unknown_claims
from loupe.reproductions.schema import Reproduction
from loupe.studies import Axis, list_studies, parse_study, read_study_file
from loupe.studies.schema import name_value

MINIMAL: dict[str, Any] = {"recipe": "digits"}


def mistakes_of(**fields: Any) -> list[str]:
    with pytest.raises(StudyError) as caught:
        parse_study({**MINIMAL, **fields})
    return [str(mistake) for mistake in caught.value.mistakes]


def test_the_smallest_study_is_three_seeds_of_a_recipe() -> None:
    study = parse_study(MINIMAL)
    assert study.seeds == (0, 1, 2)
    assert list(study.arms) == ["recipe"]
    assert study.reference_arm == "recipe"


def test_every_packaged_study_reads_back_as_itself() -> None:
    for name in list_studies():
        study = parse_study(read_study_file(name))
        assert parse_study(read_toml(study.to_toml(), name)) == study
        assert study.about
        assert study.question.endswith("?")


def test_all_mistakes_are_shown_at_once() -> None:
    assert mistakes_of(seeds=[0, 0], armss={}, threads=0) == [
        "seeds: got [0, 0]; allowed: each value once",
        "threads: got 0; allowed: a whole number ≥ 1",
        "armss: got an unknown field; allowed: about, arms, axes, compare, confidence, fit, folds, margin, "
        "name, question, recipe, reference, seeds, set, skip, stages, threads; did you mean 'arms'?",
    ]


@pytest.mark.parametrize(
    ("axis", "allowed"),
    [
        ({"field": "data.fraction"}, "a field with its values, or cases"),
        ({"values": [1, 2]}, "a field with its values, or cases"),
        ({"field": "a", "values": [1], "cases": {"x": {}}}, "a field with its values, or cases"),
    ],
)
def test_an_axis_is_values_or_cases(axis: dict[str, Any], allowed: str) -> None:
    (mistake,) = mistakes_of(axes={"x": axis})
    assert mistake.startswith("axes.x: got ")
    assert mistake.endswith(f"allowed: {allowed}")


@pytest.mark.parametrize("name", ["a/b", "back\\slash", "at@home", "", "x" * 61])
def test_a_name_that_cannot_stand_is_told_what_can(name: str) -> None:
    (mistake,) = mistakes_of(arms={name: {}})
    assert mistake.startswith("arms." + (name if name == "x" * 61 else json.dumps(name)) + ": got ")
    assert mistake.endswith("allowed: a name of 1 to 60 characters, without /, \\ and @")


def test_a_study_does_not_lie_where_the_runs_do() -> None:
    (mistake,) = mistakes_of(name="runs")
    assert mistake.endswith("another name than runs: the studies' runs lie in the folder of that name")


def test_names_may_be_of_any_language() -> None:
    assert list(parse_study({**MINIMAL, "arms": {"ohne Glättung": {}, "平滑": {}}}).arms) == [
        "ohne Glättung",
        "平滑",
    ]


def test_a_field_of_an_axis_has_a_suggestion() -> None:
    (unknown, *_) = mistakes_of(axes={"x": {"field": "data.fraction", "values": [0.1], "lable": "x"}})
    assert unknown == (
        "axes.x.lable: got an unknown field; allowed: cases, field, label, values; did you mean 'label'?"
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"reference": "wide", "arms": {"wider": {}}},
            "reference: got 'wide'; allowed: wider; did you mean 'wider'?",
        ),
        (
            {"stages": {"a b": {"recipe": "digits", "axes": ["y"]}}},
            "stages.\"a b\".axes: got 'y'; allowed: none: there are no axes",
        ),
        ({"skip": [{"arm": ["b"], "why": "x"}]}, "skip.0.arm: got 'b'; allowed: recipe"),
        (
            {"skip": [{"at": {"y": [1]}, "why": "x"}]},
            "skip.0.at: got 'y'; allowed: none: there are no axes",
        ),
        (
            {
                "axes": {"x": {"field": "data.fraction", "values": [0.1, 0.2]}},
                "skip": [{"at": {"x": [0.3]}, "why": "x"}],
            },
            "skip.0.at.x: got 0.3; allowed: 0.1, 0.2",
        ),
        (
            {"fit": "power-law"},
            "fit: got 'power-law'; allowed: a fit where an axis has ascending numbers",
        ),
    ],
)
def test_a_name_that_nothing_bears_is_told_those_there_are(fields: dict[str, Any], expected: str) -> None:
    (mistake,) = mistakes_of(**fields)
    assert mistake.startswith(expected)


def test_unknown_names_are_shown_at_once() -> None:
    assert len(mistakes_of(reference="b", fit="power-law", skip=[{"arm": ["c", "d"], "why": "x"}])) == 4


def test_an_unknown_study_is_met_with_a_suggestion() -> None:
    with pytest.raises(UnknownNameError) as caught:
        read_study_file("fashion-transfr")
    assert caught.value.nearest == "fashion-transfer"
    assert caught.value.next_step == "`loupe studies` says more; a path to a .toml file works too"


@given(st.lists(st.one_of(st.integers(-5, 5), st.floats(-5, 5), st.booleans()), min_size=1, unique=True))
def test_only_ascending_numbers_make_a_horizontal_axis(values: list[Any]) -> None:
    numbers = Axis(field="data.fraction", values=tuple(values)).numbers
    is_plain = not any(isinstance(value, bool) for value in values)
    assert (numbers is not None) == (is_plain and values == sorted(values))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (0.05, "0.05"),
        (1.0, "1"),
        (16, "16"),
        (True, "True"),
        ([128, 32, 10], "128-32-10"),
        ({"name": "sgd", "learning_rate": 0.1}, "sgd"),
        ("cosine", "cosine"),
    ],
)
def test_values_have_short_names(value: object, name: str) -> None:
    assert name_value(value) == name


CLAIMS: dict[str, Any] = {
    "name": "mine",
    "title": "A report",
    "studies": ["s"],
    "quick": {"t": {}},
    "winners": [{"row": "1", "what": "w", "study": "s", "published": "widest"}],
    "effects": [
        {"row": "2", "what": "e", "study": "s", "arm": "wide", "reference": "slim", "published": "better"}
    ],
    "numbers": [
        {"row": "3", "what": "n", "study": "s", "published": {"test_loss": 0.1}},
        {"row": "4", "what": "n", "study": "z", "published": {}},
        {"row": "5", "what": "n", "study": "s", "arm": "wide", "at": {"x": "7", "y": "1"}, "published": {}},
        {"row": "6", "what": "n", "study": "s", "stage": "first", "at": {"x": "0.1"}, "published": {}},
        {"row": "7", "what": "n", "study": "s", "arm": "wide", "at": {"x": "0.1"}, "published": {}},
    ],
}


def test_claims_are_about_what_the_studies_hold() -> None:
    study = parse_study(
        {
            **MINIMAL,
            "arms": {"wide": {}, "narrow": {}},
            "axes": {"x": {"field": "data.fraction", "values": [0.1, 0.2]}},
            "stages": {"first": {"recipe": "digits"}},
        }
    )
    unknown = find_unknown_claims(Reproduction.model_validate(CLAIMS), {"s": study})
    assert [str(mistake) for mistake in unknown] == [
        "quick: got 't'; allowed: s",
        "winners.0.published: got 'widest'; allowed: wide, narrow; did you mean 'wide'?",
        "effects.0.reference: got 'slim'; allowed: wide, narrow",
        "numbers.0.arm: got ''; allowed: wide, narrow",
        "numbers.1.study: got 'z'; allowed: s",
        "numbers.2.at: got 'y'; allowed: x",
        "numbers.2.at.x: got '7'; allowed: 0.1, 0.2",
        "numbers.3.at: got 'x'; allowed: none: there are no axes",
    ]
