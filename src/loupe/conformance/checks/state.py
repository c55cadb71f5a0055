import io
from collections.abc import Iterator

import torch
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
    expected = subject.kind.reference(**subject.kind.probe.arguments).state_dict()
    actual, plain = module.state_dict(), find_plain_tensors(module)
    mistakes = []
    for name, value in expected.items():
        place = subject.places.get(name)
        if place is None:
            got = f", of another size: {tuple(actual[name].shape)}" if name in actual else ""
            mistakes.append(f"{name}: missing{got}; torch has one of shape {tuple(value.shape)}")
            continue
        if not place.is_in_state:
            mistakes.append(
                f"{name}: self.{place.name} is a plain tensor, neither saved nor moved to a GPU: "
                "use nn.Parameter if it is trained, self.register_buffer if not"
            )
        elif place.name != name:
            mistakes.append(f"{name}: called {place.name} here")
        if place.fit is Fit.TRANSPOSED:
            mistakes.append(f"{name}: stored transposed; torch stores {_transposed_words(value)}")
        elif place.fit is Fit.RESHAPED:
            shape = tuple((actual | plain)[place.name].shape)
            mistakes.append(f"{name}: shape {shape}; torch has {tuple(value.shape)}")
    ours = {place.name for place in subject.places.values()}
    mistakes += [
        f"{name}: torch has nothing of that name" for name in actual if name not in ours | expected.keys()
    ]
    return mistakes


def _transposed_words(value: Tensor) -> str:
    return f"shape {tuple(value.shape)}, outputs x inputs, not {tuple(value.T.shape)}"


def _check_round_trip(subject: Subject) -> CheckResult:
    """Saved and loaded into a new layer, the state gives the same evaluation output.

    A few training steps come first, so that statistics kept outside the state are missed.
    """
    name, probe = "saving and loading", subject.kind.probe

    def evaluate(module: nn.Module) -> object:
        module.eval()
        with torch.no_grad():
            return module(*clone_inputs(probe))

    def save_and_load() -> tuple[object, object]:
        module, _ = subject.build_pair(probe)
        module.train()
        for _ in range(3):
            module(*clone_inputs(probe))
        stream = io.BytesIO()
        torch.save(module.state_dict(), stream)
        stream.seek(0)
        twin = subject.layer(**{subject.argument_names.get(k, k): v for k, v in probe.arguments.items()})
        twin.load_state_dict(torch.load(stream, weights_only=True))
        return evaluate(module), evaluate(twin)

    try:
        output, reloaded = subject.run(save_and_load)
    except LayerFailedError as error:
        return subject.fail(name, "it raises", probe, Failure("the same output after loading", str(error)))
    failure = compare(reloaded, output) if isinstance(output, Tensor) else None
    if failure is None:
        return CheckResult(name, Verdict.PASSED)
    lost = ", ".join(f"self.{plain}" for plain in find_plain_tensors(subject.build(probe.arguments)))
    explanation = "a layer loaded from the state dict gives another output"
    return subject.fail(name, f"{explanation}: {lost} is not saved" if lost else explanation, probe, failure)
