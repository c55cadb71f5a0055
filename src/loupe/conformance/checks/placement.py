from collections.abc import Callable, Iterator

import torch
from torch import nn

from loupe.conformance.comparing import Failure, LayerFailedError, compare
from loupe.conformance.naming import find_tensors
from loupe.conformance.report import CheckResult, Verdict
from loupe.conformance.subject import Subject, clone_inputs


def check_placement(subject: Subject) -> Iterator[CheckResult]:
    """`.to(…)` takes everything along: to double precision, and to another device."""
    yield _check_left_behind(
        subject,
        "double precision",
        lambda module: module.to(torch.float64),
        lambda value: not value.is_floating_point() or value.dtype == torch.float64,
        torch.float64,
        "cpu",
    )
    device = "cuda" if torch.cuda.is_available() else "meta"
    yield _check_left_behind(
        subject,
        "another device",
        lambda module: module.to(device),
        lambda value: value.device.type == device,
        torch.float32,
        device,
    )


def _check_left_behind(
    subject: Subject,
    name: str,
    move: Callable[[nn.Module], nn.Module],
    is_moved: Callable[[torch.Tensor], bool],
    dtype: torch.dtype,
    device: str,
) -> CheckResult:
    probe = subject.kind.probe
    module, torchs = subject.build_pair(probe)
    try:
        subject.run(lambda: move(module))
    except LayerFailedError as error:
        return CheckResult(name, Verdict.FAILED, str(error))
    left = [f"self.{tensor}" for tensor, value in find_tensors(module).items() if not is_moved(value)]
    if left:
        explanation = f"stays behind: {', '.join(left)}; use nn.Parameter or self.register_buffer"
        return CheckResult(name, Verdict.FAILED, explanation)
    if device == "meta":  # holds no values, so there is nothing to compute with
        return CheckResult(name, Verdict.PASSED)
    return _compare_there(subject, name, module, move(torchs), dtype, device)


def _compare_there(
    subject: Subject, name: str, module: nn.Module, torchs: nn.Module, dtype: torch.dtype, device: str
) -> CheckResult:
    """Compare with torch's layer in evaluation, where nothing is random."""
    probe = subject.kind.probe
    if not _is_right_at_home(subject):
        explanation = "all tensors move along; the values were wrong before they moved"
        return CheckResult(name, Verdict.NOT_CHECKED, explanation)
    inputs = [
        value.to(device, dtype) if value.is_floating_point() else value.to(device) for value in probe.inputs
    ]
    with torch.no_grad():
        expected = torchs.eval()(*inputs)
        try:
            value = subject.call(module.eval(), [each.clone() for each in inputs])
        except LayerFailedError as error:
            return subject.fail(name, "it raises", probe, Failure("no error", str(error)))
    if isinstance(value, torch.Tensor) and value.dtype != dtype:
        explanation = "the output has another dtype than the input"
        return subject.fail(name, explanation, probe, Failure(str(dtype), str(value.dtype)))
    failure = compare(value, expected, tolerance=1e-9 if dtype is torch.float64 else 1e-3)
    if failure is None:
        return CheckResult(name, Verdict.PASSED)
    return subject.fail(name, "values lose their precision on the way", probe, failure)


def _is_right_at_home(subject: Subject) -> bool:
    """Return whether the output is torch's in single precision on the CPU."""
    probe = subject.kind.probe
    module, torchs = subject.build_pair(probe)
    with torch.no_grad():
        try:
            value = subject.call(module.eval(), clone_inputs(probe))
        except LayerFailedError:
            return False
        return compare(value, torchs.eval()(*probe.inputs)) is None
