"""Calibration errors beside torchmetrics', Brier's parts, and scalings that find what was planted."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.calibration import IsotonicRegression
from torchmetrics.functional.classification import multiclass_calibration_error

from loupe.evaluations import LookedAt, Subject, Table, carry_out, choose_evaluation
from loupe.evaluations.scaling import (
    METHODS,
    Scaling,
    choose_scaling,
    fit_scaling,
    list_choosable,
    measure_loss,
    scale_out_of_fold,
)
from loupe.metrics import Predictions
from loupe.statistics.calibration import (
    bin_probabilities,
    compute_binned_error,
    compute_smooth_error,
    judge_error,
    split_brier,
)


def draw_answers(num_images: int, temperature: float, seed: int = 0, num_classes: int = 10) -> Predictions:
    """Answers whose labels are drawn from their own probabilities, then made too sure by a temperature."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(num_images, num_classes, generator=generator)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator).flatten()
    return Predictions(labels, temperature * logits)


@pytest.mark.parametrize("num_bins", [10, 15, 40])
def test_binned_error_is_torchmetrics(num_bins: int) -> None:
    answers = draw_answers(3000, 1.8)
    ours = compute_binned_error(answers.confidence, answers.is_right, num_bins)
    theirs = multiclass_calibration_error(
        answers.probabilities, answers.labels, 10, n_bins=num_bins, norm="l1"
    )
    assert ours == pytest.approx(float(theirs), abs=1e-5)
    assert int(bin_probabilities(answers.confidence, answers.is_right, num_bins).counts.sum()) == 3000


def test_smooth_error_is_its_definition() -> None:
    """A Gaussian with reflected borders, its bandwidth equal to the error found with it."""
    answers = draw_answers(400, 2.5)
    said, truth = answers.confidence.double().numpy(), answers.is_right.double().numpy()
    grid = (np.arange(2000) + 0.5) / 2000

    def measure(width: float) -> float:
        images = [said + 2 * k for k in range(-2, 3)] + [-said + 2 * k for k in range(-2, 3)]
        kernel = sum(np.exp(-((grid[:, None] - one) ** 2) / (2 * width**2)) for one in images)
        smoothed = (kernel * (truth - said)).sum(1) / (len(said) * width * math.sqrt(2 * math.pi))
        return float(np.abs(smoothed).mean())

    found = compute_smooth_error(answers.confidence, answers.is_right)
    assert measure(found) == pytest.approx(found, rel=0.02)


def test_errors_see_calibration_and_the_lack_of_it() -> None:
    good, bad = draw_answers(4000, 1.0), draw_answers(4000, 2.5)
    for measure in (compute_binned_error, compute_smooth_error):
        assert measure(good.confidence, good.is_right) < 0.03
        assert measure(bad.confidence, bad.is_right) > 0.15
        judged = [judge_error(measure, one.confidence, one.is_right, 0.95, 1) for one in (good, bad)]
        assert judged[0].p_value > 0.05
        assert judged[1].p_value < 0.01


@pytest.mark.thorough
@pytest.mark.parametrize("measure", [compute_binned_error, compute_smooth_error])
def test_the_interval_of_the_error_reaches_down_to_calibrated(
    measure: Callable[[torch.Tensor, torch.Tensor], float],
) -> None:
    """The error of finitely many answers is never 0; its interval must not exclude calibrated ones."""
    excluded = 0
    for seed in range(30):
        answers = draw_answers(300, 1.0, seed)
        found = judge_error(measure, answers.confidence, answers.is_right, 0.9, seed, draws=60)
        assert found.interval.low <= found.value <= found.interval.high
        excluded += found.interval.low > 0
    assert excluded <= 6  # of 30 at a level of 90 %: P(more than 6) = 3 %


def test_briers_parts_add_up_and_say_what_they_should() -> None:
    for temperature in (1.0, 2.5):
        answers = draw_answers(2000, temperature)
        truth = torch.nn.functional.one_hot(answers.labels, 10)
        score = float((answers.probabilities.double() - truth).square().sum(1).mean())
        parts = split_brier(answers.probabilities, answers.labels)
        assert parts.score == pytest.approx(score, abs=1e-9)
        assert min(parts.miscalibration, parts.discrimination, parts.uncertainty) >= 0
    good, bad = (
        split_brier(one.probabilities, one.labels) for one in (draw_answers(2000, 1), draw_answers(2000, 2.5))
    )
    assert bad.miscalibration > 3 * good.miscalibration
    assert bad.uncertainty == good.uncertainty


def test_a_planted_temperature_is_found() -> None:
    for planted in (0.5, 2.5):
        found = fit_scaling(draw_answers(4000, planted), "temperature").temperature_value
        assert found == pytest.approx(planted, rel=0.05)


