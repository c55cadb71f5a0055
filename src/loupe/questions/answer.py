"""An answer to a question about a run."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["good", "attention", "unknown"]
"""Nothing to do here; something that should be looked at; this run alone cannot tell."""


@dataclass(frozen=True)
class Answer:
    """A question about a run, and what its files say.

    Args:
        name: of the question: "fit", "rate", …
        question: in words.
        verdict: "good", "attention" or "unknown".
        sentence: the answer, with the number it rests on.
        section: of the report, where that number comes from; "" for none.
        next_step: what would help, where something would; "" for nothing.
    """

    name: str
    question: str
    verdict: Verdict
    sentence: str
    section: str = ""
    next_step: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values."""
        return asdict(self)
