"""Looks at answers of thousands of classes: a part of them where all would cost too much, and said so."""

import pytest
import torch
from torch.nn import functional as F

from loupe.evaluations import LookedAt, Subject, carry_out, choose_evaluation, scaling
from loupe.evaluations.scaling import fit_scaling, limit_answers
from loupe.metrics import Predictions
from loupe.statistics.selective import make_sets


def draw_answers(num_images: int, num_classes: int) -> Predictions:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(num_classes, (num_images,), generator=generator)
    logits = torch.randn(num_images, num_classes, generator=generator)
    logits[torch.arange(num_images), labels] += 3.0
    return Predictions(labels, logits)


def test_what_is_computed_in_parts_is_what_it_would_be_at_once() -> None:
    answers = draw_answers(1_400, 3_000)
    assert len(list(answers.parts())) == 2
    probabilities = answers.logits.softmax(1)
    assert torch.equal(answers.confidence, probabilities.max(1).values)
    losses = F.cross_entropy(answers.logits.double(), answers.labels, reduction="none")
    assert torch.equal(answers.losses, losses)
    truth = F.one_hot(answers.labels, 3_000)
    exact = answers.logits.double().softmax(1)
    assert torch.equal(answers.squared_errors, (exact - truth).square().sum(1))
    limits = torch.linspace(0, 0.1, 3_000, dtype=torch.float64)
    assert torch.equal(make_sets(probabilities, limits), probabilities.double() >= limits)


def test_of_millions_of_probabilities_a_scaling_is_fitted_to_a_part_always_the_same() -> None:
    few, many = draw_answers(300, 10), draw_answers(2_000, 5_000)
    assert limit_answers(few) is few
    part = limit_answers(many)
    assert len(part.labels) == 1_000
    assert limit_answers(part) is part
    assert torch.equal(part.logits, limit_answers(many).logits)


def test_what_is_fitted_is_fitted_to_that_part(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = draw_answers(1_000, 10)
    whole = fit_scaling(answers, "temperature").temperature_value
    monkeypatch.setattr(scaling, "_MOST_FITTED", 3_000)
    part = fit_scaling(answers, "temperature").temperature_value
    assert part == fit_scaling(limit_answers(answers), "temperature").temperature_value
    assert part != whole


def test_isotonic_regression_is_applied_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = draw_answers(500, 10)
    isotonic = fit_scaling(answers, "isotonic")
    monkeypatch.setattr(scaling, "_MOST_AT_ONCE", 20_000)
    assert torch.equal(isotonic.apply_to(answers).logits, isotonic(answers.logits))


@pytest.mark.parametrize("num_images", [200, 400])
def test_calibration_says_where_it_takes_a_part(monkeypatch: pytest.MonkeyPatch, num_images: int) -> None:
    monkeypatch.setattr(scaling, "_MOST_FITTED", 3_000)
    names = tuple(f"class {label}" for label in range(10))
    subject = Subject("classification", names, (LookedAt("test", draw_answers(num_images, 10)),))
    (look,) = carry_out([choose_evaluation("calibration")], subject).looks
    assert not look.failure
    told = "are of 300 of the 400 images, drawn at random: each has 10 probabilities" in look.sentence
    assert told == (num_images == 400)
