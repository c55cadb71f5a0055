import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import f

from loupe.statistics import PowerLaw, find_lack_of_fit, fit_power_law, predict_errors

SIZES = [1250, 2500, 5000, 10000, 15000, 25000]
NOISE = np.random.default_rng(0).normal(0, 0.001, (3, len(SIZES)))


def noisy(law: PowerLaw) -> list[list[float]]:
    return (np.array([law.predict(size) for size in SIZES]) + NOISE).tolist()


FALLING = PowerLaw(floor=0.0107, scale=0.6825, exponent=0.5)


def test_a_law_predicts_what_it_says() -> None:
    assert PowerLaw(0.01, 2, 0.5).predict(10_000) == pytest.approx(0.03)


@given(st.floats(0, 0.1), st.floats(0.005, 0.5), st.floats(0.05, 2))
def test_errors_on_a_curve_give_the_curve(floor: float, fall: float, exponent: float) -> None:
    law = PowerLaw(floor, fall * 1250**exponent, exponent)
    found = fit_power_law(SIZES, [[law.predict(size) for size in SIZES]])
    for size in (*SIZES, 50_000):
        assert found.predict(size) == pytest.approx(law.predict(size), rel=1e-4)
    assert found.floor >= 0
    assert found.exponent == pytest.approx(exponent, rel=0.05)


def test_no_floor_and_no_scale_below_0() -> None:
    """Errors that fall ever faster would want a floor below 0, errors that rise a scale below 0."""
    faster = fit_power_law(SIZES, [[0.1 - 0.01 * math.log(size / 1250) for size in SIZES]])
    assert faster.floor == 0
    assert faster.scale > 0
    rising = fit_power_law(SIZES, [[0.1 + 1e-6 * size for size in SIZES]])
    assert rising.scale == 0
    assert 0.1 < rising.floor < 0.125


def test_a_small_error_weighs_more_than_a_large_one() -> None:
    """The variance of a count grows as the count: the same slip at a small error pulls harder."""
    curve = [FALLING.predict(size) for size in SIZES]
    slips = []
    for place in (0, -1):
        errors = list(curve)
        errors[place] += 0.003
        found = fit_power_law(SIZES, [errors])
        slips.append(found.predict(SIZES[place]) - curve[place])
    assert slips[1] / 0.003 > 0.5
    assert slips[0] > 0


def test_missing_runs_are_left_out() -> None:
    errors = noisy(FALLING)
    errors[0][2] = math.nan
    without_a_size = [[*row, math.nan] for row in errors]
    assert fit_power_law([*SIZES, 50_000], without_a_size) == fit_power_law(SIZES, errors)
    without_a_seed = [*errors, [math.nan] * len(SIZES)]
    assert fit_power_law(SIZES, without_a_seed) == fit_power_law(SIZES, errors)
    assert predict_errors(SIZES, without_a_seed, [5e4]) == predict_errors(SIZES, errors, [5e4])
    assert fit_power_law(SIZES, noisy(FALLING)) != fit_power_law(SIZES, errors)


def test_order_of_sizes_and_seeds_says_nothing() -> None:
    errors = noisy(FALLING)
    turned = [row[::-1] for row in errors[::-1]]
    law, same = fit_power_law(SIZES, errors), fit_power_law(SIZES[::-1], turned)
    assert same.predict(50_000) == pytest.approx(law.predict(50_000), rel=1e-6)


