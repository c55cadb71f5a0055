"""The paired bootstrap: its interval beside scipy's, and how often it holds the truth."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import bootstrap, norm

from loupe.statistics.paired_bootstrap import bootstrap_difference, bootstrap_differences


def test_interval_is_scipys() -> None:
    generator = torch.Generator().manual_seed(0)
    first = torch.rand(500, generator=generator) < 0.9
    second = torch.where(torch.rand(500, generator=generator) < 0.1, ~first, first)
    difference = first.double() - second.double()

    def compute(some: torch.Tensor | None) -> float:
        return float((difference if some is None else difference[some]).mean())

    found = bootstrap_difference(compute, 500, 0.95, seed=0, draws=4000)
    wanted = bootstrap(
        (difference.numpy(),), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(0)
    ).confidence_interval
    assert found is not None
    assert found.interval is not None
    assert found.value == pytest.approx(float(difference.mean()))
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(wanted), abs=0.003)


def test_what_never_differs_has_no_interval_and_what_is_not_defined_no_value() -> None:
    same = bootstrap_difference(lambda some: 0.0, 50, 0.95, seed=0, draws=50)
    assert same is not None
    assert (same.value, same.interval) == (0.0, None)
    assert bootstrap_difference(lambda some: None, 50, 0.95, seed=0, draws=50) is None
    rarely = bootstrap_difference(
        lambda some: 1.0 if some is None or int(some[0]) % 2 else None, 50, 0.95, seed=0, draws=50
    )
    assert rarely is not None
    assert rarely.interval is None, "half of the resamples have no value"


Compute = Callable[[torch.Tensor | None], float]


def mean_of(values: torch.Tensor) -> Compute:
    def compute(some: torch.Tensor | None) -> float:
        return float((values if some is None else values[some]).mean())

    return compute


def test_together_independent_differences_are_as_wide_as_sidaks_and_equal_ones_as_one_alone() -> None:
    values = torch.randn((5, 800), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    computes = [mean_of(one) for one in values]
    together = bootstrap_differences(computes, 800, 0.95, seed=0, draws=4000)
    equal = bootstrap_differences([computes[0]] * 5, 800, 0.95, seed=0, draws=4000)
    for found, of, reach in (
        (together[3], values[3], norm.ppf((1 + 0.95**0.2) / 2)),
        (equal[3], values[0], norm.ppf(0.975)),
    ):
        assert found is not None
        assert found.interval is not None
        assert found.value == pytest.approx(float(of.mean()))
        half = reach * float(of.std()) / 800**0.5
        assert found.interval.high - found.value == pytest.approx(half, rel=0.05)
        assert found.value - found.interval.low == pytest.approx(half, rel=0.05)


def test_together_what_has_no_value_or_no_interval_takes_nothing_from_the_others() -> None:
    values = torch.randn(300, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    some = mean_of(values)
    alone, *rest = bootstrap_differences([some], 300, 0.95, seed=0)
    assert not rest
    first, undefined, same, second = bootstrap_differences(
        [some, lambda some: None, lambda some: 0.0, some], 300, 0.95, seed=0
    )
    assert undefined is None
    assert same is not None
    assert (same.value, same.interval) == (0.0, None)
    assert first == second == alone
    assert bootstrap_differences([], 300, 0.95, seed=0) == []


@pytest.mark.thorough
def test_together_a_table_of_equal_networks_rarely_claims_anything() -> None:
    """Six figures of which two pairs move together: each judged alone, half of the tables claimed one."""
    generator = torch.Generator().manual_seed(2)
    num_tables, claims, level = 200, 0, 0.9
    for table in range(num_tables):
        base = torch.randn((6, 400), generator=generator, dtype=torch.float64)
        base[1], base[3] = base[0] + 0.3 * base[1], base[2] ** 2 - 1 + 0.3 * base[3]
        found = bootstrap_differences([mean_of(one) for one in base], 400, level, seed=table, draws=200)
        ends = [one.interval for one in found if one and one.interval]
        claims += any(not one.low <= 0 <= one.high for one in ends)
    chance = 1 - level
    assert claims / num_tables <= chance + 3 * (chance * level / num_tables) ** 0.5
    assert claims > 0


def test_an_interval_is_cut_where_no_difference_can_lie() -> None:
    values = torch.tensor([1.0, 1.0, 1.0, 1.0, -1.0])
    (free,), (cut,) = (
        bootstrap_differences([mean_of(values)], 5, 0.95, seed=0, widest=widest) for widest in (None, [1.0])
    )
    assert free is not None
    assert free.interval is not None
    assert free.interval.high > 1
    assert cut is not None
    assert cut.interval is not None
    assert (cut.interval.low, cut.interval.high) == (free.interval.low, 1.0)
