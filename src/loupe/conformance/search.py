"""Looking for the smallest case that fails, with hypothesis."""

import contextlib
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, Verbosity, find, settings
from hypothesis.errors import HypothesisException

from loupe.conformance.cases import Case
from loupe.conformance.comparing import Failure

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Comparison = Callable[[Case], Failure | None]
"""Compares a layer with torch's in a case: how it fails, None if it does not."""


def find_failures(
    cases: "SearchStrategy[Case]", compare_case: Comparison, *, num_examples: int
) -> list[tuple[Case, Failure]]:
    """Return the failing cases that were met, the smallest last; an empty list if none was."""
    failures: list[tuple[Case, Failure]] = []

    def fails(case: Case) -> bool:
        failure = compare_case(case)
        if failure is not None:
            failures.append((case, failure))
        return failure is not None

    quiet = settings(
        max_examples=num_examples,
        database=None,
        deadline=None,
        derandomize=True,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    # it says so by raising that there is no example; or that a layer does not fail twice in the same way, and
    # then the last failure counts
    with contextlib.suppress(HypothesisException):
        find(cases, fails, settings=quiet, random=random.Random(0))
    return failures
