"""Two networks on the same images: where they differ, and whether that is more than chance."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from loupe.evaluation.predict import Predictions


@dataclass(frozen=True, eq=False)
class PairedComparison:
    """Right and wrong answers of two networks to the same images.

    Args:
        only_first: (images,) int64, right in the first and wrong in the second, the second's most
            confident mistake first.
        only_second: (images,) int64, the other way round.
        num_images: images compared.
        p_value: of McNemar's exact test: how often two equally good networks would differ as much.
    """

    only_first: Tensor
    only_second: Tensor
    num_images: int
    p_value: float

    @property
    def difference(self) -> float:
        """Accuracy of the first minus accuracy of the second, in [-1, 1]."""
        return (len(self.only_first) - len(self.only_second)) / self.num_images


def compare_predictions(first: Predictions, second: Predictions) -> PairedComparison:
    """Return how two networks differ on the same images.

    Raises:
        ValueError: the images are not the same: their labels differ.
    """
    if first.labels.shape != second.labels.shape or bool((first.labels != second.labels).any()):
        raise ValueError("got predictions with other labels; allowed: two networks on the same images")
    only_first = (first.is_right & ~second.is_right).nonzero().flatten()
    only_second = (second.is_right & ~first.is_right).nonzero().flatten()
    return PairedComparison(
        only_first[second.confidence[only_first].argsort(descending=True, stable=True)],
        only_second[first.confidence[only_second].argsort(descending=True, stable=True)],
        num_images=len(first.labels),
        p_value=compute_mcnemar(len(only_first), len(only_second)),
    )


def compute_mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided p value of McNemar's exact test (McNemar, 1947), in (0, 1].

    Images on which the two agree say nothing. Of those on which one alone is right, each would be right
    in half if both were equally good: a sign test, exact by the binomial distribution.

    Args:
        only_first: images that only the first gets right, ≥ 0.
        only_second: images that only the second gets right, ≥ 0.

    Raises:
        ValueError: a count below 0.
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"got {only_first} and {only_second} images; allowed: counts of 0 or more")
    total, fewer = only_first + only_second, min(only_first, only_second)
    ways, tail = 1, 0  # whole numbers: exact however many images there are
    for chosen in range(fewer + 1):
        tail += ways
        ways = ways * (total - chosen) // (chosen + 1)
    return min(1.0, float(2 * tail / 2**total))


def adjust_for_many(p_values: Sequence[float]) -> list[float]:
    """Return p values adjusted for being looked at together (Holm, 1979), in the order given.

    Of many comparisons, one looks striking by chance; adjusted values stay honest for all of them at once.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted
