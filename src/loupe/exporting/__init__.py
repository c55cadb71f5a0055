"""Networks as files that need no Loupe: written with all that belongs to them, read back, compared."""

from typing import Literal

ExportFormat = Literal["onnx", "torch"]
SUFFIXES: dict[ExportFormat, str] = {"onnx": ".onnx", "torch": ".pt2"}
