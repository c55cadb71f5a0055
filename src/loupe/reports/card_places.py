"""Where model cards go: beside what they describe, and over no card of something else."""

from pathlib import Path

CARD_NAME = "model-card.md"
NO_FILE = "writes it as a file that needs no Loupe."
"""How the sentence on use ends in a card without a file."""


def place_card(file: Path) -> Path:
    """Return where the card of an exported file goes: beside it, and over no card of another file."""
    card = file.with_name(CARD_NAME)
    if card.is_file() and file.name not in card.read_text(encoding="utf-8", errors="replace"):
        return card.with_stem(f"{card.stem}-{file.suffix.removeprefix('.')}")
    return card


def place_card_alone(card: Path) -> Path:
    """Return where a card without a file goes: as named, unless the card of an exported file stands there."""
    return card.with_stem(f"{card.stem}-of-run") if is_card_of_file(card) else card


def is_card_of_file(card: Path) -> bool:
    """Return whether a card is there and says how a file beside it is used, or was not written by Loupe."""
    return card.is_file() and NO_FILE not in card.read_text(encoding="utf-8", errors="replace")
