"""The paired bootstrap: its interval beside scipy's, and how often it holds the truth."""

import numpy as np
import pytest
import torch
from scipy.stats import bootstrap

from loupe.statistics.paired_bootstrap import bootstrap_difference


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
