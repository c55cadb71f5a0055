import random
from collections.abc import Callable, Iterator

import numpy as np
import torch

from loupe.conformance.cases import Case
from loupe.conformance.comparing import Failure, LayerFailedError
from loupe.conformance.naming import find_tensors
from loupe.conformance.report import CheckResult, Verdict
from loupe.conformance.subject import Subject, clone_inputs


def _write_numpy_state() -> bytes:
    state = np.random.get_state(legacy=False)["state"]
    return repr((state["key"].tolist(), state["pos"])).encode()


_GENERATORS: dict[str, tuple[Callable[[int], object], Callable[[], bytes]]] = {
    "torch": (torch.manual_seed, lambda: torch.get_rng_state().numpy().tobytes()),
    "numpy": (np.random.seed, _write_numpy_state),
    "random": (random.seed, lambda: repr(random.getstate()).encode()),
}
"""How to seed a global generator, and how to read its state."""


def check_input_unchanged(subject: Subject) -> Iterator[CheckResult]:
    """What is handed in comes out as it was."""

    def compare_case(case: Case) -> Failure | None:
        for is_training in (True, False):
            module, _ = subject.build_pair(case)
            module.train(is_training)
            inputs = clone_inputs(case)
            with torch.no_grad():
                subject.call(module, inputs)
            for value, before in zip(inputs, case.inputs, strict=True):
                if not torch.equal(value, before):
                    first = (value != before).flatten().nonzero()[0]
                    return Failure(
                        f"{before.flatten()[first].item():.4f}, as it was",
                        f"{value.flatten()[first].item():.4f}",
                        "it writes into its input, which other layers may still need: work on a new tensor",
                        (value - before).abs().max().item(),
                    )
        return None

    yield subject.search("input left as it was", compare_case)


def check_generators(subject: Subject) -> Iterator[CheckResult]:
    """Neither building nor calling the layer seeds a global generator."""
    name = "random generators left alone"
    module = subject.build(subject.kind.probe.arguments)
    found = [f"the constructor seeds {seeded}" for seeded in _find_seeded(lambda: _build(subject))]
    error = ""
    try:
        inputs = clone_inputs(subject.kind.probe)
        found += [f"forward seeds {seeded}" for seeded in _find_seeded(lambda: subject.call(module, inputs))]
    except LayerFailedError as failed:
        error = str(failed)
    if found:
        explanation = (
            f"{' and '.join(found)}: from then on every random number is the same in every run; "
            "seed once, at the start of a program"
        )
        yield CheckResult(name, Verdict.FAILED, explanation)
    else:
        yield CheckResult(name, Verdict.NOT_CHECKED if error else Verdict.PASSED, error)


def _build(subject: Subject) -> object:
    return subject.build(subject.kind.probe.arguments)


def _find_seeded(action: Callable[[], object]) -> list[str]:
    """Return the generators whose state is the same afterwards, whatever it was before."""
    states: dict[str, list[bytes]] = {name: [] for name in _GENERATORS}
    for number in (1, 2):
        for seed, _ in _GENERATORS.values():
            seed(number)
        action()
        for name, (_, read_state) in _GENERATORS.items():
            states[name].append(read_state())
    return [name for name, (one, two) in states.items() if one == two]


def check_layers_differ(subject: Subject) -> Iterator[CheckResult]:
    """Two layers built one after the other start from other random weights."""
    name = "two layers start differently"
    named = [location for tensor, location in subject.locations.items() if tensor.endswith("weight")]
    location = named[0] if named else None
    if location is None:
        yield CheckResult(name, Verdict.NOT_CHECKED, "no weight was found")
        return
    torch.manual_seed(0)
    weights = [find_tensors(subject.build(subject.kind.probe.arguments))[location.name] for _ in range(2)]
    if not torch.equal(*weights):
        yield CheckResult(name, Verdict.PASSED)
        return
    is_constant = bool((weights[0] == weights[0].flatten()[0]).all())
    cause = "all weights are the same number" if is_constant else "is a generator seeded in the constructor?"
    explanation = f"both have the same weights, and would learn the same: {cause}"
    yield CheckResult(name, Verdict.FAILED, explanation)
