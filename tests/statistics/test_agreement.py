"""Agreement beside scikit-learn's kappa, published formulas, and simulated networks."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from loupe.statistics import Interval
from loupe.statistics.agreement import judge_non_inferiority, measure_agreement


@given(st.integers(0, 10_000), st.integers(2, 6))
def test_kappa_is_scikit_learns(seed: int, num_classes: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    first, second, labels = torch.randint(num_classes, (3, 60), generator=generator)
    found = measure_agreement(first, second, labels, num_classes)
    assert found.share == pytest.approx(float((first == second).double().mean()))
    if found.kappa is not None:
        assert found.kappa == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
    right = cohen_kappa_score(first == labels, second == labels)
    assert found.error_consistency == pytest.approx(right, abs=1e-12)


def test_independent_networks_agree_as_often_as_their_accuracies_give() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(5, (200_000,), generator=generator)

    def answer(accuracy: float) -> torch.Tensor:
        other = (labels + torch.randint(1, 5, labels.shape, generator=generator)) % 5
        return torch.where(torch.rand(labels.shape, generator=generator) < accuracy, labels, other)

    found = measure_agreement(answer(0.9), answer(0.7), labels, 5)
    assert found.by_chance == pytest.approx(0.9 * 0.7 + 0.1 * 0.3 / 4, abs=0.002)
    assert found.share == pytest.approx(found.by_chance, abs=0.004)
    assert found.error_consistency == pytest.approx(0, abs=0.01)


def test_networks_that_are_always_alike() -> None:
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    found = measure_agreement(labels, labels, labels, 3)
    assert (found.share, found.kappa) == (1, 1)
    assert found.error_consistency is None, "both are always right: nothing to be consistent about"
    one_class = torch.zeros(6, dtype=torch.int64)
    assert measure_agreement(one_class, one_class, labels, 3).kappa is None


def test_non_inferiority_needs_the_whole_interval() -> None:
    assert judge_non_inferiority(Interval(-0.004, 0.02), 0.005) == "not worse"
    assert judge_non_inferiority(Interval(-0.006, 0.02), 0.005) == "open"
    assert judge_non_inferiority(Interval(-0.03, -0.006), 0.005) == "worse"
