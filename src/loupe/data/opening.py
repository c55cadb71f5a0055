"""A look at the test set, as it is put on record."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Opening:
    """One look at the test set: why, and when (UTC, ISO 8601)."""

    reason: str
    at: str

    def to_dict(self) -> dict[str, str]:
        return asdict(self)
