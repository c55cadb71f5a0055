"""ONNX files: written from a traced graph, and run with onnxruntime alone."""

import importlib
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from loupe.errors import LoupeError
from loupe.exporting.formats import Use, register_export_format
from loupe.exporting.graph import INPUT, refuse_network

_NEEDED = ("onnx", "onnxscript", "onnxruntime")


@register_export_format("onnx", suffix=".onnx", runtime="onnxruntime")
class OnnxFormat:
    """ONNX, which many programs run; checked with onnxruntime.

    Raises:
        LoupeError: a package of the extra `export` is not installed.
    """

    def __init__(self) -> None:
        refuse_missing_packages()

    def write(
        self, file: Path, program: ExportedProgram, outputs: tuple[str, ...], metadata: Mapping[str, str]
    ) -> None:
        write_onnx(file, program, outputs, metadata)

    def run(self, file: Path, images: Tensor, batch_size: int) -> tuple[Tensor, ...]:
        return run_onnx(file, images, batch_size)

    def show_use(self, name: str, *, is_classifier: bool) -> Use:
        imports = ("import json", "", "import numpy as np", "import onnxruntime")
        opening = f'session = onnxruntime.InferenceSession("{name}")'
        if not is_classifier:
            return Use(imports, (opening, '(reconstruction,) = session.run(None, {"images": images})'))
        lines = (
            opening,
            "about = session.get_modelmeta().custom_metadata_map  # recipe, figures, image size …",
            'class_names = json.loads(about["class_names"])',
            'logits, probabilities = session.run(None, {"images": images})',
        )
        return Use(imports, lines)


def refuse_missing_packages() -> None:
    """Check that the packages of the extra are there.

    Raises:
        LoupeError: one is not.
    """
    for package in _NEEDED:
        try:
            importlib.import_module(package)
        except ImportError:
            raise LoupeError(
                "Exporting to ONNX needs packages that are not installed.",
                got=f"no {package}",
                allowed=", ".join(_NEEDED),
                next_step="pip install 'loupe-bench[export]', or export with --format torch",
            ) from None


def write_onnx(
    file: Path, program: ExportedProgram, outputs: tuple[str, ...], metadata: Mapping[str, str]
) -> None:
    """Write a traced graph as one ONNX file.

    Args:
        file: the file.
        program: from `trace_network`.
        outputs: names of what the graph gives.
        metadata: what stands in the file's `metadata_props`.

    Raises:
        LoupeError: an operation has no counterpart in ONNX.
    """
    try:
        with _quietly():
            written = torch.onnx.export(
                program, dynamo=True, verbose=False, input_names=[INPUT], output_names=list(outputs)
            )
    except Exception as error:  # a user's own network can be anything
        raise refuse_network(error) from None
    assert written is not None
    graph = written.model.graph
    for value in (*graph.inputs, *graph.outputs):
        assert value.shape is not None
        value.shape[0] = "batch"  # a name for people in place of torch's symbol
    written.model.metadata_props.update(metadata)
    written.save(str(file), external_data=False)


def run_onnx(file: Path, images: Tensor, batch_size: int) -> tuple[Tensor, ...]:
    """Return what an ONNX file gives for images, run with onnxruntime on the CPU.

    Args:
        file: from `write_onnx`.
        images: (images, channels, height, width) uint8.
        batch_size: images at once.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    batches = [session.run(None, {INPUT: some.numpy()}) for some in images.split(batch_size)]
    return tuple(torch.cat([torch.from_numpy(one) for one in parts]) for parts in zip(*batches, strict=True))


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep torch's own notes on its exporter from the user."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
