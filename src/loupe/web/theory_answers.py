"""What the interface says of operations on one image: typed, so that its description writes itself."""

from typing import Literal

from pydantic import BaseModel, Field

from loupe.web.inside_answers import Numbers


class LastLayerAnswer(BaseModel):
    """The dense layer that gives the logits."""

    name: str
    features: Numbers = Field(description="What it is given for the image, (inputs,).")
    weights: Numbers = Field(description="(classes, inputs).")
    bias: list[float]


class AugmentationAnswer(BaseModel):
    """The image as training would see it."""

    names: list[str]
    is_example: bool = Field(
        description="Whether the recipe augments nothing, and this only shows what would be."
    )
    draws: list[str] = Field(description="PNG data addresses, each a draw of its own.")


class MixAnswer(BaseModel):
    """The image blended with another."""

    partner: str = Field(description="PNG data address.")
    pixels: Numbers = Field(description="Of the partner, (channels, height, width), 0 to 255.")
    class_name: str
    shares: list[float] = Field(description="Of the image itself.")
    probabilities: list[list[float]] = Field(description="Of every class, for each share.")


class Theory(BaseModel):
    """What operations need to be shown on one image."""

    image: str
    pixels: Numbers = Field(description="(channels, height, width), 0 to 255.")
    logits: list[float]
    temperature: float = Field(
        description="What the logits are divided by before the softmax; 1 if none was set."
    )
    scaling: Literal["none", "temperature", "vector", "isotonic"] = Field(
        description="How the run's probabilities are set right (`loupe calibrate`)."
    )
    scaled_logits: list[float] | None = Field(
        description="After vector scaling or isotonic regression: their softmax gives the probabilities."
    )
    probabilities: list[float]
    target: int | None = Field(description="The true class of a validation image, from 0.")
    last_layer: LastLayerAnswer | None
    augmentation: AugmentationAnswer
    mix: MixAnswer | None = Field(description="None where the run's images are not at hand.")


class WindowGeometry(BaseModel):
    """How windows lie: rows, then columns."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]


class BatchStatistics(BaseModel):
    """Of one channel over a batch of training images."""

    mean: float
    variance: float = Field(description="Biased: divided by the number of values.")


class WorkingAnswer(BaseModel):
    """What one channel of a layer is made of."""

    layer: str
    kind: str
    channel: int
    inputs: Numbers = Field(description="(channels, height, width).")
    input_names: list[str]
    weights: Numbers | None = Field(None, description="Of a convolution.")
    bias: float
    output: Numbers = Field(description="(height, width).")
    geometry: WindowGeometry | None
    batch: BatchStatistics | None
    constants: dict[str, float] = Field(description="Of a batch norm: mean, variance, scale, shift, eps.")


class PlaygroundAnswer(BaseModel):
    """Images and a small trained network to play with."""

    pictures: list[str] = Field(description="PNG data addresses.")
    images: Numbers = Field(description="(images, height, width), 0 to 255.")
    labels: list[int]
    class_names: list[str]
    mean: float
    std: float
    kernels: Numbers = Field(description="(filters, height, width).")
    kernel_bias: list[float]
    weights: Numbers = Field(description="(classes, filters · rows · columns) of the dense layer.")
    bias: list[float]
    accuracy: float = Field(description="On images held out, in [0, 1].")
    num_judged: int
