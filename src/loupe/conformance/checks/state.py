from collections.abc import Iterator

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from loupe.conformance.comparing import Failure, LayerFailedError, compare
from loupe.conformance.naming import Fit, find_plain_tensors
from loupe.conformance.report import CheckResult, Verdict
from loupe.conformance.subject import Subject, clone_inputs


def check_state(subject: Subject) -> Iterator[CheckResult]:
    """The state dict has torch's names and shapes, and holds all that the layer needs."""
    mistakes = _find_mistakes(subject, subject.build(subject.kind.probe.arguments))
    verdict = Verdict.FAILED if mistakes else Verdict.PASSED
    yield CheckResult("state dict", verdict, "\n".join(mistakes))
    yield _check_round_trip(subject)


def _find_mistakes(subject: Subject, module: nn.Module) -> list[str]:
    torchs = subject.kind.reference(**subject.kind.probe.arguments)
    expected, actual, plain = torchs.state_dict(), module.state_dict(), find_plain_tensors(module)
    mistakes = []
    for name, value in expected.items():
        location = subject.locations.get(name)
        if location is None:
            got = f", of another size: {tuple(actual[name].shape)}" if name in actual else ""
            mistakes.append(f"{name}: missing{got}; torch has one of shape {tuple(value.shape)}")
            continue
        if not location.is_in_state:
            remedy = "nn.Parameter" if name in dict(torchs.named_parameters()) else "self.register_buffer"
            mistakes.append(
                f"{name}: self.{location.name} is a plain tensor, neither saved nor moved; use {remedy}"
            )
        elif location.name != name:
            mistakes.append(f"{name}: called {location.name} here")
        if location.fit is Fit.TRANSPOSED:
            shapes = f"{tuple(value.T.shape)}; torch stores outputs x inputs, {tuple(value.shape)}"
            mistakes.append(f"{name}: stored transposed, {shapes}")
        elif location.fit is Fit.RESHAPED:
            shape = tuple((actual | plain)[location.name].shape)
            mistakes.append(f"{name}: shape {shape}; torch has {tuple(value.shape)}")
    known = {location.name for location in subject.locations.values()} | expected.keys()
    return mistakes + [f"{name}: torch has nothing of that name" for name in actual if name not in known]


def _check_round_trip(subject: Subject) -> CheckResult:
    """Saved and loaded into a new layer, the state gives the same evaluation output.

    A few training batches come first, so that statistics kept outside the state are missed.
    """
    name, probe = "saving and loading", subject.kind.probe
    module, _ = subject.build_pair(probe)
    try:
        for _ in range(3):
            subject.call(module.train(), clone_inputs(probe))
        output = _evaluate(subject, module)
    except LayerFailedError as error:
        return CheckResult(name, Verdict.NOT_CHECKED, str(error))
    try:
        twin = subject.build(probe.arguments)
        subject.run(lambda: twin.load_state_dict(_save_and_load(module)))
        reloaded = _evaluate(subject, twin)
    except LayerFailedError as error:
        return subject.fail(name, "it raises", probe, Failure("the same output after loading", str(error)))
    failure = compare(reloaded, output) if isinstance(output, Tensor) else None
    if failure is None:
        return CheckResult(name, Verdict.PASSED)
    lost = ", ".join(f"self.{plain}" for plain in find_plain_tensors(module))
    explanation = "a layer loaded from the state dict gives another output"
    return subject.fail(name, f"{explanation}; not saved: {lost}" if lost else explanation, probe, failure)


def _evaluate(subject: Subject, module: nn.Module) -> object:
    with torch.no_grad():
        return subject.call(module.eval(), clone_inputs(subject.kind.probe))


def _save_and_load(module: nn.Module) -> dict[str, Tensor]:
    """Return what is left of a state dict that went through a file: its tensors, as they were."""
    tensors = {name: tensor.contiguous() for name, tensor in module.state_dict().items()}
    return load(save(tensors))
