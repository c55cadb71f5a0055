"""Where images come from: one file a dataset.

A source is a registered function that returns `SourceImages`; its keyword parameters are settings
of the recipe's `[data]` table.
"""

from collections.abc import Mapping
from typing import Any

from loupe.data.source_images import SourceImages as SourceImages
from loupe.registry import Registry

SOURCES = Registry("dataset", "loupe.data.sources", given=(), list_command="loupe datasets")
register_dataset = SOURCES.register


def is_mirrorable(name: str) -> bool:
    """Return whether a mirrored image keeps its class; true unless the dataset was registered otherwise.

    A source says no with `is_mirrorable=False`.
    """
    return bool(SOURCES.facts(name).get("is_mirrorable", True))


def list_places(name: str) -> tuple[str, ...]:
    """Return the settings of a dataset that say where its files lie; `path` unless it says otherwise.

    A source says it with `places=("path", …)`.
    """
    places: tuple[str, ...] = SOURCES.facts(name).get("places", ("path",))
    return places


def find_known_shapes(name: str, settings: Mapping[str, Any]) -> tuple[tuple[int, int, int], int] | None:
    """Return what is known of a dataset without its images: (channels, height, width), number of classes.

    None if only the images tell. A source says it with `image_shape` and `num_classes`, or, where settings
    decide, with a function of them called `describe_images`.
    """
    facts = SOURCES.facts(name)
    if "describe_images" in facts:
        shapes: tuple[tuple[int, int, int], int] = facts["describe_images"](settings)
        return shapes
    is_known = "image_shape" in facts and "num_classes" in facts  # a plugin may say one of the two
    return (facts["image_shape"], facts["num_classes"]) if is_known else None
