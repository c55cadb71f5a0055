"""Layers written by hand, compared with torch's own: `check_layer`, and what it reports.

Every check that runs a layer draws its cases with hypothesis, so that a fault is reported with the
smallest case that shows it. A kind of layer is one file in `kinds/`, a group of checks one in `checks/`.
"""

from collections.abc import Callable
from typing import Any

from loupe.conformance.report import CheckResult as CheckResult
from loupe.conformance.report import FailingCase as FailingCase
from loupe.conformance.report import LayerReport as LayerReport
from loupe.conformance.report import Verdict as Verdict
from loupe.errors import LoupeError, suggest


def check_layer(layer: Callable[..., Any], kind: str, *, num_examples: int = 40) -> LayerReport:
    """Return what comparing a layer with torch's own found, check by check.

    The layer's weights are set to torch's by name. Whatever the layer does (raise, print, reseed), the
    caller's generators, output and gradient mode stay as they were.

    Args:
        layer: a subclass of `nn.Module`, or a function that takes torch's arguments and returns a module.
        kind: what it is to be: `conv2d`, `linear`, `batch-norm` …
        num_examples: random cases a check, ≥ 1.

    Raises:
        UnknownNameError: there is no such kind.
        LoupeError: hypothesis is missing, or `layer` cannot be called.
    """
    _require_hypothesis()
    from loupe.conformance.kinds import LAYER_KINDS
    from loupe.conformance.run import run_checks

    if not callable(layer) or (hasattr(layer, "forward") and not isinstance(layer, type)):
        raise LoupeError(
            "That is no class of layers.",
            got=f"an object of type {type(layer).__name__}",
            allowed="a subclass of torch.nn.Module, or a function that returns a module",
            next_step="hand in the class itself, without brackets: the checks build it anew again and again",
        )
    return run_checks(layer, kind, LAYER_KINDS.build(kind), num_examples=num_examples)


def check_layer_at(reference: str, kind: str, *, num_examples: int = 40) -> LayerReport:
    """Return the same of the layer that `FILE:NAME` names.

    Raises:
        UnknownNameError: there is no such kind.
        LoupeError: there is no such file or name, the file cannot be imported, or no kind is given.
    """
    kinds = list_layer_kinds()
    if not kind:
        raise LoupeError(
            f"What is {reference} to be compared with?",
            allowed=", ".join(kinds),
            nearest=suggest(reference.rpartition(":")[2], kinds),
            next_step=f"loupe check-layer {reference} --as KIND",
        )
    from loupe.conformance.kinds import LAYER_KINDS
    from loupe.conformance.loading import load_layer

    LAYER_KINDS.get(kind)  # a kind that does not exist is told before a file is run
    return check_layer(load_layer(reference), kind, num_examples=num_examples)


def list_layer_kinds() -> dict[str, str]:
    """Return the kinds of layers there are, each with a line about it."""
    _require_hypothesis()
    from loupe.conformance.kinds import LAYER_KINDS

    return {name: LAYER_KINDS.summary(name) for name in LAYER_KINDS}


def _require_hypothesis() -> None:
    try:
        import hypothesis  # noqa: F401  # only to see whether it is there
    except ImportError:
        raise LoupeError(
            "Checking a layer needs hypothesis, which is not installed.",
            allowed="hypothesis 6.150 or newer: it draws the cases and shrinks those that fail",
            next_step="pip install 'loupe-bench[check]'",
        ) from None
