"""When to stop: compare the mean validation loss of two windows of epochs."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True)
class WindowedEarlyStopping:
    """Stop when the last window of epochs has not improved enough on the one before.

    Args:
        window: epochs in each window, ≥ 1.
        min_improvement: training goes on while the mean validation loss falls by at least this much, in
            nats; 0 stops at any rise, a value below 0 tolerates a rise of that size.
    """

    window: int
    min_improvement: float = 0.0

    def should_stop(self, validation_losses: Sequence[float]) -> bool:
        """Return whether to stop after the epochs seen so far.

        False until two whole windows have been seen: windows of unequal length are never compared.
        """
        if len(validation_losses) < 2 * self.window:
            return False
        before = fmean(validation_losses[-2 * self.window : -self.window])
        now = fmean(validation_losses[-self.window :])
        return before - now < self.min_improvement
