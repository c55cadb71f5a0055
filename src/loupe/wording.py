"""Words that every part of Loupe needs."""


def count_of(number: int, noun: str) -> str:
    """Return how many there are: "1 run", "3 runs", "12,000 images"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
