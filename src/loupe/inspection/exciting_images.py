"""Which of many images excite each channel of a layer most."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from loupe.data.batches import Batch
from loupe.errors import LoupeError
from loupe.inspection.capture import find_layer, recording
from loupe.training.measure import evaluating


@dataclass(frozen=True, eq=False)
class ExcitingImages:
    """The images on which each channel of a layer has its largest numbers, the largest first.

    Args:
        layer: name of the layer.
        indices: (channels, k) int64, positions in the order of the images; of equal ones the earlier first.
        values: (channels, k) float32, the largest number of the channel's map for each.
        places: (channels, k, 2) int64, its row and column on the map; 0 of a layer that gives numbers.
        num_images: how many were looked at.
    """

    layer: str
    indices: Tensor
    values: Tensor
    places: Tensor
    num_images: int

    def is_silent(self, channel: int) -> bool:
        """Return whether a channel is never above zero: then no image excites it."""
        return bool(self.values[channel, 0] <= 0)


def find_exciting_images(
    model: nn.Module, batches: Iterable[Batch], layer: str, most: int = 6
) -> ExcitingImages:
    """Return the images that excite each channel of a layer most, an image counted by its largest number.

    Args:
        model: any network; runs in evaluation mode, and mode and weights stay as they were.
        batches: images, on the network's device.
        layer: one that gives maps or numbers; `name#2` is its second call.
        most: images a channel, ≥ 1; fewer if there are fewer.

    Raises:
        LoupeError: there is no such layer, or it gives neither maps nor numbers.
    """
    name = layer.partition("#")[0]
    find_layer(model, name)
    best: tuple[Tensor, Tensor, Tensor] | None = None
    num_seen = 0
    for images, _ in batches:
        with recording(model, [name]) as outputs, evaluating(model):
            model(images)
        values, places = _find_largest(layer, outputs.get(layer), len(images))
        numbers = torch.arange(num_seen, num_seen + len(images)).expand(len(values), -1)
        num_seen += len(images)
        found = (values, numbers, places)
        if best is not None:
            found = tuple(torch.cat([old, new], 1) for old, new in zip(best, found, strict=True))  # type: ignore[assignment]
        order = found[0].argsort(dim=1, descending=True, stable=True)[:, :most]
        best = (
            found[0].gather(1, order),
            found[1].gather(1, order),
            found[2].gather(1, order[..., None].expand(-1, -1, 2)),
        )
    if best is None:
        raise LoupeError("There is no image to look at.", got="none", allowed="at least one")
    return ExcitingImages(layer, best[1], best[0], best[2], num_seen)


def _find_largest(layer: str, output: Tensor | None, num_images: int) -> tuple[Tensor, Tensor]:
    """Return each channel's largest number for each image, (channels, images), and where it is."""
    if output is None or output.ndim not in (2, 4) or len(output) != num_images:
        raise LoupeError(
            f"The layer {layer!r} has no channels that images excite.",
            got="it is not called" if output is None else f"an output of shape {tuple(output.shape)}",
            allowed="a layer that gives maps, or one number a unit",
            next_step="choose another layer",
        )
    output = output.float().cpu()
    flat = output.flatten(2) if output.ndim == 4 else output[..., None]
    values, where = flat.max(2)
    width = output.shape[3] if output.ndim == 4 else 1
    places = torch.stack([where // width, where % width], 2)
    return values.T.contiguous(), places.transpose(0, 1).contiguous()
