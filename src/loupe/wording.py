"""Words that every part of Loupe needs."""

from collections.abc import Sequence


def count_of(number: int, noun: str) -> str:
    """Return how many there are: "1 run", "3 runs", "12,000 images"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def list_names(names: Sequence[str], most: int = 4) -> str:
    """Return names in a row: "M1, M2 and M3"; beyond `most` the rest is counted."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
