from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from loupe.errors import LoupeError, suggest
from loupe.inspection.capture import capture_layers, find_layer, recording
from loupe.inspection.explanations import Attribution, register_explanation
from loupe.training.measure import evaluating


@register_explanation(
    "grad-cam",
    is_signed=False,
    title="Grad-CAM",
    order=10,
    num_passes=3,
    note="maps of the layer {layer}, weighed by the class's gradient",
)
@dataclass(frozen=True)
class GradCam:
    """Maps of one layer, added with the mean gradient of the class's logit as weights; evidence for it, ≥ 0.

    Selvaraju et al. 2017 (arXiv:1610.02391). As coarse as the layer: the map has the layer's resolution and
    is enlarged to the image bilinearly, after ReLU has removed what speaks against the class.

    Made for heads that average maps over positions. A dense head weighs every position by itself; its mean
    gradient can cancel, and then the map is zero everywhere although the network saw the evidence.

    Extras: `layer`, the name of the layer; `raw_maps` (batch, rows, columns), before enlarging.
    """

    layer: Annotated[
        str | None,
        Field(
            description="Layer or block that gives maps, `name#2` for its second call; left out, the last "
            "one whose maps are larger than a pixel."
        ),
    ] = None

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attribution:
        layer = find_last_layer_with_maps(model, images) if self.layer is None else self.layer
        if self.layer is not None:
            _refuse_layer_without_maps(model, images, layer)
        with _replacing_output(model, layer) as leaves:
            logits = model(images)
        of_targets = logits.gather(1, targets[:, None]).sum()
        gradients = (
            torch.autograd.grad(of_targets, leaves, allow_unused=True)[0] if logits.requires_grad else None
        )
        if gradients is None:
            raise LoupeError(
                f"The logits do not depend on what layer {layer!r} gives.",
                got=layer,
                allowed="a layer on the way to the logits",
                next_step="choose another layer",
            )
        weights = gradients.mean((2, 3), keepdim=True)
        raw_maps = (weights * leaves[0].detach()).sum(1, keepdim=True).relu()
        maps = F.interpolate(raw_maps, images.shape[2:], mode="bilinear", align_corners=False)
        return Attribution(maps[:, 0], {"layer": layer, "raw_maps": raw_maps[:, 0]})


def find_last_layer_with_maps(model: nn.Module, images: Tensor) -> str:
    """Return the layer or block that is the last in the forward pass to give maps larger than one pixel.

    Args:
        model: any network.
        images: (batch, channels, height, width); the first one is looked at.

    Raises:
        LoupeError: no layer gives such maps.
    """
    blocks = [name for name, _ in model.named_modules() if name]
    with recording(model, blocks) as outputs, evaluating(model):
        model(images[:1])
    for name, output in reversed(outputs.items()):
        if _are_maps(output) and output.shape[2:].numel() > 1:
            return name
    raise LoupeError(
        f"Grad-CAM needs a layer that gives maps, and {type(model).__name__} has none.",
        got="no output of shape (batch, channels, height, width) with more than one pixel",
        allowed="a network with convolutions",
        next_step="use a method that needs none: occlusion, integrated-gradients, guided-backprop",
    )


def _refuse_layer_without_maps(model: nn.Module, images: Tensor, layer: str) -> None:
    name, _, _ = layer.partition("#")
    outputs = capture_layers(model, images[:1], [name])
    if layer not in outputs:
        raise LoupeError(
            f"The layer {name!r} is called {len(outputs)} times in a forward pass.",
            got=layer,
            allowed=", ".join(outputs),
            nearest=suggest(layer, outputs),
            next_step="choose one of these calls",
        )
    if not _are_maps(outputs[layer]):
        raise LoupeError(
            f"The layer {layer!r} gives no maps.",
            got=f"an output of shape {tuple(outputs[layer].shape)} for one image",
            allowed="(batch, channels, height, width)",
            next_step="choose a convolution, its activation, or a block of them",
        )


def _are_maps(output: Tensor) -> bool:
    return output.ndim == 4 and output.is_floating_point()


@contextmanager
def _replacing_output(model: nn.Module, layer: str) -> Iterator[list[Tensor]]:
    """Cut the graph at a layer: its output becomes a leaf, so that only what follows is differentiated.

    Works for frozen networks and for images without gradients alike. Gives a list that will hold the leaf.
    """
    name, _, number = layer.partition("#")
    wanted, num_calls, leaves = int(number or 1), 0, []

    def hook(module: nn.Module, inputs: Any, output: Tensor) -> Tensor | None:
        nonlocal num_calls
        num_calls += 1
        if num_calls != wanted:
            return None
        leaves.append(output.detach().clone().requires_grad_())
        return leaves[0].clone()  # the next layer may work in place, which a leaf does not allow

    handle = find_layer(model, name).register_forward_hook(hook)
    try:
        yield leaves
    finally:
        handle.remove()
