"""What a step of a network does, in few words, as it stands in a picture of the network."""

import re
from typing import Literal

from torch import Tensor

from loupe.inspection.tracing import TracedStep
from loupe.models.layer_rules import read_geometry

Role = Literal[
    "image", "convolution", "dense", "pooling", "reshape", "gate", "join", "softmax", "other", "block"
]

SIGNS = {"add": "+", "sub": "−", "multiply": "×", "multiply matrices": "×", "concatenate": "‖"}
"""Of functions that bring two ways together."""

_RESHAPING = ("Flatten", "Unflatten", "PixelShuffle", "PixelUnshuffle", "PadShortcut")


def find_role(step: TracedStep) -> Role:
    if step.module is None:
        if len(step.sources) > 1:
            return "join"
        kind = step.kind
        is_pool = "pool" in kind or kind in ("mean", "amax")
        return "convolution" if kind == "convolution" else "dense" if kind == "dense" else (
            "pooling" if is_pool else "other")  # fmt: skip
    if list(step.module.children()):
        return "gate" if step.name.partition("#")[0].split(".")[-1] == "gate" else "other"
    weight = getattr(step.module, "weight", None)
    if isinstance(weight, Tensor) and weight.ndim == 4:
        return "convolution"
    if isinstance(weight, Tensor) and weight.ndim == 2:
        return "dense"
    if "Pool" in step.kind:
        return "pooling"
    return "reshape" if step.kind in _RESHAPING else "other"


def say_step(step: TracedStep) -> str:
    """Return what a step does, in few words."""
    module, role = step.module, find_role(step)
    if module is None:
        return step.kind if role != "join" or step.kind not in SIGNS else ""
    if role == "gate":
        return "weighs experts"
    geometry = read_geometry(module)
    weight = getattr(module, "weight", None)
    if role == "convolution" and isinstance(weight, Tensor):
        kernel = geometry.kernel if geometry else weight.shape[2:]
        stride = f", stride {geometry.stride[0]}" if geometry and geometry.stride != (1, 1) else ""
        groups = getattr(module, "groups", 1)
        kind = "transposed conv" if geometry and geometry.is_transposed else "conv"
        kind = "depthwise" if groups > 1 and groups == step.output.shape[0] else kind
        return f"{kind} {kernel[0]} × {kernel[1]}{stride}"
    if role == "dense":
        return "dense"
    if role == "pooling":
        how = "max" if "Max" in step.kind + str(getattr(module, "pool", "")).title() else "average"
        if geometry is None or step.output.shape[1:].numel() == 1:
            return f"global {how} pool"
        return f"{how} pool {geometry.kernel[0]} × {geometry.kernel[1]}"
    return _say_plain(step.kind)


def _say_plain(kind: str) -> str:
    if "BatchNorm" in kind or kind == "ShiftNorm2d":
        return "batch norm"
    if "LayerNorm" in kind:
        return "layer norm"
    if kind.startswith("Dropout"):
        return ""  # it does nothing to an image that is asked about
    plain = {"Flatten": "flatten", "Unflatten": "unflatten", "PadShortcut": "every 2nd pixel, zeros",
             "Sigmoid": "sigmoid", "Tanh": "tanh", "Softmax": "softmax", "Scale": "scale"}  # fmt: skip
    return plain.get(kind, re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", kind))
