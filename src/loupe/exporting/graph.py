"""The graph that is exported: uint8 images in, normalisation and softmax inside."""

import warnings

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from loupe.data.normalization import Normalization
from loupe.errors import LoupeError
from loupe.models import ObjectiveName

INPUT = "images"
OUTPUTS: dict[ObjectiveName, tuple[str, ...]] = {
    "classification": ("logits", "probabilities"),
    "reconstruction": ("reconstruction",),
}
"""Names of what the graph gives, in order."""

_EXAMPLES = 3  # images to trace with; one would look like a batch that can only be one


class PackagedNetwork(nn.Module):
    """A network with its normalisation before it and, of a classifier, softmax behind it.

    Input: (batch, channels, height, width) uint8. Output of a classifier: logits and probabilities, each
    (batch, classes) float32; of a network that gives images back: pixels in [0, 1], in the input's shape.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, model: nn.Module, normalization: Normalization, objective: ObjectiveName) -> None:
        super().__init__()
        self.model = model
        self.is_classifier = objective == "classification"
        scale, shift = normalization.scale_and_shift(torch.device("cpu"))
        self.register_buffer("scale", scale.clone())
        self.register_buffer("shift", shift.clone())

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        outputs: Tensor = self.model(images.float() * self.scale + self.shift)
        if self.is_classifier:
            return outputs, outputs.softmax(1)
        return (((outputs - self.shift) / (self.scale * 255)).clamp(0, 1),)


def trace_network(
    model: nn.Module,
    normalization: Normalization,
    objective: ObjectiveName,
    *,
    in_channels: int,
    image_size: tuple[int, int],
) -> ExportedProgram:
    """Return the graph of a network with what belongs to it, for batches of any size.

    Args:
        model: in evaluation mode, on the CPU.
        normalization: of its images.
        objective: what it is for.
        in_channels: channels of its images.
        image_size: height and width in pixels.

    Raises:
        LoupeError: the network does something that cannot be traced.
    """
    packaged = PackagedNetwork(model, normalization, objective).eval()
    examples = torch.zeros(_EXAMPLES, in_channels, *image_size, dtype=torch.uint8)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # torch's, about its own inside
            program = torch.export.export(
                packaged, (examples,), dynamic_shapes={INPUT: {0: torch.export.Dim("batch")}}
            )
    except Exception as error:  # a user's own network can be anything
        raise refuse_network(error) from None
    _remove_places(program)
    return program


def _remove_places(program: ExportedProgram) -> None:
    """Remove the paths of source files on this machine that torch notes at every node."""
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                node.meta.pop("stack_trace", None)


def refuse_network(error: Exception) -> LoupeError:
    """Return what to say of a network that cannot be exported."""
    reason = error.__cause__ or error
    lines = [line.strip() for line in str(reason).splitlines() if line.strip()]
    return LoupeError(
        "This network cannot be exported.",
        got=f"{type(reason).__name__}: {lines[0][:160]}" if lines else type(reason).__name__,
        allowed="a network whose steps do not depend on the values of its input, and that takes batches of "
        "any size",
        next_step="`torch.export.export` on the network shows the whole story",
    )
