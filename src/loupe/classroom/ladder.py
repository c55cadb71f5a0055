"""What a leaderboard may show of hidden images, so that it cannot be fitted to.

Whoever sees the exact score of everything he hands in can climb by guessing: keep what helps, drop what does
not, vote (Blum and Hardt, 2015, "The Ladder"). The Ladder shows a student's score anew only when it is better
than the best shown so far by more than a step, and rounds it down to whole steps. With a step as wide as
chance, luck stays below it.
"""

import math
from dataclasses import dataclass, field

from loupe.metrics import Metric


def choose_step(metric: Metric, num_images: int) -> float:
    """Return a step as wide as chance: 1/√n for shares of n images, rounded up to half a point.

    The difference of two accuracies on n images has a standard error of at most 0.71/√n, so that luck alone
    makes a step in fewer than one of ten comparisons of networks that differ everywhere, and far more rarely
    between networks that mostly agree. For other metrics it is 5 % of the range, or 0.05 where there is none.
    """
    if metric.is_percent:
        return math.ceil(200 / math.sqrt(num_images)) / 200
    low, high = metric.bounds["low"], metric.bounds["high"]
    return 0.05 * (high - low) if math.isfinite(high - low) else 0.05


@dataclass
class Ladder:
    """The rungs that students have reached.

    Args:
        metric: what is shown.
        step: height of a rung, > 0, in the metric's own unit.
        best: rung of each student by name: a whole number of steps.
    """

    metric: Metric
    step: float
    best: dict[str, int] = field(default_factory=dict)

    def climb(self, name: str, score: float) -> bool:
        """Take in a score, and return whether the student's rung changed.

        Args:
            name: of the student.
            score: of what he handed in, exact; it is not kept.
        """
        sign = 1 if self.metric.is_higher_better else -1
        rung = math.floor(sign * score / self.step + 1e-9)
        before = self.best.get(name)
        if before is not None and not sign * score > (before + 1) * self.step + 1e-12:
            return False  # not better than the rung above the one that is shown
        self.best[name] = rung
        return before != rung

    def shown(self, name: str) -> float:
        """Return what is shown of a student: the rung's lower end (upper, where lower is better)."""
        sign = 1 if self.metric.is_higher_better else -1
        return sign * self.best[name] * self.step

    def order(self) -> list[tuple[str, int]]:
        """Return names with rungs, the highest first; on one rung by name, not by when they came."""
        return sorted(self.best.items(), key=lambda one: (-one[1], one[0].casefold()))
