"""Operations on one image as the interface answers them."""

from torch import Tensor

from loupe.errors import LoupeError
from loupe.reports.pictures import encode_png
from loupe.using.look_inside import read_answer
from loupe.using.opened_run import OpenedRun
from loupe.using.playground import train_playground
from loupe.using.theory import (
    blend_with_another,
    draw_augmented,
    read_last_layer,
    show_working,
)
from loupe.web.inside_answers import pack_numbers
from loupe.web.number_handlers import name_inputs
from loupe.web.theory_answers import (
    AugmentationAnswer,
    BatchStatistics,
    LastLayerAnswer,
    MixAnswer,
    PlaygroundAnswer,
    Theory,
    WindowGeometry,
    WorkingAnswer,
)


def describe_theory(opened: OpenedRun, image: Tensor, name: str) -> Theory:
    """Return what operations need to be shown on an image.

    Raises:
        LoupeError: the network names no class.
    """
    if opened.classifier is None:
        raise LoupeError(
            "This network gives images back and names no class.",
            got=opened.recipe.model.name,
            allowed="a classifier",
            next_step="look at its layers and numbers",
        )
    answer = read_answer(opened, image)
    assert answer.probabilities is not None
    kind, _, number = name.partition("-")
    target = int(opened.validation.labels[int(number)]) if kind == "validation" else None
    said = int(answer.logits.argmax())
    last, augmented = read_last_layer(opened, image), draw_augmented(opened, image)
    return Theory(
        image=name,
        pixels=pack_numbers(image),
        logits=answer.logits.tolist(),
        temperature=answer.temperature,
        scaling=answer.method,
        scaled_logits=answer.scaled.tolist() if answer.method in ("vector", "isotonic") else None,
        probabilities=answer.probabilities.tolist(),
        target=target,
        last_layer=None
        if last is None
        else LastLayerAnswer(
            name=last.name,
            features=pack_numbers(last.features),
            weights=pack_numbers(last.weights),
            bias=last.bias.tolist(),
        ),
        augmentation=AugmentationAnswer(
            names=list(augmented.names),
            is_example=augmented.is_example,
            draws=[encode_png(one) for one in augmented.draws],
        ),
        mix=_describe_mix(opened, image, said if target is None else target),
    )


def _describe_mix(opened: OpenedRun, image: Tensor, label: int) -> MixAnswer | None:
    try:
        mixed = blend_with_another(opened, image, label)
    except LoupeError:  # the run's images are gone
        return None
    return MixAnswer(
        partner=encode_png(mixed.partner),
        pixels=pack_numbers(mixed.partner),
        class_name=opened.class_names[mixed.label],
        shares=list(mixed.shares),
        probabilities=mixed.probabilities.tolist(),
    )


def describe_working(opened: OpenedRun, image: Tensor, layer: str, channel: int) -> WorkingAnswer:
    """Return what one channel of a layer is made of.

    Raises:
        LoupeError: there is no such layer or channel, or it does not make maps of maps.
    """
    found = show_working(opened, image, layer, channel)
    if found is None:
        raise LoupeError(
            f"The layer {layer!r} has no channel {channel} that is made of maps.",
            got=f"channel {channel}",
            allowed="a layer that gives maps: a convolution, pooling, norm or activation, and its channels",
            next_step="choose another layer or channel",
        )
    geometry = found.geometry
    return WorkingAnswer(
        layer=layer,
        kind=found.kind,
        channel=channel,
        inputs=pack_numbers(found.inputs),
        input_names=name_inputs(opened, layer),
        weights=pack_numbers(found.weights) if found.weights is not None else None,
        bias=found.bias,
        output=pack_numbers(found.output),
        geometry=None
        if geometry is None
        else WindowGeometry(
            kernel=geometry.kernel,
            stride=geometry.stride,
            padding=geometry.padding,
            dilation=geometry.dilation,
        ),
        batch=None if found.batch is None else BatchStatistics(mean=found.batch[0], variance=found.batch[1]),
        constants=found.constants,
    )


def describe_playground() -> PlaygroundAnswer:
    """Return images and a small network on them; the first time it is trained, which takes about a second."""
    found = train_playground()
    return PlaygroundAnswer(
        pictures=[encode_png(one) for one in found.images],
        images=pack_numbers(found.images[:, 0]),
        labels=found.labels.tolist(),
        class_names=list(found.class_names),
        mean=found.normalization.mean[0],
        std=found.normalization.std[0],
        kernels=pack_numbers(found.kernels[:, 0]),
        kernel_bias=found.kernel_bias.tolist(),
        weights=pack_numbers(found.weights),
        bias=found.bias.tolist(),
        accuracy=found.accuracy,
        num_judged=found.num_judged,
    )
