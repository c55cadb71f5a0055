"""What follows from a difference: shown, practically none, or these runs cannot tell."""

from dataclasses import dataclass
from typing import Literal

from loupe.statistics.intervals import Interval

Conclusion = Literal["shown", "practically none", "cannot tell", "not looked at"]
"""The last is for single places of an arm that is not shown to differ on average over them."""

Statement = Literal["new seeds and new test images", "new seeds on these test images"]
"""What a difference, its interval and its p value hold for."""

EQUIVALENCE_MARGIN_POINTS = 0.005
"""Differences of accuracy up to half a point count as practically none, unless a study says otherwise."""

EQUIVALENCE_MARGIN_RATIO = 0.05
"""So do errors and losses that differ by a twentieth."""


@dataclass(frozen=True)
class Difference:
    """How an arm differs from the reference, as it stands on the page with all others.

    Args:
        mean: arm minus reference, in the unit of what was compared (a logarithm, if logarithms were).
        interval: of the mean, for all differences of its family at once; None if nothing shows how much it
            may vary, or if single cells are not looked at.
        p_value: adjusted for all that the page prints; None where `interval` is.
        num_seeds: seeds that both arms have, which it rests on; where they have none in common, of the arm
            with the fewer.
        num_images: test images, where they too are counted as drawn by chance; else None.
        conclusion: what follows.
        num_seeds_needed: where these runs cannot tell, about how many seeds would; 0 if no number would,
            because it is test images that are lacking; None where there is nothing to say it from.
        num_seeds_without_images: how many it would be if other test images added nothing; None as above.
        is_paired: whether the seeds were compared in pairs.
        shares_seeds: whether it rests on the seeds that both arms have; where they have none in common, it is
            unpaired: a difference of means over all seeds of either.
    """

    mean: float
    interval: Interval | None
    p_value: float | None
    num_seeds: int
    num_images: int | None = None
    conclusion: Conclusion = "cannot tell"
    num_seeds_needed: int | None = None
    is_paired: bool = False
    shares_seeds: bool = True
    num_seeds_without_images: int | None = None

    @property
    def at_least(self) -> float:
        """How large a difference is shown, at least: the end of the interval that is nearer to 0, or 0."""
        if self.interval is None or self.interval.low <= 0 <= self.interval.high:
            return 0.0
        return min(self.interval.low, self.interval.high, key=abs)

    @property
    def is_open(self) -> bool:
        """Whether these runs cannot tell."""
        return self.conclusion == "cannot tell"

    @property
    def is_unsettled(self) -> bool:
        """Whether nothing follows from it: these runs cannot tell, or it was not looked at."""
        return self.conclusion in ("cannot tell", "not looked at")

    @property
    def statement(self) -> Statement:
        """What it holds for."""
        if self.num_images is None:
            return "new seeds on these test images"
        return "new seeds and new test images"


def conclude(
    interval: Interval | None, p_value: float | None, margin: float, confidence: float
) -> Conclusion:
    """Return what follows from a difference.

    "Practically none" is shown, not the lack of a showing: the whole interval lies within the margin (two
    one-sided tests; Schuirmann, 1987).

    Args:
        interval: of the difference; None if there is none.
        p_value: adjusted; None if there is none.
        margin: size up to which a difference counts as practically none, ≥ 0, in the difference's unit.
        confidence: level in (0, 1).
    """
    if interval is None or p_value is None:
        return "cannot tell"
    # a difference that is surely there and surely small is both; that it is small is what matters
    if -margin < interval.low and interval.high < margin:
        return "practically none"
    return "shown" if p_value <= 1 - confidence else "cannot tell"
