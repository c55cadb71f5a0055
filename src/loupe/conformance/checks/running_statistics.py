from collections.abc import Iterator
from itertools import product

import torch
from torch import Tensor, nn

from loupe.conformance.batches import draw_batches
from loupe.conformance.cases import Case
from loupe.conformance.comparing import Failure, compare, is_close
from loupe.conformance.naming import as_torchs, find_tensors
from loupe.conformance.report import CheckResult, Verdict
from loupe.conformance.search import Judge
from loupe.conformance.subject import Subject

_ROWS = {"running_mean": "running mean", "running_var": "running variance"}


def check_running_statistics(subject: Subject) -> Iterator[CheckResult]:
    """After several batches the running statistics are torch's, and evaluation leaves them alone."""
    are_right = True
    for name, row in _ROWS.items():
        if name not in subject.places:
            explanation = f"no tensor was found that could be torch's {name}"
            result = CheckResult(row, Verdict.NOT_JUDGED, explanation)
        else:
            judge = _judging(subject, name)
            result = subject.search(row, judge, cases=draw_batches(()))
        are_right = are_right and result.verdict is Verdict.PASSED
        yield result
    if "momentum" not in subject.argument_names:
        yield CheckResult("argument momentum", Verdict.NOT_OFFERED)
    elif not are_right:
        explanation = "the running statistics are wrong without it already"
        yield CheckResult("argument momentum", Verdict.NOT_JUDGED, explanation)
    else:
        cases = draw_batches(("momentum",))
        judge = _judging(subject, "running_mean")
        yield subject.search("argument momentum", judge, cases=cases)
    yield subject.search("statistics kept in evaluation", lambda case: _judge_evaluation(subject, case))


def _judging(subject: Subject, name: str) -> Judge:
    def judge(case: Case) -> Failure | None:
        module, torchs = subject.build(case.arguments), subject.kind.reference(**case.arguments)
        module.train(), torchs.train()
        for batch in case.inputs:
            torchs(batch.clone())
            subject.call(module, [batch.clone()])
        place, expected = subject.places[name], torchs.state_dict()[name]
        held = find_tensors(module)[place.name]
        failure = compare(as_torchs(held.detach(), place, expected), expected)
        if failure is None:
            return _refuse_graph(held, place.name)
        explanation = _name_fault(name, torchs, case.inputs, as_torchs(held.detach(), place, expected))
        return Failure(failure.expected, failure.got, explanation, failure.largest_difference)

    return judge


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
    "sd": lambda channels: channels.std(1),
    "biased sd": lambda channels: channels.std(1, unbiased=False),
}
_MEASURES = {
    "running_mean": {"mean": ""},
    "running_var": {
        "variance": "",
        "biased variance": "the biased variance is stored (divided by n); torch stores the one by n - 1",
        "sd": "the standard deviation is stored; torch stores the variance",
        "biased sd": "the standard deviation (divided by n) is stored; torch stores the variance, by n - 1",
    },
}


def _judge_evaluation(subject: Subject, case: Case) -> Failure | None:
    module, _ = subject.build_pair(case)
    module.eval()
    names = [place.name for place in subject.places.values()]
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
