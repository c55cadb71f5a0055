"""Explanations: which pixels speak for a class. One file a method.

A method is a class whose parameters are its settings. A user's own is one file with
`@register_explanation("name", is_signed=…)` above such a class.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from torch import Tensor, nn

from loupe.registry import Registry


@dataclass(frozen=True)
class Attribution:
    """What a method found.

    Args:
        maps: (batch, height, width) float, as large as the images.
        extras: what only this method knows, such as the layer it looked at.
    """

    maps: Tensor
    extras: Mapping[str, Any] = field(default_factory=dict)


class ExplanationMethod(Protocol):
    """What says which pixels speak for a class."""

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attribution:
        """Return a map an image.

        Gradients can be taken here; those of parameters are switched off, and the network is in evaluation
        mode. What the method changes (gradients, the global generator) `explain` puts back; hooks it removes
        itself.

        Args:
            model: gives logits (batch, classes).
            images: (batch, channels, height, width) float, as the network takes them; not to be changed.
            targets: (batch,) int64, the class to explain for each image.
        """


EXPLANATIONS = Registry(
    "explanation",
    "loupe.inspection.explanations",
    given=(),
    list_command="loupe explanations",
)

Method = TypeVar("Method", bound=Callable[..., ExplanationMethod])


def register_explanation(name: str, *, is_signed: bool) -> Callable[[Method], Method]:
    """Return a decorator that registers a method under `name`.

    Args:
        name: what `explain` calls it.
        is_signed: whether negative values mean evidence against the class; if not, all values are ≥ 0.

    Raises:
        LoupeError: another method, not a plugin's, already has that name.
    """
    return EXPLANATIONS.register(name, is_signed=is_signed)


def build_explanation(name: str, **settings: Any) -> ExplanationMethod:
    """Return the method called `name`.

    Raises:
        UnknownNameError: there is no such method.
        LoupeError: a setting is unknown or out of range.
    """
    method: ExplanationMethod = EXPLANATIONS.build(name, settings)
    return method
