"""Dropout is random, so it is looked at through statistics of many values."""

import math
import random
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from loupe.conformance.cases import Case, make_input
from loupe.conformance.comparing import Failure, LayerFailedError
from loupe.conformance.report import CheckResult, Verdict
from loupe.conformance.subject import Subject

_Check = Callable[[Subject, Case], Failure | None]
_SHAPE = (100, 100)
_STANDARD_ERRORS = 5.0
"""A right layer fails once in two million times, and the seed is fixed: never by chance."""


def check_dropping(subject: Subject) -> Iterator[CheckResult]:
    """In training the right share is dropped, the rest is scaled, and the gradient takes the same way."""
    rows = {
        "share dropped": _check_share,
        "survivors scaled": _check_scale,
        "gradient of the input": _check_gradient,
        "p of 0 and of 1": _check_extremes,
        "drawn anew for each value": _check_independence,
        "follows torch.manual_seed": _check_seed,
    }
    for name, check in rows.items():
        yield _first_failure(subject, name, check)


def _first_failure(subject: Subject, name: str, check: _Check) -> CheckResult:
    for p in (0.5, 0.2, 0.8):
        case = Case({"p": p}, (make_input(*_SHAPE).abs() + 1,))
        try:
            torch.manual_seed(0)
            failure = check(subject, case)
        except LayerFailedError as error:
            failure = Failure("no error", str(error), "it raises")
        if failure is not None:
            return subject.fail(name, failure.explanation, case, failure)
    return CheckResult(name, Verdict.PASSED)


def _drop(subject: Subject, case: Case, values: Tensor | None = None) -> Tensor:
    module = subject.build(case.arguments).train()
    given = case.inputs[0].clone() if values is None else values
    output = subject.call(module, [given])
    if not isinstance(output, Tensor) or output.shape != given.shape:
        raise LayerFailedError("the output is no tensor of the input's shape")
    return output


def _check_share(subject: Subject, case: Case) -> Failure | None:
    p = case.arguments["p"]
    share = (_drop(subject, case) == 0).float().mean().item()
    margin = _STANDARD_ERRORS * math.sqrt(p * (1 - p) / math.prod(_SHAPE))
    if abs(share - p) <= margin:
        return None
    is_swapped = abs(share - (1 - p)) <= margin
    explanation = "p is taken as the share that is kept; torch's p is the share that is dropped"
    return Failure(f"{p:.2f} of the values 0", f"{share:.2f}", explanation if is_swapped else "")


def _check_scale(subject: Subject, case: Case) -> Failure | None:
    p, values = case.arguments["p"], case.inputs[0]
    output = _drop(subject, case)
    factors = (output / values)[output != 0]
    wanted = 1 / (1 - p)
    if factors.numel() and torch.allclose(factors, torch.tensor(wanted), rtol=1e-4):
        return None
    got = f"{factors.mean().item():.4f} of it on average" if factors.numel() else "nothing is left"
    explanation = "in training, what is kept is divided by 1 - p; then evaluation has nothing to do"
    return Failure(f"{wanted:.4f} times the input", got, explanation)


def _check_gradient(subject: Subject, case: Case) -> Failure | None:
    leaf = case.inputs[0].clone().requires_grad_()
    output = _drop(subject, case, leaf.clone())
    if not output.requires_grad:
        return Failure(
            "a gradient", "none", "the output is cut off from the gradient: detach, .data, no_grad?"
        )
    factors = (output / leaf).detach()
    subject.run(lambda: output.sum().backward())
    if leaf.grad is not None and torch.allclose(leaf.grad, factors, rtol=1e-3):
        return None
    return Failure("the mask of the output, scaled", "something else", "the gradient takes another way")


def _check_extremes(subject: Subject, case: Case) -> Failure | None:
    for p in (0.0, 1.0):
        output = _drop(subject, Case({"p": p}, case.inputs))
        expected = case.inputs[0] * (1 - p)
        if not torch.equal(output, expected):
            return Failure(
                f"for p={p} the input times {1 - p:.0f}", f"{output[0, 0].item():.4f} as first value"
            )
    return None


def _check_independence(subject: Subject, case: Case) -> Failure | None:
    first, second = (_drop(subject, case) == 0 for _ in range(2))
    if torch.equal(first, second):
        return Failure("another mask at each call", "the same", "is a generator seeded in the layer?")
    if bool((first == first[0]).all()) or bool((first == first[:, :1]).all()):
        return Failure(
            "each value dropped by itself", "whole rows or columns", "draw a mask of the input's shape"
        )
    return None


def _check_seed(subject: Subject, case: Case) -> Failure | None:
    masks = []
    for number in range(2):
        torch.manual_seed(7)
        np.random.seed(number), random.seed(number)
        masks.append(_drop(subject, case) == 0)
    if torch.equal(*masks):
        return None
    return Failure(
        "the same mask after the same seed", "another", "draw with torch (rand, bernoulli), not numpy"
    )
