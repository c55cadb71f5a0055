"""One contract over all metrics."""

import json
import math
from dataclasses import asdict, fields
from typing import Any

import pytest
import torch
from torch import Tensor

from loupe.metrics import METRICS, Metric, MetricValue, Predictions, choose_metric
from loupe.metrics.reconstruction import GivenBack
from loupe.metrics.registry import compute_values
from loupe.metrics.reported import MEASURED, REGISTERED_HEADLINES, headline_of


def make_predictions(num_images: int = 300, num_classes: int = 7, seed: int = 0) -> Predictions:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(num_classes, (num_images,), generator=generator)
    logits = torch.randn(num_images, num_classes, generator=generator)
    logits[torch.arange(num_images), labels] += 1.2
    return Predictions(labels, logits)


def make_given_back(num_images: int = 40, seed: int = 0) -> GivenBack:
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(num_images, 1, 6, 5, generator=generator)
    outputs = images + 0.1 * torch.randn(images.shape, generator=generator)
    return GivenBack((outputs - images).square().flatten(1).mean(1), outputs, images)


def make_answers(metric: Metric) -> Any:
    return make_predictions() if metric.objective == "classification" else make_given_back()


def permute(answers: Any, order: Tensor) -> Any:
    values = {one.name: getattr(answers, one.name) for one in fields(answers)}
    values = {name: None if one is None else one[order] for name, one in values.items()}
    return type(answers)(**values)


@pytest.mark.parametrize("name", METRICS.names())
def test_contract(name: str) -> None:
    chosen = choose_metric(name)
    metric, answers = chosen.metric, make_answers(chosen.metric)
    before = {key: one.clone() for key, one in vars(answers).items() if one is not None}
    found = chosen.compute(answers)
    assert METRICS.summary(name), "no first line says what it is"
    assert metric.title.strip() == metric.title != ""
    assert "{" not in metric.title
    assert found.value is not None
    assert metric.bounds["low"] <= found.value <= metric.bounds["high"]
    assert all(torch.equal(getattr(answers, key), one) for key, one in before.items()), "it changed its input"
    assert chosen.compute(answers) == found, "it is not the same twice"
    order = torch.randperm(len(next(iter(before.values()))), generator=torch.Generator().manual_seed(1))
    shuffled = chosen.compute(permute(answers, order)).value
    assert shuffled == pytest.approx(found.value, rel=1e-6), "it depends on the order of the images"
    assert MetricValue.from_dict(as_json(found)) == found


@pytest.mark.parametrize("name", METRICS.names())
def test_an_interval_holds_the_value_and_grows_with_its_level(name: str) -> None:
    chosen = choose_metric(name)
    answers = make_answers(chosen.metric)
    found, sure = chosen.compute(answers, 0.9), chosen.compute(answers, 0.99)
    if found.interval is None:
        pytest.skip(f"{name} has no interval")
    assert found.value is not None
    assert sure.interval is not None
    bounds = chosen.metric.bounds
    assert bounds["low"] <= sure.interval.low <= found.interval.low <= found.value
    assert found.value <= found.interval.high <= sure.interval.high <= bounds["high"]


@pytest.mark.parametrize(
    "name", [one for one in METRICS if METRICS.facts(one)["objective"] == "classification"]
)
def test_better_answers_are_better_the_way_the_metric_says(name: str) -> None:
    metric = choose_metric(name)
    answers = make_predictions()
    truth = torch.nn.functional.one_hot(answers.labels, answers.num_classes)
    right = Predictions(answers.labels, 30.0 * truth)
    wrong = Predictions(answers.labels, 30.0 * truth.roll(1, 1))
    values = [metric.compute(one).value for one in (right, answers, wrong)]
    assert all(value is not None for value in values)
    best, middle, worst = (value for value in values if value is not None)
    assert metric.metric.is_better(best, middle)
    assert metric.metric.is_better(middle, worst) or middle == worst  # of a top-k both may be perfect
    assert metric.metric.gain(best, middle) > 0 > metric.metric.gain(middle, best)


@pytest.mark.parametrize(
    "name", [one for one in METRICS if METRICS.facts(one)["objective"] == "classification"]
)
@pytest.mark.parametrize("shape", ["one image", "one class among the labels", "all of one class"])
def test_hard_cases_give_a_number_or_say_that_it_is_not_defined(name: str, shape: str) -> None:
    answers = make_predictions(1 if shape == "one image" else 30, 3)
    if shape != "one image":
        labels = torch.zeros_like(answers.labels)
        logits = answers.logits if "among" in shape else torch.tensor([[5.0, 0.0, 0.0]]).expand(30, 3)
        answers = Predictions(labels, logits)
    found = choose_metric(name).compute(answers)
    if found.value is None:
        assert found.interval is None
        assert found.write() == "not defined"
    else:
        assert math.isfinite(found.value)


def test_what_every_run_is_measured_by_is_registered() -> None:
    assert all(name in METRICS for name in REGISTERED_HEADLINES.values())
    assert all(name in METRICS or name == "loss" for name in MEASURED)


def test_what_is_not_at_hand_is_left_out() -> None:
    chosen = choose_metric("mean_squared_error")
    given = make_given_back()
    assert compute_values([chosen], GivenBack(given.errors)).keys() == {"mean_squared_error"}


def as_json(found: MetricValue) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(asdict(found), allow_nan=False))
    return values


def test_the_headline_of_a_classifier_is_the_registered_metric() -> None:
    """It is said without looking it up, so that a list of runs need not load torch."""
    assert headline_of("classification") == choose_metric("accuracy").metric
    assert headline_of("classification").name == REGISTERED_HEADLINES["classification"]
