"""Which classes get a name where there is no room for all."""

from collections import Counter
from collections.abc import Sequence

MOST_NAMED = 40
"""Classes that a legend, or a figure with a row for each, has at most: so many can be read."""


def pick_most_frequent(labels: Sequence[int], most: int = MOST_NAMED) -> list[int]:
    """Return the classes that most of the labels are of, ascending; the first of those with equally many.

    Args:
        labels: class of each image.
        most: how many classes, at least 1.
    """
    by_count = sorted(Counter(labels).items(), key=lambda one: (-one[1], one[0]))
    return sorted(label for label, _ in by_count[:most])
