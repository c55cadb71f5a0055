from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from loupe.conformance.report import CheckResult

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Check = Callable[[Any], Iterator[CheckResult]]
"""Looks at a layer, a `Subject`, from one side and yields what it found, a result a row.

A subject holds its kind, and a kind its checks; so this type does not say `Subject`.
"""


@dataclass(frozen=True)
class Case:
    """One layer and what it is given.

    Args:
        arguments: of the constructor, by torch's names.
        inputs: tensors the layer is called with; a gradient is asked of the first.
        words: the inputs for people to read; left out, their shapes.
    """

    arguments: Mapping[str, Any]
    inputs: tuple[Tensor, ...]
    words: str = ""

    def describe_inputs(self) -> str:
        return self.words or " and ".join(f"an input of shape {tuple(value.shape)}" for value in self.inputs)


@dataclass(frozen=True)
class Family:
    """Cases that show one thing: outputs are compared over all of them.

    Args:
        name: what it shows.
        cases: draws them.
        needs: arguments without which the layer does not offer it.
        may_refuse: whether raising counts as not offering it, not as a fault.
        advice: what to look at if they alone fail and no known fault explains it.
        reference: torch's layer for these cases, where it is another than the kind's.
    """

    name: str
    cases: "SearchStrategy[Case]"
    needs: tuple[str, ...] = ()
    may_refuse: bool = False
    advice: str = ""
    reference: Callable[..., nn.Module] | None = None


@dataclass(frozen=True)
class Hint:
    """A known fault: what a layer that has it would give instead.

    Args:
        text: the fault in words, said if it explains every difference that was found.
        imitate: (torch's layer, inputs) to the faulty output.
        is_training: the mode in which it shows; None for any.
    """

    text: str
    imitate: Callable[[Any, tuple[Tensor, ...]], Tensor]
    is_training: bool | None = None


@dataclass(frozen=True)
class LayerKind:
    """What torch's layer is, and how to try one that claims to be like it.

    Args:
        reference: torch's own layer.
        probe: one ordinary case, with sizes that tell the axes apart.
        cases: from the names of the optional arguments to vary, draws cases.
        required: arguments that every such layer takes, in torch's order.
        optional: arguments that are varied where the layer has them; others keep their defaults.
        checked_elsewhere: optional arguments that do not show in the output; a check of the kind tries them.
        families: what else is to be shown about the output.
        modes: values of `training` in which the output is compared with torch's.
        checks: the checks to make, in order.
        hints: faults worth naming.
        aliases: other usual names for torch's parameters and buffers.
    """

    reference: Callable[..., nn.Module]
    probe: Case
    cases: "Callable[[Collection[str]], SearchStrategy[Case]]"
    checks: tuple[Check, ...]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    checked_elsewhere: tuple[str, ...] = ()
    families: tuple[Family, ...] = ()
    modes: tuple[bool, ...] = (True,)
    hints: tuple[Hint, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def make_input(*shape: int, shift: float = 0.0, scale: float = 1.0, seed: int = 0) -> Tensor:
    """Return normal values, float32, always the same for a shape; torch's global generator is left alone."""
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return values * scale + shift
