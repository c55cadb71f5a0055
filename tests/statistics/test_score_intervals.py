"""Intervals over images: how often simulated draws lie in them, and where another formula is known."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from loupe.metrics import MetricValue, Predictions, choose_metric
from loupe.metrics.registry import ChosenMetric
from loupe.statistics import compute_wilson_interval
from loupe.statistics.score_intervals import (
    compute_count_interval,
    compute_mean_cost_interval,
    compute_mean_interval,
    compute_mean_share_interval,
)


def test_one_share_has_wilsons_interval() -> None:
    found, wanted = compute_mean_share_interval([37], [50], 0.9), compute_wilson_interval(37, 50, 0.9)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_a_mean_over_classes_of_one_size_is_known_as_well_as_the_share_of_all_images() -> None:
    found, wanted = compute_mean_share_interval([36] * 9 + [33], [36] * 10), compute_wilson_interval(357, 360)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=2e-3)


@pytest.mark.parametrize(
    ("totals", "shares"),
    [
        ([36] * 10, [0.992] * 10),
        ([36] * 10, [0.97] * 10),
        ([36] * 10, [0.5, *[1.0] * 9]),
        ([100] * 20, list(np.linspace(0.5, 1, 20))),
        ([5, *[200] * 9], [0.5, *[0.98] * 9]),
        ([20, 200], [0.9, 0.97]),
        ([10, 10], [0.9, 0.2]),
    ],
)
def test_a_mean_of_shares_lies_in_its_interval(totals: list[int], shares: list[float]) -> None:
    drawn = np.random.default_rng(0).binomial(totals, shares, (2000, len(totals)))
    ends = [compute_mean_share_interval(one.tolist(), totals) for one in drawn]
    covered = np.mean([one.low <= np.mean(shares) <= one.high for one in ends])
    assert covered > 0.92  # 0.85 for intervals of the shares joined in squares


def test_shares_of_all_or_nothing_are_not_certain() -> None:
    interval = compute_mean_share_interval([10, 0], [10, 10])
    assert interval.low < 0.5 < interval.high


def test_a_mean_of_one_value_has_no_interval() -> None:
    assert compute_mean_interval(torch.tensor([0.3])) is None


def test_equal_values_are_not_certain() -> None:
    """As Wilson's interval of none and of all; where the range has no ends there is none."""
    zeros = torch.zeros(20)
    assert compute_mean_interval(zeros, low=0) is None
    none, all_ = (compute_wilson_interval(count, 20) for count in (0, 20))
    for values, expected in ((zeros, none), (zeros + 1, all_)):
        interval = compute_mean_interval(values, low=0, high=1)
        assert interval is not None
        assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    differences = compute_mean_interval(zeros, low=-1, high=1)
    assert differences is not None
    assert (differences.low, differences.high) == pytest.approx((-none.high, none.high))


def test_costs_of_two_kinds_have_wilsons_interval_and_none_lies_outside_what_costs_there_are() -> None:
    costs = torch.tensor([0.0] * 28 + [5.0] * 2, dtype=torch.float64)
    interval, share = compute_mean_cost_interval(costs, 0.95, 0, 5), compute_wilson_interval(2, 30)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((5 * share.low, 5 * share.high))
    three = compute_mean_cost_interval(torch.tensor([0.0] * 28 + [1.0, 5.0]).double(), 0.95, 0, 5)
    assert three is not None
    assert three.low == 0


def test_costs_cover_their_mean_where_mistakes_are_rare() -> None:
    """Two draws of five hold no mistake at all: an interval of no width would leave the mean out."""
    draws = (torch.rand(1000, 30, generator=torch.Generator().manual_seed(0)) < 0.03).double()
    ends = [compute_mean_cost_interval(one, 0.95, 0, 1) for one in draws]
    covered = [one is not None and one.low <= 0.03 <= one.high for one in ends]
    assert sum(covered) / len(covered) > 0.92


def test_a_share_by_the_delta_method_is_the_textbook_interval() -> None:
    interval = compute_count_interval(torch.tensor([30, 70]), lambda shares: shares[0], 0.95)
    assert interval is not None
    reach = 1.959964 * math.sqrt(0.3 * 0.7 / 100)
    assert (interval.low, interval.high) == pytest.approx((0.3 - reach, 0.3 + reach), abs=1e-6)


def test_kappa_has_the_error_of_fleiss_cohen_and_everitt() -> None:
    """Three categories; the standard error by their formula (1969), written out."""
    counts = torch.tensor([[53, 5, 2], [11, 14, 5], [1, 6, 3]])
    total = float(counts.sum())
    p = counts.double() / total
    row, column, agreed = p.sum(1), p.sum(0), float(p.diagonal().sum())
    chance = float((row * column).sum())
    kappa = (agreed - chance) / (1 - chance)
    first = sum(float(p[i, i]) * (1 - float(row[i] + column[i]) * (1 - kappa)) ** 2 for i in range(3))
    second = (1 - kappa) ** 2 * sum(
        float(p[i, j]) * float(column[i] + row[j]) ** 2 for i in range(3) for j in range(3) if i != j
    )
    variance = (first + second - (kappa - chance * (1 - kappa)) ** 2) / (total * (1 - chance) ** 2)
    labels, predicted = expand(counts)
    found = choose_metric("cohen_kappa").compute(
        Predictions(labels, torch.nn.functional.one_hot(predicted, 3).float()), 0.95
    )
    assert found.value == pytest.approx(kappa)
    assert found.interval is not None
    assert found.interval.high - kappa == pytest.approx(1.959964 * math.sqrt(variance), rel=1e-5)


def expand(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Return labels and predictions that give these counts."""
    cells = [(i, j) for i in range(len(counts)) for j in range(len(counts)) for _ in range(int(counts[i, j]))]
    labels, predicted = zip(*cells, strict=True)
    return torch.tensor(labels), torch.tensor(predicted)


SHARES = np.array([[0.30, 0.05, 0.02], [0.04, 0.20, 0.06], [0.03, 0.05, 0.25]])


@pytest.mark.parametrize("name", ["macro_f1", "cohen_kappa", "matthews_correlation", "balanced_accuracy"])
def test_a_95_percent_interval_holds_the_truth_in_95_of_100_draws(name: str) -> None:
    """400 draws of 200 images from known shares: between 91 and 99 % hold what the shares themselves give."""
    metric, generator = choose_metric(name), np.random.default_rng(0)
    exact = torch.from_numpy(SHARES * 10_000).round().to(torch.int64)
    truth = compute(metric, exact).value
    assert truth is not None
    held = 0
    for _ in range(400):
        counts = torch.from_numpy(generator.multinomial(200, SHARES.flatten()).reshape(3, 3))
        interval = compute(metric, counts).interval
        assert interval is not None
        held += interval.low <= truth <= interval.high
    assert 0.91 <= held / 400 <= 0.99


def compute(metric: ChosenMetric, counts: Tensor) -> MetricValue:
    labels, predicted = expand(counts)
    return metric.compute(Predictions(labels, torch.nn.functional.one_hot(predicted, 3).float()))


def test_a_perfect_confusion_has_no_interval_by_the_delta_method() -> None:
    labels = torch.arange(30) % 3
    answers = Predictions(labels, torch.nn.functional.one_hot(labels, 3).float())
    assert choose_metric("macro_f1").compute(answers).interval is None
