from collections import OrderedDict
from typing import Annotated

from pydantic import Field
from torch import nn

from loupe.models import register_model
from loupe.models.initialisation import draw_uniform


@register_model("mlp")
def mlp(
    *,
    in_channels: int,
    image_size: tuple[int, int],
    num_classes: int,
    widths: Annotated[
        tuple[Annotated[int, Field(ge=1, le=2**16)], ...],
        Field(description="Units of the hidden layers, each 1 to 65,536."),
    ] = (128, 64, 32),
) -> nn.Sequential:
    """Dense layers with ReLU on the flattened image, logits at the end (no sigmoid, no softmax).

    Weights and biases start uniform in ±1 / sqrt(inputs of a unit).
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    features = in_channels * image_size[0] * image_size[1]
    for number, width in enumerate(widths, start=1):
        layers[f"dense{number}"] = nn.Linear(features, width)
        layers[f"relu{number}"] = nn.ReLU()
        features = width
    layers["logits"] = nn.Linear(features, num_classes)
    model = nn.Sequential(layers)
    draw_uniform(model)
    return model
