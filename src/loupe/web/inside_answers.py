"""What the interface says of the inside of a network: typed, so that its description writes itself."""

import base64
from typing import Any, Literal

import torch
from pydantic import BaseModel, Field
from torch import Tensor

from loupe.data import ImageDataset
from loupe.reports.pictures import encode_png
from loupe.web.layer_answers import LayerFacts


class Numbers(BaseModel):
    """An array, compact."""

    shape: list[int]
    data: str = Field(description="Base64 of float32, little-endian, in row-major order.")
    low: float
    high: float


def pack_numbers(values: Tensor) -> Numbers:
    """Return an array as `Numbers`; what is not a number is sent as it is, and left out of low and high."""
    floats = values.detach().float().cpu().contiguous()
    finite = floats[floats.isfinite()]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    data = base64.b64encode(floats.numpy().astype("<f4").tobytes()).decode("ascii")
    return Numbers(shape=list(floats.shape), data=data, low=low, high=high)


class ImageChoice(BaseModel, extra="forbid"):
    """An image the server knows."""

    image: str = Field(description="`validation-N`, or what an upload was called.", max_length=80)


class ImageChoices(BaseModel, extra="forbid"):
    """Images the server knows."""

    images: list[str] = Field(min_length=1, max_length=64, description="Each as in ImageChoice.")


class KeptImage(BaseModel):
    """An uploaded image, as the network will see it."""

    image: str = Field(description="What to call it in further requests.")
    picture: str = Field(description="PNG as a data address.")


class Prediction(BaseModel):
    """What the network says of one image."""

    class_name: str | None = Field(None, description="The most probable class; None of an autoencoder.")
    probability: float | None = None
    probabilities: dict[str, float] | None = Field(None, description="Of every class.")
    error: float | None = Field(None, description="Of an autoencoder: mean squared error per pixel.")
    remade: str | None = Field(None, description="Of an autoencoder: what it gave back, a PNG data address.")


class Predictions(BaseModel):
    """Predictions in the order of the images."""

    run: str
    epoch: int | None = Field(description="Whose weights: the best epoch on validation so far.")
    predictions: list[Prediction]


class SeenLayer(BaseModel):
    """A layer as an image goes through."""

    name: str
    kind: str
    block: str = Field(description="The part of the network it belongs to; empty at the top.")
    block_kind: str
    shape: list[int]
    parameters: int
    multiply_adds: int
    has_filters: bool
    multiplies: bool = Field(
        description="Whether it slides a kernel, so that a number is a window times weights."
    )
    facts: LayerFacts = Field(description="Where its numbers come from.")
    unit_names: list[str] = Field([], description="Of the layer that gives the logits: the classes.")
    input_names: list[str] = Field([], description="Of a layer on the image: red, green, blue, or grey.")
    overview: Numbers = Field(description="Mean over channels of the absolute values, or the units.")


class Gate(BaseModel):
    """How a gate shares an image's work among its experts."""

    name: str
    weights: list[float]


class Inspection(BaseModel):
    """What the network makes of one image, layer by layer."""

    image: str
    picture: str
    true_class: str | None = Field(description="Of a validation image.")
    prediction: Prediction
    layers: list[SeenLayer]
    gates: list[Gate]


class Maps(BaseModel):
    """Some channels of a layer, or some filters."""

    layer: str
    kind: str
    first: int = Field(description="Number of the first one here.")
    total: int
    page: int
    num_pages: int
    maps: Numbers = Field(description="(maps, height, width), or (filters, channels, height, width).")
    low: float = Field(description="Of all pages together, so that shades can be compared.")
    high: float


class Window(BaseModel):
    """The arithmetic of one number."""

    layer: str
    kind: str
    channel: int
    row: int
    column: int
    form: Literal["products", "rule"] = Field(
        description="Products of a window and weights, or another rule."
    )
    inputs: Numbers | None
    weights: Numbers | None = None
    is_padding: list[list[bool]] | None = Field(
        None, description="Which cells of a window lie outside the maps, row by row; None if none does."
    )
    bias: float = 0
    total: float | None = Field(None, description="Sum of the products and the bias, in double precision.")
    value: float = Field(description="What the network itself computed.")
    rule: str = ""
    constants: dict[str, float] = {}
    source: str | None = Field(None, description="The layer that gave the inputs.")
    source_place: tuple[int, int, int] | None = None
    steps: list[tuple[str, str, float]] = Field([], description="Layer, kind and value of what follows.")


class ReceptiveField(BaseModel):
    """The pixels of the image that a number can depend on; the last ones are included."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int


class Attribution(BaseModel):
    """Which pixels speak for a class."""

    method: str
    target: str
    probability: float
    is_signed: bool = Field(description="Whether negative values speak against it.")
    note: str
    map: Numbers


class GalleryImage(BaseModel):
    """A validation or training image, small."""

    image: str
    picture: str
    true_class: str
    predicted: str | None = None
    probability: float | None = None
    distance: float | None = None


def show_image(split: str, images: ImageDataset, index: int, **more: Any) -> GalleryImage:
    """Return an image of a split by its place there; `more`: what else a `GalleryImage` says."""
    return GalleryImage(
        image=f"{split}-{index}",
        picture=encode_png(images.images[index]),
        true_class=images.class_names[int(images.labels[index])],
        **more,
    )


class Gallery(BaseModel):
    """A page of images."""

    total: int
    page: int
    num_pages: int
    images: list[GalleryImage]


class NearestNeighbours(BaseModel):
    """The nearest training images."""

    num_searched: int = Field(description="Training images compared with so far, evenly from the classes.")
    num_wanted: int = Field(description="As many will be; ask again while it is more than num_searched.")
    num_training: int
    images: list[GalleryImage]


class ExplanationChoice(BaseModel):
    """A way to say why."""

    name: str
    title: str = Field(description="For readers.")


class InsideFacts(BaseModel):
    """What has to be known of a network before an image is chosen."""

    run: str
    objective: Literal["classification", "reconstruction"]
    model: str
    class_names: list[str]
    in_channels: int
    image_size: tuple[int, int]
    fit: str | None = Field(description="How training images came to their size; None: they were of it.")
    can_draw: bool = Field(description="Whether images are grey, so that one can draw one.")
    methods: list[ExplanationChoice] = Field(description="Ways to say why.")
    mean: list[float] = Field(description="Of each channel: the network is given (pixel / 255 - mean) / std.")
    std: list[float]
    num_validation: int = Field(description="0 where the data is not at hand.")
    num_mistakes: int | None
    counts: list[int] = Field(description="Validation images by class.")
    problem: str = Field("", description="Why there are no validation images.")
    epoch: int | None


def sum_up(maps: Tensor) -> Tensor:
    """Return the overview of a layer's output: mean absolute value over channels, or the units themselves."""
    if maps.ndim == 3:
        return maps.abs().mean(0) if maps[0].numel() > 1 else maps.flatten()
    return maps.flatten()[:512] if maps.ndim else torch.zeros(1)
