"""Answers to made-up rows whose statistics are known; every wording is read here as a user reads it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from loupe.statistics import Interval
from loupe.statistics.conclusions import Difference
from loupe.statistics.many_arms import Family, ImageChance, RawDifference, judge_family
from loupe.studies.analysis import analyse_study
from loupe.studies.answer import PREDICTED_MEAN, answer_question

from .arms import AXIS, SIZES, make_row, make_rows, make_study


def test_one_arm_is_told_with_its_interval() -> None:
    study = make_study(arms={"plain": {}})
    answer = answer_question(analyse_study(study, make_rows("plain", [0.97, 0.98, 0.99])))
    assert answer == ("plain has a mean test accuracy of 98.00 % (95 % interval 95.04 to 100.00 %, 3 seeds).")


def test_a_metric_that_no_run_defines_is_not_a_lack_of_runs() -> None:
    study = make_study(arms={"plain": {}, "other": {}})
    rows = [*make_rows("plain", [0.97, 0.98]), *make_rows("other", [0.97])]
    undefined = [replace(row, test_accuracy=None) for row in rows]
    answer = answer_question(analyse_study(study, undefined))
    assert answer == "There is no answer: test accuracy is defined in none of 3 finished runs."
    failed = [make_row("plain", 0, None)]
    assert answer_question(analyse_study(study, failed)) == "There is no answer yet: no run has finished."


def test_without_axes_the_reference_is_what_validation_prefers_not_what_test_does() -> None:
    study = make_study(arms={"a": {}, "b": {}, "c": {}})
    rows = [
        *make_rows("a", [0.900, 0.902, 0.901], validation=0.99),
        *make_rows("b", [0.901, 0.903, 0.902], validation=0.98),
        *make_rows("c", [0.80, 0.81, 0.802], validation=0.70),
    ]
    analysis = analyse_study(study, rows)
    assert analysis.reference == "a"
    assert answer_question(analysis).startswith(
        "a is best on validation, with a mean test accuracy of 90.10 %"
    )
    assert "; worse than it: c by at least 7.93 points" in answer_question(analysis)
    assert answer_question(analysis).endswith("; practically the same, within 0.50 points: b.")
    assert analysis.family.kind == "all pairs", "validation chose the reference"


def test_arms_that_cannot_be_told_apart_are_said_to_be_so() -> None:
    study = make_study(arms={"a": {}, "b": {}})
    rows = [*make_rows("a", [0.90, 0.92, 0.91]), *make_rows("b", [0.91, 0.90, 0.915])]
    answer = answer_question(analyse_study(study, rows))
    assert re.search(
        r"; these runs cannot tell of b; about \d+ seeds an arm would show a difference of 0\.50 points\.$",
        answer,
    )


def test_over_an_axis_each_arm_is_told_on_average_and_place_by_place() -> None:
    study = make_study(arms={"random": {}, "warm": {}}, axes=AXIS)
    rows = []
    for place, lead in (("0.1", 0.2), ("0.5", 0.05), ("1", 0.0)):
        rows += make_rows("random", [0.700, 0.702, 0.701], at={"fraction": place})
        values = [0.700 + lead, 0.701 + lead, 0.7025 + lead]
        rows += make_rows("warm", values, at={"fraction": place})
    answer = answer_question(analyse_study(study, rows))
    assert answer.startswith(
        "Against random, in test accuracy on average over part of the images: warm is better by at least 7.95"
    )
    assert ": +8.35 points (95 % interval +7.95" in answer
    assert "3 seeds), and shown by itself better at 2 of 3 places. " in answer
    assert (
        "In test accuracy, all else held: from part of the images 0.1 to 1 is worse by at least 9." in answer
    )


def test_an_average_over_places_that_are_no_full_grid_says_what_weighs_more() -> None:
    axes = {"kind": {"cases": {"x": {}, "y": {}}}, **AXIS}
    study = make_study(arms={"random": {}, "warm": {}}, axes=axes)
    places = [(kind, fraction) for kind in "xy" for fraction in ("0.1", "0.5", "1")]

    def answer(places: Sequence[tuple[str, str]]) -> str:
        rows = []
        for kind, fraction in places:
            at = {"kind": kind, "fraction": fraction}
            rows += make_rows("random", [0.700, 0.702, 0.701], at=at)
            rows += make_rows("warm", [0.800, 0.801, 0.8025], at=at)
        return answer_question(analyse_study(study, rows))

    assert "full grid" not in answer(places)
    uneven = answer([one for one in places if one not in [("y", "0.1"), ("y", "1")]])
    assert (
        "The 4 places count alike and are no full grid: 3 have kind x and 2 have part of the images 0.5."
        in uneven
    )


def test_an_axis_is_told_from_end_to_end_with_all_else_held() -> None:
    """One arm lacks the last value: it is left out of what that axis does, and not out of the other's."""
    axes = {"part": {"field": "data.fraction", "values": [0.1, 0.5, 1.0]}, "size": SIZES}
    rows = []
    for arm, lead in (("plain", 0.0), ("odd", 0.3)):
        for part, gain in (("0.1", 0.0), ("0.5", 0.04), ("1", 0.1)):
            for size, more in (("8", 0.0), ("16", 0.02)):
                if (arm, part) == ("odd", "1"):
                    continue
                at = {"part": part, "size": size}
                rows += make_rows(arm, [0.5 + lead + gain + more + noise for noise in (0, 0.001)], at=at)
    rows = [replace(row, test_accuracy=(row.test_accuracy or 0) + 0.002 * row.seed * float(row.at["part"]))
            for row in rows]  # fmt: skip
    part, size = analyse_study(make_study(arms={"plain": {}, "odd": {}}, axes=axes), rows).effects
    assert (part.axis, part.first, part.last) == ("part", "0.1", "1")
    assert part.difference.mean == pytest.approx(0.1 + 0.002 * 0.9 / 2)
    assert (size.axis, size.first, size.last) == ("size", "8", "16")
    assert size.difference.mean == pytest.approx(0.02)
    assert part.difference.num_seeds == size.difference.num_seeds == 2


