import random
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from loupe.conformance.cases import Case
from loupe.conformance.comparing import Failure, compare
from loupe.conformance.report import CheckResult
from loupe.conformance.subject import Subject, clone_inputs


def check_modes(subject: Subject) -> Iterator[CheckResult]:
    """Training or evaluation is taken from `module.training`, not from whether gradients are on.

    The layer is compared with itself: whatever else is wrong with it has rows of its own.
    """
    yield subject.search(
        "training mode without gradients", lambda case: _compare_with_itself(subject, case, True)
    )
    yield subject.search(
        "evaluation mode with gradients", lambda case: _compare_with_itself(subject, case, False)
    )


def _compare_with_itself(subject: Subject, case: Case, is_training: bool) -> Failure | None:
    outputs = []
    for has_gradients in (is_training, not is_training):  # first as everybody has it
        module, _ = subject.build_pair(case)
        module.train(is_training)
        torch.manual_seed(0), np.random.seed(0), random.seed(0)  # dropout is to draw the same mask twice
        with torch.set_grad_enabled(has_gradients):
            outputs.append(subject.call(module, clone_inputs(case)))
    usual, crossed = outputs
    failure = compare(crossed, usual) if isinstance(usual, Tensor) else None
    if failure is None:
        return None
    explanation = (
        "under torch.no_grad() it behaves as in evaluation: ask self.training, not whether gradients are on"
        if is_training
        else "with gradients on it behaves as in training: ask self.training, not whether gradients are on"
    )
    return Failure(failure.expected, failure.got, explanation, failure.largest_difference)
