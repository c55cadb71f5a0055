"""One unit of a run's network, with its numbers for one image: a figure for a chapter on theory."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from loupe.figures.neuron import DrawnNeuron, draw_neuron
from loupe.inspection.calls import Call
from loupe.models.layer_rules import read_geometry
from loupe.publishing.report_figure import ReportFigure
from loupe.wording import list_names

_MOST_INPUTS = 5  # that are drawn, those that count most
_MOST_STAGES = 2  # that follow the sum before the drawing is full
_COLOURS = ("red", "green", "blue")


@dataclass(frozen=True)
class _Unit:
    """A unit: whose, its place in the output, and all its inputs with name, value and weight."""

    call: Call
    place: tuple[int, ...]
    names: list[str]
    values: Tensor
    weights: Tensor

    @property
    def total(self) -> float:
        return float(self.call.output[0][self.place])


def draw_neuron_of(
    calls: list[Call], convolution: Call | None, image: str, left_out: list[str]
) -> ReportFigure | None:
    """Return the drawing of one unit; None where the network has none that can be followed.

    A unit of a dense layer before a ReLU, else of a convolution, else of the last dense layer.

    Args:
        calls: of every layer, for one image.
        convolution: the one whose units can be drawn, if there is any.
        image: in words.
        left_out: receives why there is none.
    """
    dense = [one for one in calls if type(one.module) is nn.Linear and one.inputs.ndim == 2]
    hidden = next((one for one in dense if _has_relu(_follow(calls, one))), None)
    if hidden is not None:
        unit = _take_dense(hidden)
    elif convolution is not None:
        unit = _take_convolution(convolution)
    elif dense:
        unit = _take_dense(dense[-1])
    else:
        left_out.append("neuron: the network has neither a dense layer nor a convolution")
        return None
    module = unit.call.module
    bias = getattr(module, "bias", None)
    shift = float(bias.detach()[unit.place[0]]) if isinstance(bias, Tensor) else None
    products = unit.values * unit.weights
    order = products.abs().argsort(descending=True, stable=True)[:_MOST_INPUTS].sort().values
    rest = float(products.sum() - products[order].sum())
    inputs = [(unit.names[one], float(unit.values[one]), float(unit.weights[one])) for one in order.tolist()]
    followed = _follow(calls, unit.call)[:_MOST_STAGES]
    stages = [(_name_stage(one), float(one.output[0][unit.place])) for one in followed]
    drawn = DrawnNeuron(inputs, (len(products) - len(order), rest), shift, unit.total, stages)
    where = f"{unit.call.name}, unit {unit.place[0]}"
    if len(unit.place) > 1:
        where = f"{unit.call.name}, channel {unit.place[0]}, row {unit.place[1]}, column {unit.place[2]}"
    tail = f", then {list_names([name for name, _ in stages], most=len(stages))}" if stages else ""
    caption = (
        f"A neuron of {where}, for {image}: each input times its weight, added up"
        f"{' with the bias' if shift is not None else '; it has no bias'}{tail}. "
        f"Of its {len(products):,} inputs the {len(order)} that count most are drawn"
    )
    return ReportFigure("neuron", "A neuron", caption, draw_neuron(drawn, where))


def _take_dense(call: Call) -> _Unit:
    """Return the unit of a dense layer that has the largest number."""
    unit = int(call.output[0].argmax())
    weights = _weights(call.module)[unit]
    names = [f"number {one}" for one in range(len(weights))]
    return _Unit(call, (unit,), names, call.inputs[0].float().cpu(), weights)


def _take_convolution(call: Call) -> _Unit:
    """Return the unit of a convolution that has the largest number."""
    geometry = read_geometry(call.module)
    assert geometry is not None
    output = call.output[0].float().cpu()
    channel, place = divmod(int(output.argmax()), output[0].numel())
    row, column = divmod(place, output.shape[2])
    (down, right), (step_down, step_right) = geometry.padding, geometry.stride
    top, left = row * step_down, column * step_right
    rows, columns = geometry.kernel
    given = F.pad(call.inputs[0].float().cpu(), (right, right, down, down))
    window = given[:, top : top + rows, left : left + columns]
    of_image = call.inputs.shape[1] == len(_COLOURS)
    names = [
        f"{_COLOURS[one] if of_image else f'channel {one}'}, row {top - down + y}, column {left - right + x}"
        for one in range(len(window))
        for y in range(rows)
        for x in range(columns)
    ]
    return _Unit(
        call, (channel, row, column), names, window.flatten(), _weights(call.module)[channel].flatten()
    )


def _weights(module: nn.Module) -> Tensor:
    weight = module.weight
    assert isinstance(weight, Tensor)
    return weight.detach().float().cpu()


def _follow(calls: list[Call], call: Call) -> list[Call]:
    """Return the layers behind one that make one number of each of its numbers, in order."""
    found: list[Call] = []
    last = call
    while True:
        after = next(
            (one for one in calls if one.source == last.result and one.output.shape == call.output.shape),
            None,
        )
        if after is None or not _is_pointwise(after.module):
            return found
        if "Dropout" not in type(after.module).__name__:  # does nothing outside training
            found.append(after)
        last = after


def _is_pointwise(module: nn.Module) -> bool:
    name = type(module).__name__
    return "Norm" in name or "Dropout" in name or type(module) in _ACTIVATIONS


_ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.ELU, nn.CELU, nn.Sigmoid, nn.Tanh, nn.Hardswish)


def _has_relu(calls: list[Call]) -> bool:
    return any(isinstance(one.module, nn.ReLU) for one in calls)


def _name_stage(call: Call) -> str:
    name = type(call.module).__name__
    return "ReLU: max(0, x)" if name == "ReLU" else "batch norm" if "BatchNorm" in name else name
