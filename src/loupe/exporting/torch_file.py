"""Files of `torch.export` (.pt2): written from a traced graph, and run without Loupe."""

import io
import json
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

METADATA = "loupe.json"
"""The extra file inside that holds the metadata."""


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
