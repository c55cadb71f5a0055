"""Formats that a network is written in: one file each.

A format is a class that writes a traced graph and runs what it wrote. A user's own is one file with
`@register_export_format("name", suffix=".ending", runtime="package")` above such a class. Every file is run
over real images before it is kept, and described by a model card, whatever its format.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from torch import Tensor
from torch.export import ExportedProgram

from loupe.registry import Registry


@dataclass(frozen=True)
class Use:
    """Python that asks a file about images, for its model card.

    Args:
        imports: lines of imports, numpy's and Pillow's left out.
        lines: what follows `images`, a numpy array of what the graph takes. Of a classifier they leave
            `class_names` and `probabilities` behind, else `reconstruction`.
    """

    imports: tuple[str, ...]
    lines: tuple[str, ...]


class ExportFormat(Protocol):
    """What writes a network as a file, and runs such files; its constructor refuses missing packages."""

    def write(
        self, file: Path, program: ExportedProgram, outputs: tuple[str, ...], metadata: Mapping[str, str]
    ) -> None:
        """Write a traced graph, with its metadata where the format has a place for them.

        Args:
            file: the file, with the format's ending.
            program: from `trace_network`: takes uint8 images (batch, channels, height, width).
            outputs: names of what the graph gives, in order.
            metadata: what the file says of itself, as text by name; tables and lists are JSON.

        Raises:
            LoupeError: the network cannot be written in this format.
        """

    def run(self, file: Path, images: Tensor, batch_size: int) -> tuple[Tensor, ...]:
        """Return what a file gives for images, on the CPU: a tensor for each output of the graph.

        Args:
            file: from `write`.
            images: (images, channels, height, width) uint8.
            batch_size: images at once.
        """

    def show_use(self, name: str, *, is_classifier: bool) -> Use:
        """Return Python that asks a file about images.

        Args:
            name: of the file.
            is_classifier: whether the graph gives logits and probabilities, not reconstructions.
        """


EXPORT_FORMATS = Registry(
    "export format",
    "loupe.exporting.formats",
    given=(),
    list_command="loupe export-formats",
    methods={
        "write": "write(file, program, outputs, metadata)",
        "run": "run(file, images, batch_size), which returns a tensor for each output",
        "show_use": "show_use(name, *, is_classifier), which returns a Use",
    },
)

Format = TypeVar("Format", bound=Callable[..., ExportFormat])


def register_export_format(name: str, *, suffix: str, runtime: str) -> Callable[[Format], Format]:
    """Return a decorator that registers a format under `name`.

    Args:
        name: what `loupe export --format` calls it.
        suffix: how its files end, such as ".onnx".
        runtime: the package that runs such a file.

    Raises:
        LoupeError: another format, not a plugin's, already has that name.
    """
    return EXPORT_FORMATS.register(name, suffix=suffix, runtime=runtime)


def build_export_format(name: str, **settings: Any) -> ExportFormat:
    """Return the format called `name`.

    Raises:
        UnknownNameError: there is no such format.
        LoupeError: a setting is unknown or out of range, or its packages are not installed.
    """
    form: ExportFormat = EXPORT_FORMATS.build(name, settings)
    return form
