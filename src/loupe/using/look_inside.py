"""What the network of an opened run makes of one image: each layer, each number, the reasons."""

from dataclasses import dataclass

import torch
from torch import Tensor

from loupe.errors import LoupeError
from loupe.evaluations.scaling import ScalingMethod
from loupe.inspection import (
    Arithmetic,
    Explanation,
    Operation,
    explain,
    find_layer,
    list_layer_names,
    multiplies_window,
    show_arithmetic,
    show_operation,
)
from loupe.inspection.arithmetic import ReceptiveField, find_receptive_field
from loupe.inspection.capture import capture_layers, recording
from loupe.inspection.explanations import choose_quick_settings
from loupe.inspection.filters import list_filter_layers
from loupe.inspection.gates import list_gates
from loupe.inspection.windows import slides_window
from loupe.training.measure import evaluating
from loupe.using.opened_run import OpenedRun

_MOST_UNITS = 4096  # of a layer that gives numbers; more are not looked at one by one


@dataclass(frozen=True, eq=False)
class LayerLook:
    """One layer as an image goes through.

    Args:
        name: of the layer; `name#2` for its second call.
        kind: class of the module.
        output: (channels, height, width) or (units,) float32 on the CPU.
        has_filters: whether its weights can be drawn.
        multiplies: whether it slides a kernel: a number is a window, or all it is given, times weights.
    """

    name: str
    kind: str
    output: Tensor
    has_filters: bool
    multiplies: bool


@dataclass(frozen=True, eq=False)
class Look:
    """What a network makes of one image.

    Args:
        probabilities: (classes,) float32; None if it names no class.
        remade: (channels, height, width) uint8, what it gave back; None if it names classes.
        error: mean squared error of that, on the scale of the network's input.
        layers: in the order of the forward pass.
        gates: the weights each gate gives its experts, by name of the gate.
    """

    probabilities: Tensor | None
    remade: Tensor | None
    error: float | None
    layers: tuple[LayerLook, ...]
    gates: dict[str, Tensor]


def look(opened: OpenedRun, image: Tensor) -> Look:
    """Return what a network makes of an image, layer by layer: one forward pass.

    Args:
        opened: the network.
        image: (channels, height, width) uint8, as `prepare` gives it.
    """
    model, inputs = opened.model, opened.to_inputs(image[None])
    gates, drawable = list_gates(model), list_filter_layers(model, opened.shape)
    with opened.asking(), recording(model, [*list_layer_names(model), *gates]) as outputs, evaluating(model):
        made = model(inputs)
    found = []
    for name, output in outputs.items():
        plain = name.partition("#")[0]
        if plain in gates:
            continue
        module = find_layer(model, plain)
        kind = type(module).__name__
        found.append(LayerLook(name, kind, output[0].float().cpu(), plain in drawable, slides_window(module)))
    is_classifier = opened.classifier is not None
    return Look(
        probabilities=_compute_probabilities(opened, made),
        remade=None if is_classifier else opened.to_pictures(made)[0],
        error=None if is_classifier else float((made - inputs).square().mean()),
        layers=tuple(found),
        gates={gate: outputs[gate][0].float().cpu() for gate in gates if gate in outputs},
    )


def _compute_probabilities(opened: OpenedRun, made: Tensor) -> Tensor | None:
    """Return the probability of each class, set right as the run says; None if the network names no class."""
    if opened.classifier is None:
        return None
    logits = made[:1].float().cpu()
    if opened.classifier.scaling is not None:
        with torch.no_grad():
            logits = opened.classifier.scaling(logits)
    return logits[0].detach().softmax(0)


@dataclass(frozen=True, eq=False)
class Answer:
    """What a network answers to one image.

    Args:
        logits: its output as it is, (classes,) float32 of a classifier.
        temperature: what the logits are divided by before the softmax; 1 if none is.
        method: how the run's probabilities are set right: "none", "temperature", "vector" or "isotonic".
        scaled: (classes,) float32, the logits whose plain softmax gives the probabilities.
        probabilities: (classes,) float32; None if it names no class.
    """

    logits: Tensor
    temperature: float
    method: ScalingMethod
    scaled: Tensor
    probabilities: Tensor | None


def read_answer(opened: OpenedRun, image: Tensor) -> Answer:
    """Return what a network answers to an image, (channels, height, width) uint8."""
    with opened.asking(), evaluating(opened.model):
        made = opened.model(opened.to_inputs(image[None]))
    scaling = opened.classifier.scaling if opened.classifier is not None else None
    logits = made[:1].float().cpu()
    with torch.no_grad():
        scaled = scaling(logits) if scaling is not None else logits
    return Answer(
        logits[0],
        scaling.temperature_value if scaling is not None and scaling.method == "temperature" else 1.0,
        scaling.method if scaling is not None else "none",
        scaled[0].detach(),
        _compute_probabilities(opened, made),
    )


def read_layer(opened: OpenedRun, image: Tensor, layer: str) -> Tensor:
    """Return what one layer gives for an image, (channels, height, width) float32; units are 1 × 1 maps.

    Raises:
        LoupeError: there is no such layer, or it gives neither maps nor numbers.
    """
    plain = layer.partition("#")[0]
    with opened.asking(), recording(opened.model, [plain]) as outputs, evaluating(opened.model):
        opened.model(opened.to_inputs(image[None]))
    if layer not in outputs:
        raise LoupeError(
            f"The layer {layer!r} is not called in a forward pass.",
            got=layer,
            allowed=", ".join(outputs) or "a layer that takes part",
            next_step="choose another layer",
        )
    output = outputs[layer][0].float().cpu()
    if output.ndim == 3:
        return output
    return output.flatten()[:_MOST_UNITS, None, None]


def show_number(
    opened: OpenedRun, image: Tensor, layer: str, channel: int, row: int, column: int
) -> Arithmetic | Operation:
    """Return how one number of a layer came about.

    Raises:
        LoupeError: there is no such layer or number.
    """
    layer = layer.partition("#")[0]
    inputs = opened.to_inputs(image[None])[0]
    with opened.asking():
        if multiplies_window(find_layer(opened.model, layer)):
            return show_arithmetic(opened.model, inputs, layer, channel, row, column, finds_field=False)
        return show_operation(opened.model, inputs, layer, channel, row, column)


def find_field(opened: OpenedRun, layer: str, row: int, column: int) -> ReceptiveField:
    """Return the pixels of an image that a number of a layer can depend on.

    Raises:
        LoupeError: there is no such layer or place.
    """
    layer = layer.partition("#")[0]
    with opened.asking():
        shape = capture_layers(opened.model, opened.to_inputs(torch.zeros(1, *opened.shape)), [layer])
        rows, columns = (*shape[layer].shape[2:], 1, 1)[:2]
        if row >= rows or column >= columns:
            raise LoupeError(
                f"The layer {layer!r} has no place {row}, {column}.",
                got=f"row {row}, column {column}",
                allowed=f"rows 0 to {rows - 1}, columns 0 to {columns - 1}",
                next_step="choose a place in that range",
            )
        return find_receptive_field(opened.model, opened.shape, layer, row, column)


def explain_image(opened: OpenedRun, image: Tensor, method: str, target: int | None = None) -> Explanation:
    """Return which pixels of an image speak for a class, the predicted one if none is named.

    Methods choose settings by which they answer in a second or two.

    Raises:
        LoupeError: the network names no class, or the method does not fit it or is not installed.
    """
    settings = choose_quick_settings(method, opened.layers.multiply_adds, opened.image_size)
    with opened.asking():
        return explain(opened.model, opened.to_inputs(image[None]), method, target, **settings)
