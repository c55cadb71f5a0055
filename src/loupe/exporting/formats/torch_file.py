"""Files of `torch.export` (.pt2): written from a traced graph, and run without Loupe."""

import io
import json
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from loupe.exporting.formats import Use, register_export_format

METADATA = "loupe.json"
"""The extra file inside that holds the metadata."""


@register_export_format("torch", suffix=".pt2", runtime="torch")
class TorchFormat:
    """A file of `torch.export`, for programs that have torch."""

    def write(
        self, file: Path, program: ExportedProgram, outputs: tuple[str, ...], metadata: Mapping[str, str]
    ) -> None:
        write_torch(file, program, metadata)

    def run(self, file: Path, images: Tensor, batch_size: int) -> tuple[Tensor, ...]:
        return run_torch(file, images, batch_size)

    def show_use(self, name: str, *, is_classifier: bool) -> Use:
        imports = ("import json", "", "import numpy as np", "import torch")
        opening: tuple[str, ...] = (
            'extra = {"loupe.json": ""}  # recipe, figures, image size …',
            f'network = torch.export.load("{name}", extra_files=extra).module()',
        )
        if is_classifier:
            opening += ('class_names = json.loads(json.loads(extra["loupe.json"])["class_names"])',)
        given = "logits, probabilities" if is_classifier else "(reconstruction,)"
        asking = ("with torch.no_grad():", f"    {given} = network(torch.from_numpy(images))")
        return Use(imports, (*opening, *asking))


def write_torch(file: Path, program: ExportedProgram, metadata: Mapping[str, str]) -> None:
    """Write a traced graph as a .pt2 file, with its metadata as an extra file inside.

    Args:
        file: the file.
        program: from `trace_network`.
        metadata: what stands in `loupe.json` inside.
    """
    written = io.BytesIO()
    extra = {METADATA: json.dumps(metadata, indent=2, ensure_ascii=False)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, about its own inside
        torch.export.save(program, written, extra_files=extra)
    file.write_bytes(written.getvalue())


def run_torch(file: Path, images: Tensor, batch_size: int) -> tuple[Tensor, ...]:
    """Return what a .pt2 file gives for images, on the CPU; arguments as `run_onnx`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torch.export.load(io.BytesIO(file.read_bytes())).module()
    with torch.inference_mode():
        batches = [module(some) for some in images.split(batch_size)]
    return tuple(torch.cat(parts) for parts in zip(*batches, strict=True))
