from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from loupe.conformance.cases import Case, Family
from loupe.conformance.comparing import Failure, LayerFailedError, compare
from loupe.conformance.report import CheckResult, Verdict
from loupe.conformance.search import Comparison
from loupe.conformance.subject import Subject, clone_inputs

OUTPUT_ROW, ARGUMENT_ROW = "output", "argument "
"""How the rows about the plain output and about an argument begin."""
MODE_NAMES = {True: "training", False: "evaluation"}


def check_outputs(subject: Subject) -> Iterator[CheckResult]:
    """The output is torch's: with defaults, each optional argument, in special cases, with all at once."""
    kind, plain = subject.kind, []
    for is_training in kind.modes:
        name = f"{OUTPUT_ROW} in {MODE_NAMES[is_training]}" if len(kind.modes) > 1 else OUTPUT_ROW
        plain.append(subject.search(name, _make_comparison(subject, (is_training,)), cases=kind.cases(())))
    yield from plain
    wrong = [result for result in plain if result.verdict is Verdict.FAILED]
    sound, unsound = list[str](), set[str]()
    for argument in kind.optional:
        result = _check_argument(subject, argument, is_output_right=not wrong)
        sound += [argument] if result.verdict is Verdict.PASSED else []
        unsound |= {argument} if result.verdict is Verdict.FAILED else set()
        yield result
    for family in kind.families:
        if unsound.intersection(family.needs):
            yield CheckResult(family.name, Verdict.NOT_CHECKED, "the argument is wrong without it already")
            continue
        yield _say_what_is_new(check_family(subject, family), wrong, family.advice)
    if len(sound) > 1:  # an argument that is wrong by itself has its row already
        yield subject.search("all arguments together", _make_comparison(subject), cases=kind.cases(sound))


def _check_argument(subject: Subject, argument: str, *, is_output_right: bool) -> CheckResult:
    name = f"{ARGUMENT_ROW}{argument}"
    if argument not in subject.argument_names:
        return CheckResult(name, Verdict.NOT_OFFERED)
    if not is_output_right:
        return CheckResult(name, Verdict.NOT_CHECKED, "the output is wrong without it already")
    return subject.search(name, _make_comparison(subject), cases=subject.kind.cases((argument,)))


def _say_what_is_new(result: CheckResult, wrong: Sequence[CheckResult], advice: str) -> CheckResult:
    """Return the result of a family in the light of a plain output that may be wrong already."""
    if result.verdict is not Verdict.FAILED:
        return result
    if not wrong:
        return replace(result, explanation=result.explanation or advice)
    if result.explanation and result.explanation not in [other.explanation for other in wrong]:
        return result
    return CheckResult(result.name, Verdict.NOT_CHECKED, "the output is wrong without it already")


def check_family(subject: Subject, family: Family) -> CheckResult:
    """Compare outputs over the cases of one family."""
    if any(argument not in subject.argument_names for argument in family.needs):
        return CheckResult(family.name, Verdict.NOT_OFFERED)
    compare_case = _make_comparison(subject, family=family)
    if not family.may_refuse:
        return subject.search(family.name, compare_case, cases=family.cases)
    refusals: list[str] = []

    def compare_unless_refused(case: Case) -> Failure | None:
        try:
            return compare_case(case)
        except LayerFailedError as error:
            refusals.append(str(error))
            return None

    result = subject.search(family.name, compare_unless_refused, cases=family.cases)
    if result.verdict is Verdict.PASSED and refusals:
        return CheckResult(family.name, Verdict.NOT_OFFERED, refusals[-1])
    return result


def _make_comparison(
    subject: Subject, modes: tuple[bool, ...] | None = None, family: Family | None = None
) -> Comparison:
    def compare_case(case: Case) -> Failure | None:
        for is_training in modes or subject.kind.modes:
            failure = compare_output(subject, case, is_training=is_training, family=family)
            if failure is not None:
                return failure
        return None

    return compare_case


def compare_output(
    subject: Subject, case: Case, *, is_training: bool, family: Family | None = None
) -> Failure | None:
    """Return how a layer's output differs from torch's in one case.

    Gradients are on in training and off in evaluation, as everybody has them; `modes.py` crosses the two.
    """
    module, torchs = subject.build_pair(case, family.reference if family else None)
    module.train(is_training), torchs.train(is_training)
    with torch.set_grad_enabled(is_training):
        expected = torchs(*clone_inputs(case))
        value = subject.call(module, clone_inputs(case))
    failure = compare(value, expected)
    if failure is None:
        return None
    return replace(failure, is_training=is_training)