def test_an_error_is_better_when_it_is_lower() -> None:
    study = make_study(arms={"a": {}, "b": {}})
    rows = []
    for arm, losses in (("a", [0.020, 0.021, 0.0205]), ("b", [0.050, 0.052, 0.0511])):
        for seed, loss in enumerate(losses):
            fields = {
                "validation_accuracy": None,
                "test_accuracy": None,
                "test_loss": loss,
                "validation_loss": loss,
            }
            rows.append(make_row(arm, seed, 0.0, **fields))
    answer = answer_question(analyse_study(study, rows))
    assert answer == (
        "a is best on validation, with a mean test error of 0.0205 (95 % interval 0.0193 to 0.0217, "
        "3 seeds); worse than it: b by at least a factor of 2.35."
    )


def test_a_grid_compares_its_places() -> None:
    axes = {
        "rate": {"field": "train.optimizer.learning_rate", "values": [0.1, 0.2]},
        "batch": {"field": "x", "values": [1]},
    }
    rows = [
        *make_rows("recipe", [0.9, 0.91, 0.905], at={"rate": "0.1", "batch": "1"}),
        *make_rows("recipe", [0.7, 0.72, 0.71], at={"rate": "0.2", "batch": "1"}),
    ]
    analysis = analyse_study(make_study(axes=axes), rows)
    assert analysis.reference == "rate 0.1, batch 1"
    assert answer_question(analysis).endswith("worse than it: rate 0.2, batch 1 by at least 16.32 points.")


def test_a_learning_curve_predicts_twice_its_data() -> None:
    axes = {"fraction": {"field": "data.fraction", "values": [0.1, 0.2, 0.4, 0.8]}}
    rows = []
    for place in axes["fraction"]["values"]:
        size = int(10000 * place)  # type: ignore[operator]  # a number
        for seed in range(3):
            accuracy = 1 - (0.01 + 2 * size**-0.6 + 0.0005 * (seed - 1))
            rows.append(make_row("recipe", seed, accuracy, at={"fraction": f"{place:g}"}, num_train=size))
    analysis = analyse_study(make_study(axes=axes, fit="power-law"), rows)
    (law,) = analysis.laws
    assert law.twice.size == 16000
    assert law.twice.error == pytest.approx(0.01 + 2 * 16000**-0.6, abs=1e-3)
    assert law.errors[-1] == pytest.approx([0.01 + 2 * 8000**-0.6 + 0.0005 * shift for shift in (-1, 0, 1)])
    assert [point.size for point in law.curve] == sorted(point.size for point in law.curve)
    assert law.curve[0].size == 1000
    for point in law.curve:
        assert point.error == pytest.approx(law.law.predict(point.size))
    answer = answer_question(analysis)
    assert answer.startswith(
        "If the power law holds, with 16,000 training images the network would reach a mean"
    )
    assert ", where the law gives 98.09 % at 8,000. " in answer
    assert answer.endswith(PREDICTED_MEAN)


