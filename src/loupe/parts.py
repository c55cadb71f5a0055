"""Every kind of part that is added by one new file: one line a kind."""

import importlib
from dataclasses import dataclass
from typing import Any

from loupe.errors import UnknownNameError
from loupe.registry import Registry


@dataclass(frozen=True)
class Kind:
    """A kind of part.

    Args:
        name: the verb of `loupe` that lists it, a plural.
        what: what the parts are, for that verb's help.
        place: where its registry is, "module:NAME"; imported when it is asked for.
        phrase: what is told of a part's facts, with their names in braces; each by its name if left out.
    """

    name: str
    what: str
    place: str
    phrase: str = ""

    @property
    def registry(self) -> Registry:
        """The parts of this kind, by name."""
        module, _, attribute = self.place.partition(":")
        registry: Registry = getattr(importlib.import_module(module), attribute)
        return registry

    def describe_facts(self, name: str) -> str:
        """Return what is known of a part without building it, as a line of text; "" if nothing is."""
        facts = {
            fact: value
            for fact, value in self.registry.facts(name).items()
            if value is not None and fact not in _OF_NO_INTEREST
        }
        if self.phrase:
            return self.phrase.format_map(facts).removeprefix(", ")
        return ", ".join(f"{fact} {_write_fact(value)}" for fact, value in facts.items())


_OF_NO_INTEREST = ("describe_images", "places")
"""What only the bench asks of a registration: a function, and which settings are made absolute."""


def _write_fact(value: object) -> str:
    """Return a fact as a reader has it: several values with words between, yes or no in words."""
    if isinstance(value, tuple | list):
        is_text = all(isinstance(one, str) for one in value)
        return (" and " if is_text else " x ").join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


KINDS: dict[str, Kind] = {
    name: Kind(name, what, *rest)
    for name, what, *rest in (
        ("datasets", "datasets", "loupe.data:SOURCES"),
        ("augmentations", "augmentations", "loupe.data:AUGMENTATIONS"),
        ("mixes", "ways to mix training images", "loupe.data:MIXES"),
        ("models", "models", "loupe.models:MODELS"),
        ("optimizers", "optimizers", "loupe.training:OPTIMIZERS"),
        ("losses", "losses that training may minimise", "loupe.training:LOSSES", "for {objective}"),
        ("schedules", "learning-rate schedules", "loupe.training:SCHEDULES"),
        ("metrics", "metrics", "loupe.metrics:METRICS", "{unit}, {better} is better, for {objective}"),
        (
            "evaluations",
            "looks at a trained network that are more than one number",
            "loupe.evaluations:EVALUATIONS",
            "{title}, for {objective}, of {split} images; needs {needs}; shown {shown}",
        ),
        ("observers", "observers that a recipe can name", "loupe.observers:OBSERVERS"),
        ("trackers", "trackers, which write a training for other programs", "loupe.trackers:TRACKERS"),
        (
            "explanations",
            "methods that say why a network names a class",
            "loupe.inspection:EXPLANATIONS",
            "{title}, about {num_passes} passes of the network for an image",
        ),
        ("export-formats", "formats that a network is written in", "loupe.exporting:EXPORT_FORMATS"),
        (
            "rules",
            "mistakes that `loupe lint` looks for",
            "loupe.linting:RULES",
            "{source}; in {reads}",
        ),
        (
            "pitfalls",
            "mistakes that can be watched: wrong and right, side by side",
            "loupe.pitfalls:PITFALLS",
            "{title}; {source}",
        ),
    )
}
"""In the order of a run: what goes in, what is trained, what watches, what comes out."""


def find_kind(name: str) -> Kind:
    """Return the kind called `name`.

    Raises:
        UnknownNameError: there is no such kind.
    """
    if name not in KINDS:
        raise UnknownNameError("kind of part", name, KINDS, "`loupe parts` lists them")
    return KINDS[name]


def describe_part(registry: Registry, name: str) -> dict[str, Any]:
    """Return what is known of a part without building it, as values that JSON can hold."""
    settings = [
        {"name": setting, "default": default, "description": text}
        for setting, default, text in registry.describe_settings(name)
    ]
    return {
        "name": name,
        "summary": registry.summary(name),
        "facts": {fact: value for fact, value in registry.facts(name).items() if fact not in _OF_NO_INTEREST},
        "settings": settings,
    }
