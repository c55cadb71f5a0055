import pytest
from hypothesis import given
from hypothesis import strategies as st

from loupe.training import WindowedEarlyStopping


@given(window=st.integers(1, 20), losses=st.lists(st.floats(0, 10), max_size=39))
def test_never_before_two_whole_windows(window: int, losses: list[float]) -> None:
    """D-004-5: at epoch 20 the previous window was empty, and before epoch 40 it was shorter."""
    stopping = WindowedEarlyStopping(window, min_improvement=100)
    assert stopping.should_stop(losses) == (len(losses) >= 2 * window)


@pytest.mark.parametrize(
    ("losses", "min_improvement", "stops"),
    [
        ([1.0, 1.0, 0.9, 0.9], 0.0, False),
        ([1.0, 1.0, 1.0, 1.0], 0.0, False),  # no worse is no reason, unless improvement is asked for
        ([1.0, 1.0, 1.0, 1.0], 0.001, True),
        ([1.0, 1.0, 1.1, 1.1], 0.0, True),
        ([1.0, 1.0, 1.0005, 1.0005], -0.001, False),  # a rise of up to .001 is tolerated
        ([1.0, 1.0, 1.002, 1.002], -0.001, True),
        ([9.0, 9.0, 1.0, 1.0, 1.1, 1.1], 0.0, True),  # only the last two windows count
    ],
)
def test_two_windows_are_compared(losses: list[float], min_improvement: float, stops: bool) -> None:
    assert WindowedEarlyStopping(2, min_improvement).should_stop(losses) is stops