def test_errors_off_a_power_law_predict_nothing() -> None:
    axes = {"fraction": {"field": "data.fraction", "values": [0.1, 0.2, 0.4, 0.8, 1.0]}}
    rows = []
    for arm, bend in (("straight", 1.0), ("bent", 0.7)):
        for place in (0.1, 0.2, 0.4, 0.8, 1.0):
            size = int(10000 * place)
            for seed, shift in enumerate((-1, 0, 1)):
                error = 2 * size**-0.4 * (bend if place == 1 else 1) + 0.0005 * shift * (
                    1 + (size // 1000) % 3
                )
                rows.append(make_row(arm, seed, 1 - error, at={"fraction": f"{place:g}"}, num_train=size))
    study = make_study(axes=axes, arms={"straight": {}, "bent": {}}, fit="power-law")
    analysis = analyse_study(study, rows)
    straight, bent = analysis.laws
    assert straight.holds
    assert not bent.holds
    assert bent.lack_of_fit is not None
    assert bent.lack_of_fit < 1e-3
    answer = answer_question(analysis)
    assert "with 20,000 training images straight would reach" in answer
    assert "The errors of bent lie farther off a power law than their seeds lie apart" in answer
    assert "images bent would reach" not in answer


def test_learning_curves_of_several_arms_tell_of_the_arms_too() -> None:
    axes = {"fraction": {"field": "data.fraction", "values": [0.1, 0.2, 0.4, 0.8]}}
    rows = []
    for arm, gain in (("plain", 0.0), ("wide", 0.02)):
        for place in (0.1, 0.2, 0.4, 0.8):
            size = int(10000 * place)
            accuracies = [0.95 + gain - 2 * size**-0.6 + 0.0005 * seed for seed in range(3)]
            for seed, accuracy in enumerate(accuracies):
                rows.append(make_row(arm, seed, accuracy, at={"fraction": f"{place:g}"}, num_train=size))
    study = make_study(axes=axes, arms={"plain": {}, "wide": {}}, fit="power-law")
    answer = answer_question(analyse_study(study, rows))
    assert answer.startswith("If the power law holds, with 16,000 training images plain would reach")
    assert "with 16,000 training images wide would reach" in answer
    assert "Against plain, in test accuracy on average over fraction: wide is better by at least 1." in answer


def test_arms_called_with_and_without_are_told_apart_from_the_sentence() -> None:
    axes = {"fraction": {"field": "data.fraction", "values": [0.5, 1.0]}}
    study = make_study(axes=axes, arms={"without": {}, "with": {}})
    rows = [
        make_row(arm, seed, accuracy, at={"fraction": at})
        for arm, accuracies in (("without", (0.90, 0.94)), ("with", (0.91, 0.92)))
        for at in ("0.5", "1")
        for seed, accuracy in enumerate(accuracies)
    ]
    answer = answer_question(analyse_study(study, rows))
    assert answer.startswith(
        'Against "without", in test accuracy on average over fraction: "with" differs by'
    )
    assert ", and whether by more than chance these runs cannot tell" in answer


def test_accuracies_differ_by_a_hundred_points_at_most() -> None:
    """Two seeds that vary much reach far: no interval of a difference leaves what a difference can be."""
    axis = {"field": "data.fraction", "values": [0.5, 1.0], "label": "part"}
    study = make_study(seeds=[0, 1], arms={"a": {}, "b": {"model.width": 3}}, axes={"part": axis})
    rows = [
        *make_rows("a", [0.1, 0.9], at={"part": "0.5"}),
        *make_rows("a", [0.9, 0.8], at={"part": "1"}),
        *make_rows("b", [0.9, 0.3], at={"part": "0.5"}),
        *make_rows("b", [0.1, 1.0], at={"part": "1"}),
    ]
    analysis = analyse_study(study, rows)
    found = [*analysis.overall.values(), *(effect.difference for effect in analysis.effects)]
    assert len(found) == 2
    for one in found:
        assert one.interval is not None
        assert -1 <= one.interval.low <= one.mean <= one.interval.high <= 1
        assert one.interval.low == -1 or one.interval.high == 1, "cut"


def test_what_seeds_would_show_is_said_and_what_few_test_images_cost() -> None:
    """As of 5.56 points between arms of 2 seeds on 360 images: seeds alone would be a tenth as many."""
    study = make_study(arms={"a": {}, "b": {}}, reference="a")
    analysis = analyse_study(study, [*make_rows("a", [0.27, 0.22]), *make_rows("b", [0.1, 0.28])])

    def tell(**changes: Any) -> str:
        one = Difference(-0.0556, Interval(-0.6, 0.5), 0.6, 2, 360, "cannot tell", 412, False, True, 44)
        return answer_question(replace(analysis, overall={"b": replace(one, **changes)}))

    assert tell().endswith(
        "cannot tell of b; about 412 seeds an arm would show a difference of 5.56 points (about 44 if 360 "
        "test images were enough)."
    )
    assert tell(num_seeds_without_images=300).endswith("would show a difference of 5.56 points.")
    assert tell(mean=0.001, num_images=None).endswith("would show a difference of 0.50 points.")


def test_seeds_that_are_needed_are_those_of_the_usual_formula_where_images_add_nothing() -> None:
    (one,) = judge_family([RawDifference(-0.0556, 0.01637 / 2, 1.2, 0.5, 2)], Family(0.95, 0.005))
    usual = (1.96 + 0.8416) ** 2 * 0.01637 / 0.0556**2
    assert one.num_seeds_needed == one.num_seeds_without_images
    assert one.num_seeds_needed == pytest.approx(usual, abs=3)
    images = ImageChance(3.5e-4, 3.5e-4, 360)
    (crowded,) = judge_family(
        [RawDifference(-0.0556, 0.01637 / 2, 1.2, 0.5, 2, images=images)], Family(0.95, 0.005)
    )
    assert crowded.num_seeds_without_images == one.num_seeds_needed
    assert crowded.num_seeds_needed is not None
    assert crowded.num_seeds_needed > 300
