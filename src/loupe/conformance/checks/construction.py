import inspect
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn

from loupe.conformance.cases import LayerKind
from loupe.conformance.comparing import Failure, LayerFailedError
from loupe.conformance.report import CheckResult, Verdict
from loupe.conformance.subject import Subject

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def match_arguments(layer: Callable[..., Any], kind: LayerKind) -> dict[str, str]:
    """Return the constructor's name for each of torch's arguments that it takes.

    A required argument under another name is found by its position.
    """
    known = (*kind.required, *kind.optional, *kind.checked_elsewhere)
    parameters = _read_parameters(layer)
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return {name: name for name in known}
    names = [parameter.name for parameter in parameters]
    matched = {name: name for name in known if name in names}
    positional = [parameter.name for parameter in parameters if parameter.kind in _POSITIONAL]
    for index, name in enumerate(kind.required):
        if name not in matched and index < len(positional) and positional[index] not in known:
            matched[name] = positional[index]
    return matched


def check_construction(subject: Subject) -> Iterator[CheckResult]:
    """The layer is built from torch's arguments, by torch's names."""
    kind, name = subject.kind, "constructor"
    renamed = {theirs: own for theirs, own in subject.argument_names.items() if theirs != own}
    missing = [theirs for theirs in kind.required if theirs not in subject.argument_names]
    try:
        subject.build(kind.probe.arguments)
    except LayerFailedError as error:
        explanation = f"it takes no argument {missing[0]!r}" if missing else "it raises"
        yield subject.fail(name, explanation, kind.probe, Failure("a module", str(error)))
        return
    if renamed:
        pairs = ", ".join(f"{own} where torch has {theirs}" for theirs, own in renamed.items())
        yield CheckResult(name, Verdict.FAILED, f"other argument names: {pairs}")
    else:
        yield CheckResult(name, Verdict.PASSED)


def _read_parameters(layer: Callable[..., Any]) -> list[inspect.Parameter]:
    if getattr(layer, "__init__", None) is nn.Module.__init__:  # takes anything, to refuse it later
        return []
    try:
        return list(inspect.signature(layer).parameters.values())
    except (TypeError, ValueError):  # some callables of C have none
        return []
