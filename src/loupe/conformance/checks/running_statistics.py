from collections.abc import Iterator
from itertools import product

import torch
from torch import Tensor, nn

from loupe.conformance.batches import draw_batches
from loupe.conformance.cases import Case
from loupe.conformance.comparing import Failure, compare, is_close
from loupe.conformance.naming import as_torchs, find_tensors
from loupe.conformance.report import CheckResult, Verdict
from loupe.conformance.search import Comparison
from loupe.conformance.subject import Subject

_ROWS = {"running_mean": "running mean", "running_var": "running variance"}


def check_running_statistics(subject: Subject) -> Iterator[CheckResult]:
    """After several batches the running statistics are torch's, and evaluation leaves them alone."""
    are_right = True
    for name, row in _ROWS.items():
        if name not in subject.locations:
            explanation = f"no tensor was found that could be torch's {name}"
            result = CheckResult(row, Verdict.NOT_CHECKED, explanation)
        else:
            compare_case = _make_comparison(subject, name)
            result = subject.search(row, compare_case, cases=draw_batches(()))
        are_right = are_right and result.verdict is Verdict.PASSED
        yield result
    if "momentum" not in subject.argument_names:
        yield CheckResult("argument momentum", Verdict.NOT_OFFERED)
    elif not are_right:
        explanation = "the running statistics are wrong without it already"
        yield CheckResult("argument momentum", Verdict.NOT_CHECKED, explanation)
    else:
        cases = draw_batches(("momentum",))
        compare_case = _make_comparison(subject, "running_mean")
        yield subject.search("argument momentum", compare_case, cases=cases)
    yield subject.search("statistics kept in evaluation", lambda case: _compare_evaluation(subject, case))


def _make_comparison(subject: Subject, name: str) -> Comparison:
    def compare_case(case: Case) -> Failure | None:
        module, torchs = subject.build(case.arguments), subject.kind.reference(**case.arguments)
        module.train(), torchs.train()
        for batch in case.inputs:
            torchs(batch.clone())
            subject.call(module, [batch.clone()])
        location, expected = subject.locations[name], torchs.state_dict()[name]
        held = find_tensors(module)[location.name]
        failure = compare(as_torchs(held.detach(), location, expected), expected)
        if failure is None:
            return _refuse_graph(held, location.name)
        explanation = _name_fault(name, torchs, case.inputs, as_torchs(held.detach(), location, expected))
        return Failure(failure.expected, failure.got, explanation, failure.largest_difference)

    return compare_case


def _refuse_graph(held: Tensor, name: str) -> Failure | None:
    if not held.requires_grad:
        return None
    explanation = f"self.{name} keeps the graph of every batch in memory: detach, or torch.no_grad()"
    return Failure("a tensor without gradient", "one with gradient", explanation)


def _name_fault(name: str, torchs: nn.Module, batches: tuple[Tensor, ...], got: Tensor) -> str:
    """Return which usual mistake gives exactly these statistics; "" if none does."""
    momentum = torchs.momentum
    assert isinstance(momentum, float)
    steps = {momentum: "", 1 - momentum: _SWAPPED}
    for (measure, what), (step, how) in product(_MEASURES[name].items(), steps.items()):
        start = torch.zeros(()) if name == "running_mean" else torch.ones(())
        for batch in batches:
            channels = batch.transpose(0, 1).flatten(1)
            start = (1 - step) * start + step * _MEASURE[measure](channels)
        if is_close(got.reshape(-1), start.reshape(-1), 1e-4):
            return "; ".join(text for text in (what, how) if text)
    return ""


_SWAPPED = (
    "momentum is the wrong way round: torch's is the weight of the new batch, "
    "running = (1 - momentum) * running + momentum * new"
)
_MEASURE = {
    "mean": lambda channels: channels.mean(1),
    "variance": lambda channels: channels.var(1),
    "biased variance": lambda channels: channels.var(1, unbiased=False),
    "std": lambda channels: channels.std(1),
    "biased std": lambda channels: channels.std(1, unbiased=False),
}
_MEASURES = {
    "running_mean": {"mean": ""},
    "running_var": {
        "variance": "",
        "biased variance": "the biased variance is stored (divided by n); torch stores the one by n - 1",
        "std": "the standard deviation is stored; torch stores the variance",
        "biased std": "the standard deviation (divided by n) is stored; torch stores the variance, by n - 1",
    },
}


def _compare_evaluation(subject: Subject, case: Case) -> Failure | None:
    module, _ = subject.build_pair(case)
    module.eval()
    names = [location.name for location in subject.locations.values()]
    before = {
        name: find_tensors(module)[name].detach().clone() for name in names if name in find_tensors(module)
    }
    with torch.no_grad():
        subject.call(module, [case.inputs[0].clone()])
    for name, value in before.items():
        failure = compare(find_tensors(module)[name], value)
        if failure is not None:
            explanation = f"an evaluation changes self.{name}"
            return Failure(failure.expected, failure.got, explanation, failure.largest_difference)
    return None
