"""Explanations: which pixels speak for a class. One file a method.

A method is a class whose parameters are its settings. A user's own is one file with
`@register_explanation("name", is_signed=…)` above such a class; reports, `loupe inspect` and the page then
show it beside the others.
"""

from collections.abc import Callable, Iterable, Mapping
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
    methods={"attribute": "attribute(model, images, targets), which returns an Attribution"},
)

Method = TypeVar("Method", bound=Callable[..., ExplanationMethod])


def register_explanation(
    name: str,
    *,
    is_signed: bool,
    title: str = "",
    order: int = 500,
    num_passes: int = 10,
    note: str = "",
    is_default: bool = True,
) -> Callable[[Method], Method]:
    """Return a decorator that registers a method under `name`.

    Args:
        name: what `explain` calls it.
        is_signed: whether negative values mean evidence against the class; if not, all values are ≥ 0.
        title: for readers; the name if left out.
        order: where it stands among the others, smaller first; Loupe's own have 10 to 40.
        num_passes: of the network for an image, forward and backward, roughly: reports leave out what would
            take long.
        note: what its map shows, in words, extras in braces: "maps of the layer {layer}"; the first line of
            its docstring if left out.
        is_default: whether reports show it without being asked.

    Raises:
        LoupeError: another method, not a plugin's, already has that name.
    """
    return EXPLANATIONS.register(
        name,
        is_signed=is_signed,
        title=title or str(name).replace("-", " ").replace("_", " ").capitalize(),
        order=order,
        num_passes=num_passes,
        note=note,
        is_default=is_default,
    )


def list_explanations(plugins: Iterable[str] = ()) -> list[str]:
    """Return the names of the methods in their order, those of other plugins than these left out.

    Args:
        plugins: modules of plugins that count.
    """
    modules = tuple(plugins)
    names = [
        name
        for name in EXPLANATIONS
        if not EXPLANATIONS.is_plugin(name) or EXPLANATIONS.get(name).__module__ in modules
    ]
    return sorted(names, key=lambda name: (EXPLANATIONS.facts(name)["order"], name))


def describe_map(name: str, extras: Mapping[str, Any]) -> str:
    """Return what a map of a method shows, in words without a full stop.

    Args:
        name: of the method.
        extras: what it said of this map.
    """
    note = str(EXPLANATIONS.facts(name)["note"])
    return (note.format(**extras) if note else EXPLANATIONS.summary(name)).rstrip(".")


def name_blank(value: float) -> str:
    """Return in words what a normalised value is that stands for "nothing to be seen here".

    Args:
        value: of every channel, normalised.
    """
    if value == 0:
        return "mean grey (each channel's mean over the images that normalisation was measured on)"
    return f"{value:g} in every channel, normalised"


def choose_quick_settings(name: str, multiply_adds: int, image_size: tuple[int, int]) -> dict[str, Any]:
    """Return settings by which a method answers in a second or two; none for most.

    A method that takes long has a static method `quick_settings(multiply_adds, image_size)` that says them.
    """
    quick = getattr(EXPLANATIONS.get(name), "quick_settings", None)
    return dict(quick(multiply_adds, image_size)) if quick is not None else {}


def build_explanation(name: str, **settings: Any) -> ExplanationMethod:
    """Return the method called `name`.

    Raises:
        UnknownNameError: there is no such method.
        LoupeError: a setting is unknown or out of range.
    """
    method: ExplanationMethod = EXPLANATIONS.build(name, settings)
    return method
