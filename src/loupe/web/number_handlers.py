"""One number of a network as the interface takes it apart, and what inputs and outputs are called."""

from torch import Tensor

from loupe.inspection import Arithmetic, find_layer
from loupe.using.layer_roles import CHANNEL_NAMES
from loupe.using.look_inside import read_answer, show_number
from loupe.using.opened_run import OpenedRun
from loupe.web.inside_answers import Window, pack_numbers


def take_apart(opened: OpenedRun, image: Tensor, layer: str, place: tuple[int, int, int]) -> Window:
    """Return the arithmetic of one number."""
    shown = show_number(opened, image, layer, *place)
    channel, row, column = place
    common = {"layer": layer, "channel": channel, "row": row, "column": column}
    if isinstance(shown, Arithmetic):
        kind = type(find_layer(opened.model, shown.layer)).__name__
        return Window(
            **common,
            kind=kind,
            form="products",
            inputs=pack_numbers(shown.window),
            weights=pack_numbers(shown.weights),
            is_padding=_list_padding(shown.is_padding),
            bias=shown.bias,
            total=shown.total,
            value=shown.value,
            steps=[(step.layer, step.kind, step.after) for step in shown.steps]
            + _follow_to_answer(opened, image, shown),
        )
    return Window(
        **common,
        kind=shown.kind,
        form="rule",
        inputs=pack_numbers(shown.inputs) if shown.inputs.numel() else None,
        value=shown.value,
        rule=shown.rule,
        constants=shown.constants,
        source=shown.source,
        source_place=shown.location,
        is_padding=_list_padding(shown.is_padding),
    )


def _list_padding(is_padding: Tensor | None) -> list[list[bool]] | None:
    """Return which cells are padding, row by row; None if none is."""
    return is_padding.tolist() if is_padding is not None and bool(is_padding.any()) else None


def _follow_to_answer(opened: OpenedRun, image: Tensor, shown: Arithmetic) -> list[tuple[str, str, float]]:
    """Return the step from a logit to the probability of its class; none for any other number."""
    last = shown.steps[-1].layer if shown.steps else shown.layer
    if not gives_answer(opened, last):
        return []
    probabilities = read_answer(opened, image).probabilities
    assert probabilities is not None
    return [("the answer", "Softmax over all classes", float(probabilities[shown.channel]))]


def gives_answer(opened: OpenedRun, layer: str) -> bool:
    """Return whether a layer gives the logits, a unit a class."""
    return opened.classifier is not None and layer == opened.roles.answering


def name_inputs(opened: OpenedRun, layer: str) -> list[str]:
    """Return what the channels are called that a layer on the image is given."""
    is_on_image = layer.partition("#")[0] in opened.roles.on_image
    return list(CHANNEL_NAMES.get(opened.in_channels, ())) if is_on_image else []
