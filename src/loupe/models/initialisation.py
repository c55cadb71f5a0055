"""First weights: drawn from torch's global generator, which `Streams.as_global` makes reproducible, set by
rule, or found in training images."""

import math
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from torch import Tensor, nn


def draw_uniform(model: nn.Module) -> None:
    """Draw the weights and biases of dense and convolution layers from ±1 / sqrt(inputs of a unit).

    What torch's own layers start from (Kaiming-uniform with a = √5; LeCun et al., 1998), said here so that a
    later torch changes nothing.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            bound = 1 / math.sqrt(module.weight[0].numel())
            nn.init.uniform_(module.weight, -bound, bound)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -bound, bound)


def start_as_identity(conv: nn.Conv2d) -> None:
    """Let the first filters of a convolution pass on one channel each, as it is (Dirac).

    As many filters as there are input channels, or all of them if there are fewer; the others stay as drawn.
    """
    nn.init.dirac_(conv.weight.data[: conv.weight.shape[1]])


@runtime_checkable
class StartsFromImages(Protocol):
    """A layer or network whose first weights come from training images. A module needs this method only."""

    def initialise_from(self, images: Tensor) -> None:
        """Set first weights from images as the network gets them, (images, channels, height, width)."""


def initialise_from_images(model: nn.Module, take_images: Callable[[], Tensor]) -> tuple[str, ...]:
    """Show training images to every module that starts from them, and return the modules' names.

    Args:
        model: on the CPU.
        take_images: returns normalised training images, (images, channels, height, width) float32 on the CPU;
            called once, and only if a module wants them.
    """
    wanting = {name: module for name, module in model.named_modules() if isinstance(module, StartsFromImages)}
    images = take_images() if wanting else None
    for module in wanting.values():
        assert images is not None
        module.initialise_from(images)
    return tuple(wanting)
