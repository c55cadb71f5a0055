from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_OFFERED = "not offered"
    """The layer has no such argument or form; that is no fault."""
    NOT_CHECKED = "not checked"
    """Another fault stands in the way, or there was nothing to look at."""


@dataclass(frozen=True)
class FailingCase:
    """The smallest case found in which a layer differs from torch's.

    Args:
        construction: the call that makes the layer, as Python.
        arguments: the same arguments, as values.
        shapes: shape of each input.
        inputs: the inputs in words.
        expected: what torch's layer gives.
        got: what this one gives: a value, a shape, or an exception with file and line.
        largest_difference: over all elements; None where values could not be compared.
    """

    construction: str
    arguments: Mapping[str, Any]
    shapes: tuple[tuple[int, ...], ...]
    inputs: str
    expected: str
    got: str
    largest_difference: float | None = None

    def describe(self) -> list[str]:
        """Return lines for people to read."""
        difference = self.largest_difference
        largest = "" if difference is None else f" (largest difference {difference:.3g})"
        return [
            f"expected  {self.expected}",
            f"came      {self.got}{largest}",
            f"case      {self.construction} on {self.inputs}",
        ]


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    Args:
        name: what was checked.
        verdict: how it ended.
        explanation: what is wrong and where to look; empty if all is well.
        case: the smallest failing case, if a case shows it.
    """

    name: str
    verdict: Verdict
    explanation: str = ""
    case: FailingCase | None = None

    def describe(self) -> str:
        """Return what was found, one thing a line; "" if all is well."""
        lines = [self.explanation] if self.explanation else []
        return "\n".join(lines if self.case is None else [*lines, *self.case.describe()])


@dataclass(frozen=True)
class LayerReport:
    """What all checks of one layer found, in the order they ran.

    Args:
        layer: name of the class or function.
        kind: what it was compared with.
        results: one a check; each name occurs once.
    """

    layer: str
    kind: str
    results: tuple[CheckResult, ...]

    def __str__(self) -> str:
        faults = [f"  {one.name}: {one.describe()}" for one in self.failures]
        return "\n".join([f"{self.layer} as {self.kind}: {self.summary}", *faults])

    def __getitem__(self, name: str) -> CheckResult:
        return next(result for result in self.results if result.name == name)

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        """The checks that failed."""
        return self._with(Verdict.FAILED)

    @property
    def is_passed(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    @property
    def summary(self) -> str:
        """How many of the checks that were made passed, in words."""
        num_passed = len(self._with(Verdict.PASSED))
        text = f"{num_passed} of {num_passed + len(self.failures)} checks passed"
        others = (Verdict.NOT_OFFERED, Verdict.NOT_CHECKED)
        counts = [f"{len(found)} {verdict}" for verdict in others if (found := self._with(verdict))]
        return ", ".join([text, *counts])

    def _with(self, verdict: Verdict) -> tuple[CheckResult, ...]:
        return tuple(result for result in self.results if result.verdict is verdict)
