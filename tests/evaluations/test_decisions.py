"""Thresholds and sets keep what they promise, on answers whose truth is known."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from loupe.evaluations import Look, LookedAt, Subject, Table, carry_out, choose_evaluation
from loupe.evaluations.conformal import make_conformal_sets
from loupe.evaluations.decisions import weigh_decisions
from loupe.metrics import Predictions
from loupe.metrics.metric import write_number
from loupe.statistics.selective import (
    find_certain_threshold,
    find_cheapest_threshold,
    find_conformal_limits,
    find_threshold,
    make_sets,
    rank_by_confidence,
)
from tests.evaluations.test_calibration import draw_answers


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30))
def test_coverage_counts_equally_sure_answers_together(pairs: list[tuple[int, bool]]) -> None:
    confidence = torch.tensor([one / 5 for one, _ in pairs])
    is_right = torch.tensor([right for _, right in pairs])
    ranked = rank_by_confidence(confidence, is_right)
    for below, answered, correct in zip(ranked.thresholds, ranked.answered, ranked.correct, strict=True):
        is_given = confidence.double() >= below
        assert int(answered) == int(is_given.sum())
        assert int(correct) == int((is_right & is_given).sum())


def test_thresholds_are_the_most_generous_and_the_cheapest() -> None:
    answers = draw_answers(2000, 1.0)
    ranked = rank_by_confidence(answers.confidence, answers.is_right)
    found = find_threshold(ranked, 0.95)
    assert found is not None
    assert found.correct / found.answered >= 0.95
    more = ranked.answered > found.answered
    assert bool((ranked.accuracy[more] < 0.95).all())
    cheapest = find_cheapest_threshold(ranked, 10)
    # of calibrated answers Chow's rule: answer where a mistake's expected cost is below that of none
    assert cheapest.below == pytest.approx(0.9, abs=0.05)
    hopeless = rank_by_confidence(torch.tensor([0.5, 0.6]), torch.tensor([False, False]))
    assert find_threshold(hopeless, 0.5) is None
    assert find_cheapest_threshold(hopeless, 5).answered == 0


def test_a_certain_threshold_holds_as_often_as_it_says() -> None:
    broken = tried = 0
    for seed in range(60):
        answers = draw_answers(800, 2.0, seed)
        found = find_certain_threshold(rank_by_confidence(answers.confidence, answers.is_right), 0.7, 0.9)
        if found is None:
            continue
        new = draw_answers(20_000, 2.0, seed + 1000)
        is_given = new.confidence.double() >= found.below
        tried += 1
        broken += float(new.is_right[is_given].double().mean()) < 0.7
    assert tried > 40
    assert broken / tried <= 0.2  # 10 % promised


def test_few_images_make_nothing_certain() -> None:
    ranked = rank_by_confidence(torch.rand(100), torch.ones(100, dtype=torch.bool))
    assert find_certain_threshold(ranked, 0.99, 0.95) is None  # 528 would be needed
    certain = find_certain_threshold(ranked, 0.9, 0.95)
    assert certain is not None
    assert certain.answered == 100


@pytest.mark.parametrize("by_class", [False, True])
def test_conformal_coverage_holds_over_200_splits(by_class: bool) -> None:
    """On answers that are badly calibrated: the promise does not rest on them."""
    answers, wished, num_fitted = draw_answers(3000, 3.0), 0.9, 600
    covered, by_label = [], torch.zeros(10)
    for seed in range(200):
        order = torch.randperm(3000, generator=torch.Generator().manual_seed(seed))
        fitted, judged = order[:num_fitted], order[num_fitted:]
        limits = find_conformal_limits(
            answers.probabilities[fitted], answers.labels[fitted], wished, by_class
        )
        sets = make_sets(answers.probabilities[judged], limits)
        held = sets.gather(1, answers.labels[judged][:, None]).flatten()
        covered.append(float(held.double().mean()))
        for label in range(10):
            by_label[label] += held[answers.labels[judged] == label].float().mean() / 200
    mean = math.fsum(covered) / len(covered)
    surplus = 10 / 600 if by_class else 1 / 600  # 1 / (images a limit rests on + 1), at most
    assert wished - 0.005 <= mean <= wished + 1.2 * surplus + 0.005
    if by_class:
        assert float(by_label.min()) >= wished - 0.015


@pytest.mark.parametrize("name", ["decisions", "conformal_sets", "prior_shift"])
def test_looks_choose_on_validation_and_judge_elsewhere(name: str) -> None:
    answers, validation = draw_answers(1500, 1.0), draw_answers(1500, 1.0, seed=1)
    subject = Subject(
        "classification",
        tuple(map(str, range(10))),
        (LookedAt("test", answers),),
        validation_answers=validation,
    )
    (look,) = carry_out([choose_evaluation(name)], subject).looks
    assert not look.failure
    for value in look.values:
        assert value.interval is not None
    if name == "decisions":
        table = next(one for one in look.blocks if isinstance(one, Table))
        found = find_threshold(rank_by_confidence(validation.confidence, validation.is_right), 0.95)
        assert found is not None
        is_given = answers.confidence.double() >= found.below
        (row,) = [one for one in table.rows if one[0] == 0.95]
        assert row[1] == pytest.approx(found.below)
        assert row[3] == pytest.approx(float(answers.is_right[is_given].double().mean()))


def test_of_many_classes_only_thresholds_that_there_are_are_listed() -> None:
    """a is always right, b never, c and d are never said; all have too few images for limits of their own."""
    labels, said = torch.tensor([0, 0, 0, 2, 2]), torch.tensor([0, 0, 0, 1, 1])
    answers = Predictions(labels, torch.nn.functional.one_hot(said, 4) * 5.0)
    names = ("a", "b", "c", "d")
    table = weigh_decisions(answers, names, 0.95, 0, "other data").blocks[-1]
    assert isinstance(table, Table)
    assert [row[:2] for row in table.rows] == [("a", 3)]
    assert table.note.endswith("No threshold for 3 of 4 classes: 1 not right in 99 % at any, 2 never given.")
    alike, by_class = make_conformal_sets(answers, names, 0.95, 0, "other data").blocks
    assert isinstance(alike, Table)
    assert isinstance(by_class, Table)
    assert alike.note.endswith(
        "For a limit of its own a class takes 9 images at least: 4 of 4 have fewer, and are in every set, so "
        "sets by class are of no use here: take all classes alike."
    )
    assert {row[0] for row in by_class.rows} <= {"a", "c"}
    assert "for want of images" in by_class.note


def test_a_whole_number_of_three_digits_has_no_dot() -> None:
    assert [write_number(one) for one in (150.0, 15.0, 0.0336)] == ["150", "15.0", "0.0336"]


def look_at_test(name: str, answers: Predictions, validation: Predictions) -> Look:
    """Return what an evaluation says of answers to test images, with those to validation images at hand."""
    names = tuple(map(str, range(10)))
    subject = Subject("classification", names, (LookedAt("test", answers),), validation_answers=validation)
    (look,) = carry_out([choose_evaluation(name)], subject).looks
    return look


def test_a_certain_threshold_is_judged_on_the_images_it_stands_beside() -> None:
    """Validation answers everything rightly; what the same threshold does on test is another number."""
    labels = torch.arange(400) % 10
    noise = torch.randn(2, 400, 10, generator=torch.Generator().manual_seed(0))
    logits = 4.0 * torch.nn.functional.one_hot(labels, 10)
    validation, answers = Predictions(labels, logits + noise[0]), Predictions(labels, logits + 2 * noise[1])
    look = look_at_test("decisions", answers, validation)
    table = next(one for one in look.blocks if isinstance(one, Table))
    ranked = rank_by_confidence(validation.confidence, validation.is_right)
    certain = find_certain_threshold(ranked, 0.9, 0.95)
    assert certain is not None
    is_given = answers.confidence.double() >= certain.below
    assert float(is_given.double().mean()) < certain.answered / certain.total
    (row,) = [one for one in table.rows if one[0] == 0.9]
    assert row[-3] == certain.below
    assert row[-2] == pytest.approx(float(is_given.double().mean()))
    assert row[-1] == pytest.approx(float(answers.is_right[is_given].double().mean()))
    assert "is of test." in table.note


def test_sets_of_a_network_that_is_right_more_often_than_promised_say_why_some_are_empty() -> None:
    labels = torch.arange(400) % 10
    generator = torch.Generator().manual_seed(0)
    logits = 8.0 * torch.nn.functional.one_hot(labels, 10) + torch.randn(400, 10, generator=generator)
    good = Predictions(labels, logits)
    look = look_at_test("conformal_sets", good, good)
    limits = find_conformal_limits(good.probabilities, labels, 0.9, by_class=False)
    empty = float((make_sets(good.probabilities, limits).sum(1) == 0).double().mean())
    assert empty > 0.05
    assert (
        f" {100 * empty:.1f} % are empty: no class is as probable there as the limit asks." in look.sentence
    )
