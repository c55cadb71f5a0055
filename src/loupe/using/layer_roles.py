"""Which layers of a network are given the image itself, and which gives its answer."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from loupe.inspection.calls import record_calls
from loupe.training.measure import evaluating

CHANNEL_NAMES = {1: ("grey",), 3: ("red", "green", "blue")}
"""What the channels of an image are called, by how many there are."""


@dataclass(frozen=True)
class LayerRoles:
    """What some layers are to a network.

    Args:
        on_image: names of the layers that are given the image as it is.
        answering: name of the last layer, whose output is the network's own; "" if its code adds something.
        before_answer: name of the layer whose output the last one is given; "" if no layer gave it.
    """

    on_image: frozenset[str]
    answering: str
    before_answer: str


def find_layer_roles(model: nn.Module, inputs: Tensor) -> LayerRoles:
    """Return what the layers are to a network, found by what they are given and give.

    Args:
        model: any network.
        inputs: (1, channels, height, width) float, an image that is not the same everywhere.
    """
    calls = record_calls(model, inputs)
    with evaluating(model):
        made = model(inputs)
    on_image = frozenset(
        call.name for call in calls if call.inputs.shape == inputs.shape and torch.equal(call.inputs, inputs)
    )
    last = next((call for call in reversed(calls) if _is_same(call.output, made)), None)
    if last is None:
        return LayerRoles(on_image, "", "")
    before = next((one.name for one in reversed(calls) if one.result == last.source), "")
    return LayerRoles(on_image, last.name, before)


def _is_same(output: Tensor, made: Tensor) -> bool:
    return output.shape == made.shape and torch.equal(output, made)
