"""What a study answers where arms are the same runs, or runs are not there."""

from dataclasses import replace
from typing import Any

import pytest

from loupe.statistics import Interval
from loupe.statistics.conclusions import Difference
from loupe.studies.analysis import analyse_study
from loupe.studies.answer import answer_question

from .arms import SIZES, copy_rows, make_row, make_rows, make_study


def test_a_reference_without_a_finished_run_is_told_alone() -> None:
    study = make_study(arms={"a": {}, "b": {}, "c": {}}, reference="a")
    rows = [make_row("a", 0, None), *make_rows("b", [0.9, 0.91]), *make_rows("c", [0.8, 0.81])]
    answer = answer_question(analyse_study(study, rows))
    assert answer == "a, which the others are compared with, has no finished run."


def test_arms_that_are_the_same_runs_are_named_and_differ_by_nothing() -> None:
    """Else "cannot be told from the other" would be taken for a finding."""
    rows = make_rows("a", [0.9, 0.91, 0.92])
    analysis = analyse_study(make_study(arms={"a": {}, "b": {}}), [*rows, *copy_rows(rows, "b")])
    answer = answer_question(analysis)
    assert "practically the same, within 0.50 points: b. " in answer
    assert answer.endswith("a and b are the same runs, whatever they change.")
    difference = analysis.overall["b"]
    assert (difference.mean, difference.interval, difference.p_value) == (0.0, Interval(0.0, 0.0), 1.0)


def test_arms_whose_runs_came_out_the_same_are_named_and_nothing_is_claimed_of_other_seeds() -> None:
    """What never came into play in these runs, such as stopping early, may in others."""
    rows = make_rows("a", [0.9, 0.91, 0.92])
    others = [replace(row, key=f"of b {row.seed}") for row in copy_rows(rows, "b")]
    answer = answer_question(analyse_study(make_study(arms={"a": {}, "b": {}}), [*rows, *others]))
    assert "these runs cannot tell of b. " in answer
    assert answer.endswith(
        "a and b came out the same to the last digit in every run: what sets them apart did nothing."
    )


@pytest.mark.parametrize("original", ["a", "c"])
@pytest.mark.parametrize("axes", [{}, {"size": SIZES}])
def test_copies_of_an_arm_change_nothing_of_what_is_said_of_others(
    original: str, axes: dict[str, Any]
) -> None:
    places = [{"size": str(size)} for size in SIZES["values"]] if axes else [{}]
    values = {"a": [0.90, 0.93, 0.91], "b": [0.95, 0.93, 0.96], "c": [0.89, 0.92, 0.90]}
    rows = [
        make_row(arm, seed, value + 0.01 * place, at=at)
        for arm, of_arm in values.items()
        for seed, value in enumerate(of_arm)
        for place, at in enumerate(places)
    ]
    copied = [row for row in rows if row.arm == original]
    names = [f"copy {number}" for number in range(6)]
    more = [row for name in names for row in copy_rows(copied, name)]
    arms: dict[str, Any] = {arm: {} for arm in values}
    alone = analyse_study(make_study(arms=arms, axes=axes, reference="a"), rows)
    study = make_study(arms=arms | {name: {} for name in names}, axes=axes, reference="a")
    crowded = analyse_study(study, [*rows, *more])
    assert {arm: crowded.overall[arm] for arm in alone.overall} == dict(alone.overall)
    assert crowded.effects == alone.effects
    assert crowded.cells[: len(alone.cells)] == alone.cells
    assert len(crowded.cells) == len(alone.cells) * 3
    if original == "c":
        assert crowded.overall["copy 3"] == alone.overall["c"]
    else:
        assert crowded.overall["copy 3"].conclusion == "practically none"


def test_where_test_images_are_lacking_for_some_arms_and_seeds_for_others_each_is_said() -> None:
    def needs(seeds: int) -> Difference:
        return Difference(0.01, Interval(-0.01, 0.03), 0.3, 3, 500, "cannot tell", seeds)

    study = make_study(arms={arm: {} for arm in "abcd"}, reference="a")
    analysis = analyse_study(study, [row for arm in "abcd" for row in make_rows(arm, [0.9, 0.91, 0.92])])

    def tell(**needed: int) -> str:
        return answer_question(replace(analysis, overall={arm: needs(one) for arm, one in needed.items()}))

    these = " show differences as large as these"
    assert tell(b=8, c=12, d=0).endswith(
        f"; about 8 to 12 seeds an arm would{these}; of d no number of seeds would, but more test images."
    )
    assert tell(b=0, c=0).endswith("others; no number of seeds would, but more test images.")
    assert tell(b=8, c=8).endswith(f"others; about 8 seeds an arm would{these}.")
    assert tell(b=8, c=2000).endswith(f"others; about 8 to more than 1,000 seeds an arm would{these}.")


def test_an_arm_that_stands_alone_so_far_is_told_alone() -> None:
    study = make_study(arms={"a": {}, "b": {}})
    answer = answer_question(analyse_study(study, make_rows("a", [0.97, 0.98, 0.99])))
    assert answer == "a has a mean test accuracy of 98.00 % (95 % interval 95.04 to 100.00 %, 3 seeds)."


def test_failed_runs_are_left_out_and_counted() -> None:
    study = make_study(arms={"a": {}, "b": {}})
    rows = [*make_rows("a", [0.9, 0.91, 0.92]), *(make_row("b", seed, None) for seed in range(3))]
    analysis = analyse_study(study, rows)
    assert len(analysis.failed) == 3
    assert [cell.arm for cell in analysis.cells] == ["a"]
    assert answer_question(analyse_study(study, [])) == "There is no answer yet: no run has finished."


def test_an_arm_with_fewer_finished_seeds_is_not_chosen() -> None:
    """Its mean may be that of the one seed that went well."""
    study = make_study(arms={"a": {}, "b": {}})
    rows = [*make_rows("a", [0.9, 0.91, 0.92]), make_row("b", 0, 0.99), make_row("b", 1, None)]
    chosen = analyse_study(study, rows).chosen
    assert chosen is not None
    assert chosen.arm == "a"


def test_arms_that_tie_on_validation_are_all_named() -> None:
    study = make_study(arms={"a": {}, "b": {}, "c": {}, "d": {}})
    rows = [
        *make_rows("a", [0.900, 0.902], validation=0.98),
        *make_rows("b", [0.901, 0.903], validation=0.99),
        *make_rows("c", [0.901, 0.904], validation=0.97),
    ]
    alone = analyse_study(study, rows)
    assert answer_question(alone).startswith("b is best on validation, with a mean")
    two = analyse_study(study, [*rows, *make_rows("d", [0.7, 0.71], validation=0.99)])
    assert [cell.arm for cell in two.best] == ["b", "d"]
    assert two.reference == "b"
    assert answer_question(two).startswith("b is best on validation (as d is), with a mean")
    loss = make_study(arms={"a": {}, "b": {}, "c": {}, "d": {}}, compare="loss")
    assert {cell.arm for cell in analyse_study(loss, rows).best} == {"a", "b", "c"}, "losses are the same"


def test_an_arm_that_is_another_is_no_tie() -> None:
    study = make_study(arms={"a": {}, "b": {}, "c": {}})
    rows = make_rows("a", [0.900, 0.902])
    analysis = analyse_study(study, [*rows, *copy_rows(rows, "b"), *make_rows("c", [0.8, 0.81])])
    assert [cell.arm for cell in analysis.best] == ["a"]