def test_vector_scaling_finds_planted_factors_and_shifts() -> None:
    answers = draw_answers(8000, 1.0, num_classes=4)
    factors, shifts = torch.tensor([0.5, 1.0, 2.0, 1.0]), torch.tensor([0.0, 1.0, -1.0, 0.0])
    moved = Predictions(answers.labels, (answers.logits - shifts) / factors)
    mended = fit_scaling(moved, "vector").apply_to(moved)
    assert measure_loss(mended) < measure_loss(moved) - 0.1
    assert measure_loss(mended) == pytest.approx(measure_loss(answers), abs=0.02)


def test_isotonic_curves_are_scikit_learns() -> None:
    answers = draw_answers(600, 2.5, num_classes=3)
    other = draw_answers(200, 2.5, seed=1, num_classes=3)
    scaling = fit_scaling(answers, "isotonic")
    wanted = []
    for label in range(3):
        curve = IsotonicRegression(out_of_bounds="clip")
        curve.fit(
            answers.probabilities[:, label].double().numpy(), (answers.labels == label).double().numpy()
        )
        wanted.append(torch.from_numpy(curve.predict(other.probabilities[:, label].double().numpy())))
    expected = torch.stack(wanted, 1).clamp_min(1e-6)
    expected /= expected.sum(1, keepdim=True)
    found = scaling.apply_to(other).probabilities.double()
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=0)


def test_a_scaling_is_kept_and_chosen_out_of_fold() -> None:
    answers = draw_answers(1500, 2.5)
    chosen, losses = choose_scaling(answers, seed=0)
    assert chosen.method == "temperature"
    assert losses["none"] > losses["temperature"]
    for method in METHODS:
        scaling = fit_scaling(answers, method)
        again = Scaling.from_dict(scaling.to_dict(), 10)
        torch.testing.assert_close(again.apply_to(answers).logits, scaling.apply_to(answers).logits)
    with pytest.raises(ValueError, match="for 9 classes"):
        Scaling.from_dict(fit_scaling(answers, "vector").to_dict(), 9)


def test_out_of_fold_does_not_flatter() -> None:
    """Of labels that have nothing to do with the answers a curve fitted to them claims to know something."""
    generator = torch.Generator().manual_seed(0)
    answers = Predictions(
        torch.randint(10, (300,), generator=generator), torch.randn(300, 10, generator=generator)
    )
    fitted = measure_loss(fit_scaling(answers, "isotonic").apply_to(answers))
    honest = measure_loss(scale_out_of_fold(answers, "isotonic", seed=0))
    assert fitted < math.log(10) < honest


@pytest.mark.parametrize("split", ["validation", "test"])
def test_the_look_says_what_was_planted(split: str) -> None:
    answers, validation = draw_answers(1500, 2.5), draw_answers(1500, 2.5, seed=1)
    names = tuple(map(str, range(10)))
    subject = Subject(
        "classification",
        names,
        (LookedAt(split, answers),),
        validation_answers=answers if split == "validation" else validation,
    )
    (look,) = carry_out([choose_evaluation("calibration")], subject).looks
    assert not look.failure
    assert "is too sure" in look.sentence
    assert "temperature 2." in look.sentence
    error = look.values[0]
    assert error.value is not None
    assert error.interval is not None
    assert 0.1 < error.interval.low <= error.value <= error.interval.high


def look_at_scalings(answers: Predictions, validation: Predictions) -> tuple[str, Table]:
    """What calibration says of test answers, and its table of scalings."""
    names = tuple(map(str, range(answers.num_classes)))
    subject = Subject("classification", names, (LookedAt("test", answers),), validation_answers=validation)
    (look,) = carry_out([choose_evaluation("calibration")], subject).looks
    assert not look.failure
    tables = [one for one in look.blocks if isinstance(one, Table)]
    return look.sentence, next(one for one in tables if one.title == "Probabilities set right")


def test_test_images_do_not_choose_the_scaling() -> None:
    """Validation asks for a temperature of 2.5, test images of 1: what is named stays validation's choice."""
    answers, validation = draw_answers(1500, 1.0), draw_answers(1500, 2.5, seed=1)
    sentence, table = look_at_scalings(answers, validation)
    losses = {row[0]: row[1] for row in table.rows}
    best = fit_scaling(validation, "temperature")
    assert min(losses, key=lambda name: losses[name]) == "as the network says"
    assert f"Of the scalings {best.describe()} has the least loss on validation images it was not" in sentence
    before, after = measure_loss(answers), measure_loss(best.apply_to(answers))
    assert after > before
    assert f"the loss on test is {after:.4f} nats instead of {before:.4f}." in sentence


