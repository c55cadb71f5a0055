from collections.abc import Iterator

import torch
from torch import Tensor, nn

from loupe.conformance.cases import Case, make_input
from loupe.conformance.comparing import Failure, LayerFailedError, compare, is_close
from loupe.conformance.naming import as_torchs, find_tensors
from loupe.conformance.report import CheckResult, Verdict
from loupe.conformance.subject import Subject

_TOLERANCE = 1e-3
"""Gradients of nearly equal values cancel, so they agree to fewer digits than outputs."""


def check_gradients(subject: Subject) -> Iterator[CheckResult]:
    """Wherever the output is torch's, so are the gradients of the input and of each parameter."""
    yield _check_gradient(subject, "gradient of the input", None)
    names = [name for name, _ in subject.kind.reference(**subject.kind.probe.arguments).named_parameters()]
    for name in names:
        if name in subject.locations:
            yield _check_gradient(subject, f"gradient of {name}", name)
        else:
            explanation = f"no parameter was found that could be torch's {name}"
            yield CheckResult(f"gradient of {name}", Verdict.NOT_CHECKED, explanation)


def _check_gradient(subject: Subject, name: str, parameter: str | None) -> CheckResult:
    num_compared = 0

    def compare_case(case: Case) -> Failure | None:
        nonlocal num_compared
        module, torchs = subject.build_pair(case)
        is_training = subject.kind.modes[0]
        module.train(is_training), torchs.train(is_training)
        expected_output, expected = _differentiate(torchs, case, parameter)
        output, leaf = _run_with_leaf(subject, module, case)
        if expected is None or not isinstance(output, Tensor) or not is_close(output, expected_output, 1e-4):
            return None
        num_compared += 1
        if not output.requires_grad:
            return Failure(
                "a gradient", "none", "the output is cut off from the gradient: detach, .data, no_grad?"
            )
        try:
            subject.run(lambda: (output * _weights_of(output)).sum().backward())
        except LayerFailedError as error:
            return Failure("a gradient", str(error), "the gradient cannot be computed")
        held = leaf if parameter is None else find_tensors(module)[subject.locations[parameter].name]
        if held.grad is None:
            return Failure("a gradient", "none", "no gradient arrives: detach, .data, or no nn.Parameter?")
        gradient = (
            held.grad if parameter is None else as_torchs(held.grad, subject.locations[parameter], expected)
        )
        failure = compare(gradient, expected, tolerance=_TOLERANCE)
        # a known fault of the output says nothing about gradients
        return failure and Failure(
            failure.expected, failure.got, failure.explanation, failure.largest_difference
        )

    result = subject.search(name, compare_case)
    if result.verdict is Verdict.PASSED and not num_compared:
        return CheckResult(name, Verdict.NOT_CHECKED, "no case was met in which the output is right")
    return result


def _run_with_leaf(subject: Subject, module: nn.Module, case: Case) -> tuple[object, Tensor]:
    leaf = case.inputs[0].clone().requires_grad_()
    others = [value.clone() for value in case.inputs[1:]]
    # a copy of the leaf: a layer that writes into its input fails elsewhere, not here
    return subject.call(module, [leaf.clone(), *others]), leaf


def _differentiate(torchs: nn.Module, case: Case, parameter: str | None) -> tuple[Tensor, Tensor | None]:
    leaf = case.inputs[0].clone().requires_grad_()
    output: Tensor = torchs(leaf.clone(), *case.inputs[1:])
    (output * _weights_of(output)).sum().backward()
    held = leaf if parameter is None else dict(torchs.named_parameters()).get(parameter)
    return output.detach(), None if held is None else held.grad


def _weights_of(output: Tensor) -> Tensor:
    """Return uneven weights for a sum over the output: with a plain sum, many mistakes cancel."""
    return make_input(*output.shape, shift=1.0, seed=2) if output.ndim else torch.ones(())
