"""Gram matrices of what layers give for batches of images: which images a layer finds alike."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from loupe.data.batches import Batch
from loupe.inspection.capture import find_layer
from loupe.runtime import Precision, casting
from loupe.training.measure import evaluating


def compute_gram_matrices(
    model: nn.Module, batches: Iterable[Batch], layers: Sequence[str], precision: Precision = "float32"
) -> Iterator[dict[str, Tensor]]:
    """Yield for each batch the inner products of its images' outputs, by layer, (images, images) on the CPU.

    Only these are kept, not the outputs, which may have tens of thousands of numbers an image. A layer that
    is not called, or gives no tensor with a row an image, is left out; of one called more than once the last
    call counts.

    Args:
        model: any network.
        batches: normalised images, on the network's device.
        layers: names of its layers.
        precision: what the network computes in.
    """
    for batch in batches:
        found: dict[str, Tensor] = {}
        handles = [
            find_layer(model, name).register_forward_hook(_note(found, name, len(batch.images)))
            for name in layers
        ]
        try:
            with torch.no_grad(), evaluating(model), casting(batch.images.device, precision):
                # `forward`, not a call: a compiled network would not see the hooks
                model.forward(batch.images)
        finally:
            for handle in handles:
                handle.remove()
        yield found


def _note(found: dict[str, Tensor], name: str, count: int) -> Any:
    def note(module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor) and output.ndim > 1 and len(output) == count:
            flat = output.detach().flatten(1).float()
            flat = flat - flat.mean(0)  # changes no alignment, and keeps digits
            found[name] = (flat @ flat.T).cpu()

    return note
