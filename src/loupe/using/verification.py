"""What verifying a run found, check by check."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Verdict = Literal["sound", "altered", "unknown"]
"""Whether something is what the run left: it is, it is not (or cannot be read), or nobody can tell here."""


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Args:
        check: what was checked.
        verdict: whether it is what the run left.
        found: in words.
    """

    check: str
    verdict: Verdict
    found: str


@dataclass(frozen=True)
class Verification:
    """What was found of one run.

    Args:
        run: its folder.
        findings: one a check.
    """

    run: Path
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found altered."""
        return all(one.verdict != "altered" for one in self.findings)

    def describe(self) -> str:
        """Return the outcome in words: "nothing altered" only where everything could be checked."""
        if not self.is_sound:
            return "ALTERED"
        unknown = dict.fromkeys(one.check for one in self.findings if one.verdict == "unknown")
        if unknown:
            return f"nothing found altered, but not known: {', '.join(unknown)}"
        return "nothing altered"

    def to_dict(self) -> dict[str, Any]:
        findings = [asdict(one) for one in self.findings]
        return {"run": str(self.run), "is_sound": self.is_sound, "findings": findings}