def test_a_seed_gives_the_same_interval_again_and_another_one_nearly() -> None:
    errors = noisy(FALLING)
    [first], [again], [other] = (predict_errors(SIZES, errors, [50_000], seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.error == fit_power_law(SIZES, errors).predict(50_000)
    assert first.interval is not None
    assert other.interval is not None
    assert first.interval != other.interval
    width = first.interval.high - first.interval.low
    assert other.interval.low == pytest.approx(first.interval.low, abs=0.15 * width)
    assert other.interval.high == pytest.approx(first.interval.high, abs=0.15 * width)


def test_intervals_widen_away_from_the_data_and_with_confidence() -> None:
    def widths(confidence: float) -> list[float]:
        predicted = predict_errors(SIZES, noisy(FALLING), [10_000, 50_000, 500_000], confidence=confidence)
        assert [one.size for one in predicted] == [10_000, 50_000, 500_000]
        for one in predicted:
            assert one.interval is not None
            assert 0 <= one.interval.low <= one.error <= one.interval.high
        return [one.interval.high - one.interval.low for one in predicted if one.interval]

    wide, narrow = widths(0.95), widths(0.5)
    assert wide == sorted(wide)
    assert all(one > 1.5 * other for one, other in zip(wide, narrow, strict=True))


def test_what_shifts_a_whole_seed_widens_the_interval() -> None:
    """Seeds 0.3 points apart at all sizes alike: the mean over three seeds is less certain."""
    errors = noisy(FALLING)
    apart = [[error + shift for error in row] for row, shift in zip(errors, (-0.003, 0, 0.003), strict=True)]
    [alike], [shifted] = (predict_errors(SIZES, seeds, [50_000]) for seeds in (errors, apart))
    assert alike.interval is not None
    assert shifted.interval is not None
    assert shifted.interval.high - shifted.interval.low > 2 * (alike.interval.high - alike.interval.low)


def test_one_seed_and_single_runs_have_intervals_too() -> None:
    errors = noisy(FALLING)
    assert predict_errors(SIZES, errors[:1], [50_000])[0].interval is not None
    one_a_size = np.full((len(SIZES), len(SIZES)), math.nan)
    np.fill_diagonal(one_a_size, errors[0])
    # a seed a size: its shift and its noise are one
    assert predict_errors(SIZES, one_a_size.tolist(), [5e4]) == predict_errors(SIZES, errors[:1], [5e4])


def test_errors_without_noise_give_no_interval() -> None:
    assert predict_errors(SIZES, [[0.02] * 6] * 3, [50_000])[0].interval is None
    on_curve = [FALLING.predict(size) for size in SIZES]
    assert predict_errors(SIZES, [on_curve] * 2, [50_000])[0].interval is None


@pytest.mark.parametrize(
    ("sizes", "errors", "said"),
    [
        (SIZES[:3], [[0.3, 0.2, 0.1]], "got errors at 3 sizes; allowed: 4 or more"),
        (SIZES[:4], [[0.3, 0.2, 0.1, math.nan]], "got errors at 3 sizes"),
        (SIZES[:4], [], r"got 4 sizes, seeds with \[\] errors"),
        (SIZES[:4], [[0.3, 0.2, 0.1, 0.1], [0.3]], r"seeds with \[1, 4\] errors"),
        ([1, 1, 2, 3], [[0.3, 0.2, 0.1, 0.1]], "different numbers above 0"),
        ([0, 1, 2, 3], [[0.3, 0.2, 0.1, 0.1]], "different numbers above 0"),
        (SIZES[:4], [[0.3, 0.2, 0.1, -0.1]], "below 0 or infinite"),
        (SIZES[:4], [[0.3, 0.2, 0.1, math.inf]], "below 0 or infinite"),
        (SIZES[:4], [[0.0] * 4], "all 0"),
    ],
)
def test_errors_that_make_no_curve_are_refused(
    sizes: list[float], errors: list[list[float]], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        fit_power_law(sizes, errors)
    with pytest.raises(ValueError, match=said):
        predict_errors(sizes, errors, [50_000])


def test_a_size_of_0_cannot_be_predicted() -> None:
    with pytest.raises(ValueError, match="sizes to predict for"):
        predict_errors(SIZES, noisy(FALLING), [0])


def test_lack_of_fit_is_the_f_test_of_a_two_way_table() -> None:
    """Against statsmodels: sizes as levels beside the fitted curve, seeds shifting every size."""
    sm = pytest.importorskip("statsmodels.api", reason="statsmodels is not installed: extra `dev`")
    errors = np.array(noisy(FALLING))
    errors[:, 2] *= 0.9
    law = fit_power_law(SIZES, errors.tolist())
    assert law.floor > 0, "three numbers of six are the curve's"
    curve = np.array([law.predict(size) for size in SIZES])
    scaled = (errors - curve) / np.sqrt(curve)
    seeds, places = (one.ravel() for one in np.indices(errors.shape))
    table = np.hstack([np.eye(len(SIZES))[places], np.eye(3)[seeds][:, :2]])
    model = sm.OLS(scaled.ravel(), table).fit()
    off = 3 * float((scaled.mean(0) ** 2).sum()) / 3
    wanted = float(f.sf(off / model.mse_resid, 3, model.df_resid))
    assert find_lack_of_fit(SIZES, errors.tolist()) == pytest.approx(wanted, rel=1e-6)
    assert wanted < 0.05


def test_lack_of_fit_is_seldom_found_in_errors_on_a_law_and_nearly_always_in_a_bend() -> None:
    generator = np.random.default_rng(0)
    for law in (FALLING, PowerLaw(0, 2, 0.3), PowerLaw(0.07, 0, 1)):
        curve = np.array([law.predict(size) for size in SIZES])
        for bend, low, high in ((1.0, 0, 0.10), (0.8, 0.9, 1)):
            bent = curve * np.array([1, 1, 1, 1, 1, bend])
            found = 0
            for _ in range(150):
                seeds, rest = generator.normal(0, 0.005, (3, 1)), generator.normal(0, 0.004, (3, len(SIZES)))
                errors = np.maximum(bent + np.sqrt(bent) * (seeds + rest), 0)
                p_value = find_lack_of_fit(SIZES, errors.tolist())
                assert p_value is not None
                found += p_value < 0.05
            assert low <= found / 150 <= high, (law, bend)


def test_lack_of_fit_needs_seeds_that_differ_and_a_size_more_than_the_curve_has_numbers() -> None:
    errors = noisy(FALLING)
    assert find_lack_of_fit(SIZES, errors[:1]) is None
    exact = [FALLING.predict(size) for size in SIZES]
    assert find_lack_of_fit(SIZES, [exact, exact]) == 1
    bent = [*exact[:-1], exact[-1] / 2]
    assert find_lack_of_fit(SIZES, [bent, bent]) is None, "equal seeds do not show that there is no noise"
    holes = [[*row] for row in errors]
    holes[0][2] = math.nan
    found = find_lack_of_fit(SIZES, holes)
    assert found is not None
    assert 0 < found < 1
