"""Groups that stand out: exact where rows are alike, and nearly so where only means are."""

import numpy as np
import pytest

from loupe.statistics.standouts import adjust_standouts


def test_a_small_table_has_the_p_value_of_all_its_deals() -> None:
    """Two ones among 20 values fall into the same pair in 1 of 19 deals."""
    values = np.zeros((1, 20))
    values[0, [6, 7]] = 1
    p_values = adjust_standouts(values, np.arange(20) // 2, fewest=2)
    assert p_values[0, 3] == pytest.approx(1 / 19, abs=0.02)
    assert (np.delete(p_values[0], 3) == 1).all()


def test_kinds_without_spread_and_one_group_alone_show_nothing() -> None:
    values = np.stack([np.full(6, 0.3), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]])
    assert (adjust_standouts(values, np.zeros(6, dtype=np.int64)) == 1).all()
    assert (adjust_standouts(values, np.arange(6) % 3, fewest=1)[0] == 1).all()


def test_the_p_value_that_matters_can_be_reached() -> None:
    values = (np.arange(60) % 3 == 0)[None].astype(float)
    found = adjust_standouts(values, np.arange(60) % 3, error_rate=0.0001)
    assert found[0, 0] <= 0.0001


def test_groups_of_fewer_than_five_rows_are_not_judged_and_count_among_the_others() -> None:
    groups = np.repeat([0, 1, 2], [30, 4, 30])
    values = (groups == 1)[None].astype(float)
    assert (adjust_standouts(values, groups) == 1).all()
    assert adjust_standouts(values, groups, fewest=4)[0, 1] == pytest.approx(0.001)
    assert (adjust_standouts(values, np.arange(64) // 4) == 1).all(), "none is judged"


@pytest.mark.thorough
def test_a_small_group_that_is_all_or_nothing_stands_out_seldom() -> None:
    """The same mean as nine larger groups that lose evenly: with two or three rows it stood out often."""
    generator = np.random.default_rng(3)
    for small in (3, 5):
        groups, least = np.repeat(np.arange(10), [small, *[22] * 9]), []
        for _ in range(100):
            values = generator.binomial(5, 0.2, (11, len(groups))) / 5
            values[:, :small] = generator.random(small) < 0.2
            least.append(adjust_standouts(values, groups).min())
        assert np.mean(np.array(least) <= 0.05) <= 0.12


@pytest.mark.thorough
def test_groups_that_vary_unlike_each_other_stand_out_seldom() -> None:
    """The same mean, standard deviations from 0.5 to 2: not what dealing out anew takes for granted."""
    generator, groups = np.random.default_rng(1), np.arange(300) % 6
    stds = np.linspace(0.5, 2, 6)[groups]
    least = [adjust_standouts(generator.normal(size=(5, 300)) * stds, groups).min() for _ in range(100)]
    assert np.mean(np.array(least) <= 0.05) <= 0.12
