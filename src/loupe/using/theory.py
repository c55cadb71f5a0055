"""What has to be known of a network and one image to show what each of its operations does."""

from dataclasses import dataclass

import torch
from torch import Tensor

from loupe.data import ImageDataset, build_augmentation
from loupe.inspection.calls import Call, record_calls
from loupe.inspection.capture import find_layer
from loupe.inspection.operation import read_norm_constants
from loupe.inspection.windows import slides_window
from loupe.models.layer_rules import Geometry, read_geometry
from loupe.runtime import Streams
from loupe.training.measure import evaluating
from loupe.using.opened_run import OpenedRun

_NUM_DRAWS, _NUM_SHARES, _BATCH = 7, 11, 32
_MOST_FEATURES = 2048
_MOST_INPUTS = 200_000
_EXAMPLE = ("padded-crop", "horizontal-flip")  # where a recipe augments nothing


@dataclass(frozen=True, eq=False)
class LastLayer:
    """The dense layer that gives the logits, and what it is given.

    Args:
        name: of the layer.
        features: (inputs,) float32, what it is given for the image.
        weights: (classes, inputs) float32.
        bias: (classes,) float32.
    """

    name: str
    features: Tensor
    weights: Tensor
    bias: Tensor


@dataclass(frozen=True, eq=False)
class Augmented:
    """An image as training would see it.

    Args:
        names: of the augmentations, in their order.
        is_example: whether the recipe has none, and these only show what some would do.
        draws: (draws, channels, height, width) uint8.
    """

    names: tuple[str, ...]
    is_example: bool
    draws: Tensor


@dataclass(frozen=True, eq=False)
class Mixed:
    """An image blended with another of another class.

    Args:
        partner: (channels, height, width) uint8.
        label: class of the partner, from 0.
        shares: of the image itself, from 0 to 1.
        probabilities: (shares, classes) float32, what the network answers to each blend.
    """

    partner: Tensor
    label: int
    shares: tuple[float, ...]
    probabilities: Tensor


@dataclass(frozen=True, eq=False)
class Working:
    """What one channel of a layer is made of, for one image.

    Args:
        layer: its name.
        kind: class of the module.
        channel: which, from 0.
        inputs: (channels, height, width) float32, what the channel is made of.
        weights: (channels, height, width) float32 of a convolution; None of another layer.
        bias: added to it.
        output: (height, width) float32.
        geometry: how the windows lie; None of a layer without.
        batch: mean and biased variance of the same channel's input over some training images; None if these
            are gone.
        constants: of a batch norm: mean, variance, scale, shift, eps.
    """

    layer: str
    kind: str
    channel: int
    inputs: Tensor
    weights: Tensor | None
    bias: float
    output: Tensor
    geometry: Geometry | None
    batch: tuple[float, float] | None
    constants: dict[str, float]


def read_last_layer(opened: OpenedRun, image: Tensor) -> LastLayer | None:
    """Return the layer that gives the logits; None if it is no dense layer, or too large to be shown."""
    name = opened.roles.answering
    module = find_layer(opened.model, name) if name else None
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or weight.ndim != 2 or weight.shape[1] > _MOST_FEATURES:
        return None
    with opened.asking():
        call = next(
            one for one in record_calls(opened.model, opened.to_inputs(image[None])) if one.name == name
        )
    bias = getattr(module, "bias", None)
    zeros = torch.zeros(len(weight))
    return LastLayer(
        name,
        call.inputs[0].flatten().float().cpu(),
        weight.detach().float().cpu(),
        bias.detach().float().cpu() if isinstance(bias, Tensor) else zeros,
    )


def draw_augmented(opened: OpenedRun, image: Tensor) -> Augmented:
    """Return draws of the recipe's augmentation of an image; of two common ones if it has none."""
    choices = [(choice.name, choice.settings) for choice in opened.recipe.data.augment]
    is_example = not choices
    built = [
        build_augmentation(name, **settings) for name, settings in choices or [(one, {}) for one in _EXAMPLE]
    ]
    names = tuple(name for name, _ in choices) or _EXAMPLE
    generator = Streams(opened.recipe.split_seed).generator("augment")
    batch = image.expand(_NUM_DRAWS, *image.shape).contiguous()
    for one in built:
        batch = one.apply(batch, one.draw(batch, generator))
    return Augmented(names, is_example, batch.round().clamp(0, 255).to(torch.uint8))


def blend_with_another(opened: OpenedRun, image: Tensor, label: int) -> Mixed:
    """Return an image blended with the first validation image of another class, and the answers to that.

    Args:
        opened: a classifier whose data is at hand.
        image: (channels, height, width) uint8.
        label: its class, or the one the network names.
    """
    images: ImageDataset = opened.validation
    index = int((images.labels != label).nonzero()[0, 0])
    partner = images.images[index]
    shares = torch.linspace(0, 1, _NUM_SHARES)
    own, other = opened.to_inputs(torch.stack([image, partner]))
    blended = torch.lerp(other[None], own[None], shares.to(own.device)[:, None, None, None])
    with opened.asking(), evaluating(opened.model):
        logits = opened.model(blended).float().cpu()
    return Mixed(partner, int(images.labels[index]), tuple(shares.tolist()), logits.softmax(1))


def show_working(opened: OpenedRun, image: Tensor, layer: str, channel: int) -> Working | None:
    """Return what one channel of a layer is made of; None if the layer gives no maps from maps."""
    name = layer.partition("#")[0]
    module = find_layer(opened.model, name)
    with opened.asking():
        call = _find_call(opened, image[None], name)
        if call is None or call.inputs.ndim != 4 or call.output.ndim != 4 or channel >= call.output.shape[1]:
            return None
        batch = _measure_batch(opened, name, channel)
    geometry = read_geometry(module)
    given, weights, bias = call.inputs[0], None, 0.0
    weight = getattr(module, "weight", None)
    if slides_window(module) and isinstance(weight, Tensor) and weight.ndim == 4 and geometry is not None:
        each = weight.shape[1]
        group = channel // (weight.shape[0] // (len(given) // each))
        given, weights = given[group * each : (group + 1) * each], weight[channel].detach().float().cpu()
        own = getattr(module, "bias", None)
        bias = float(own.detach()[channel]) if isinstance(own, Tensor) else 0.0
    elif len(given) == call.output.shape[1]:
        given = given[channel : channel + 1]
    else:
        return None
    if given.numel() > _MOST_INPUTS:
        return None
    output = call.output[0, channel].float().cpu()
    kind, inputs, constants = type(module).__name__, given.float().cpu(), read_norm_constants(module, channel)
    return Working(layer, kind, channel, inputs, weights, bias, output, geometry, batch, constants)


def _find_call(opened: OpenedRun, images: Tensor, name: str) -> Call | None:
    calls = record_calls(opened.model, opened.to_inputs(images))
    return next((one for one in calls if one.name == name), None)


def _measure_batch(opened: OpenedRun, name: str, channel: int) -> tuple[float, float] | None:
    """Return mean and biased variance of a channel over a batch of training images, as norms have it."""
    try:
        images = opened.splits.train.images[:_BATCH]
    except Exception:  # the data may be gone in any way: the rest can still be shown
        return None
    call = _find_call(opened, images, name)
    is_norm = call is not None and "Norm" in type(call.module).__name__
    values = None if call is None else (call.inputs if is_norm else call.output)
    if values is None or values.ndim != 4 or channel >= values.shape[1]:
        return None
    chosen = values[:, channel].double()
    return float(chosen.mean()), float(chosen.var(correction=0))
