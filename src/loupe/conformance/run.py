from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from loupe.conformance.cases import LayerKind
from loupe.conformance.checks.construction import check_construction, match_arguments
from loupe.conformance.checks.outputs import ARGUMENT_ROW, OUTPUT_ROW
from loupe.conformance.comparing import LayerFailedError
from loupe.conformance.naming import find_locations
from loupe.conformance.report import CheckResult, LayerReport, Verdict
from loupe.conformance.subject import Subject
from loupe.conformance.surroundings import hypothesis_elsewhere, undisturbed


def run_checks(
    layer: Callable[..., Any], kind_name: str, kind: LayerKind, *, num_examples: int
) -> LayerReport:
    """Return what all checks of a kind found about a layer."""
    name = getattr(layer, "__name__", type(layer).__name__)
    with undisturbed(), hypothesis_elsewhere():
        subject = Subject(layer, name, kind, match_arguments(layer, kind), {}, num_examples)
        results = tuple(_run(subject))
    return LayerReport(name, kind_name, results)


def _run(subject: Subject) -> Iterator[CheckResult]:
    yield from check_construction(subject)
    try:
        module = subject.build(subject.kind.probe.arguments)
    except LayerFailedError:
        explanation = "the layer cannot be built, so nothing else was looked at"
        yield CheckResult("all other checks", Verdict.NOT_CHECKED, explanation)
        return
    state = subject.kind.reference(**subject.kind.probe.arguments).state_dict()
    locations = find_locations(module, state, subject.kind.aliases)
    known = replace(subject, locations=locations)
    for check in known.kind.checks:
        for result in check(known):
            known = _learn(known, result)
            yield result


def _learn(subject: Subject, result: CheckResult) -> Subject:
    """Return the same subject, with what a failed row says of those to come."""
    if result.verdict is not Verdict.FAILED:
        return subject
    if result.name.startswith(ARGUMENT_ROW):
        wrong = subject.wrong_arguments | {result.name.removeprefix(ARGUMENT_ROW)}
        return replace(subject, wrong_arguments=wrong)
    return replace(
        subject, is_output_right=subject.is_output_right and not result.name.startswith(OUTPUT_ROW)
    )