def test_a_scaling_of_less_loss_that_is_passed_over_is_heeded_in_words() -> None:
    """Of 40 images vector scaling has the least loss and temperature scaling more than none."""
    generator = torch.Generator().manual_seed(7)
    labels = torch.arange(40) % 5
    logits = 3.0 * torch.nn.functional.one_hot(labels, 5) + 1.5 * torch.randn(40, 5, generator=generator)
    logits[:, 0] += 1.5
    answers = Predictions(labels, logits)
    losses = {one: measure_loss(scale_out_of_fold(answers, one, 0)) for one in METHODS}
    assert losses["vector"] < losses["none"] < losses["temperature"]
    plain = draw_answers(4000, 1.0, seed=9)  # right as it is, and images enough for each way
    for some, said in ((answers, " that so many images are enough for"), (plain, "")):
        names = tuple(map(str, range(some.num_classes)))
        subject = Subject("classification", names, (LookedAt("validation", some),))
        (look,) = carry_out([choose_evaluation("calibration")], subject).looks
        assert f" No scaling{said} lowers its loss on validation images" in look.sentence


def test_a_scaling_that_changes_answers_says_so() -> None:
    """Shifts of single logits change which class is named; a temperature never does."""
    answers, validation = draw_answers(1000, 1.0), draw_answers(4000, 1.0, seed=1)
    shifts = torch.linspace(-2, 2, 10)
    moved, chosen_on = (Predictions(one.labels, one.logits + shifts) for one in (answers, validation))
    sentence, table = look_at_scalings(moved, chosen_on)
    mended = fit_scaling(chosen_on, "vector").apply_to(moved)
    changed = int((mended.predicted != moved.predicted).sum())
    assert changed > 100
    right, was_right = (100 * float(one.is_right.double().mean()) for one in (mended, moved))
    assert "vector scaling has the least loss" in sentence
    assert f"and {changed} answers another: {right:.2f} % are right instead of {was_right:.2f} %." in sentence
    by_name = {str(row[0]).split()[0]: row[-1] for row in table.rows}
    assert table.columns[-1].heading == "answers changed"
    assert by_name["vector"] == changed
    assert by_name["temperature"] == by_name["as"] == 0


def test_intervals_of_briers_parts_stay_within_what_they_can_be() -> None:
    """Ten classes as frequent as each other are uncertain by 0.9, and no telling apart takes off more."""
    labels = torch.arange(360) % 10
    generator = torch.Generator().manual_seed(0)
    logits = 8.0 * torch.nn.functional.one_hot(labels, 10) + torch.randn(360, 10, generator=generator)
    names = tuple(map(str, range(10)))
    subject = Subject("classification", names, (LookedAt("test", Predictions(labels, logits)),))
    (look,) = carry_out([choose_evaluation("calibration")], subject).looks
    values = {one.name.split(" (")[0]: one for one in look.values}
    uncertainty, discrimination = values["uncertainty of the classes"], values["discrimination"]
    assert uncertainty.value == pytest.approx(0.9)
    assert uncertainty.interval is not None
    assert uncertainty.interval.high == pytest.approx(0.9)
    assert discrimination.interval is not None
    assert discrimination.value is not None
    assert discrimination.interval.low <= discrimination.value <= discrimination.interval.high <= 0.9 + 1e-9


@pytest.mark.parametrize(
    ("num_images", "num_classes", "expected"),
    [
        (35, 5, ["none", "temperature"]),
        (400, 5, ["none", "temperature", "vector"]),
        (2_000, 5, ["none", "temperature", "vector", "isotonic"]),
        (2_000, 200, ["none", "temperature"]),
    ],
)
def test_what_bends_classes_one_by_one_is_chosen_of_enough_images_only(
    num_images: int, num_classes: int, expected: list[str]
) -> None:
    labels = torch.arange(num_images) % num_classes
    assert list_choosable(labels, num_classes) == expected


def test_few_images_choose_no_curve_that_other_images_would_suffer_from() -> None:
    """Right and unsure answers: a curve fitted to 35 of them makes each class sure from some share on."""
    generator = torch.Generator().manual_seed(0)

    def draw(num_images: int, noise: float) -> Predictions:
        labels = torch.arange(num_images) % 5
        logits = torch.nn.functional.one_hot(labels, 5).float()
        return Predictions(labels, logits + noise * torch.randn(num_images, 5, generator=generator))

    validation, elsewhere = draw(35, 0.1), draw(2_000, 0.7)
    chosen, losses = choose_scaling(validation, seed=0)
    assert losses["isotonic"] < losses["none"]
    assert chosen.method == "temperature"
    curve = fit_scaling(validation, "isotonic").apply_to(elsewhere)
    assert int((curve.predicted != elsewhere.predicted).sum()) > 50
    assert torch.equal(chosen.apply_to(elsewhere).predicted, elsewhere.predicted)
