"""The figures of a chapter on theory, drawn from a run's network and one of its validation images."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor, nn

from loupe.figures.network import describe_scale, draw_network
from loupe.figures.theory import (
    draw_flatten,
    draw_global_pooling,
    draw_pooling,
    draw_relu_curve,
    draw_relu_matrix,
    draw_sliding_kernel,
    draw_ways_to_slide,
)
from loupe.inspection.calls import Call, record_calls
from loupe.inspection.flow import Flow, trace_flow
from loupe.inspection.flow_blocks import take_block
from loupe.models import build_model
from loupe.models.layer_rules import Geometry, read_geometry
from loupe.publishing.network_figure import trace_subject
from loupe.publishing.report_figure import Origin, ReportFigure, join_sentences
from loupe.reports.inside import Subject
from loupe.runtime import Streams

_PATCH, _POOLED, _MOST_FLAT = 6, 6, 3  # rows cut out of maps, channels that are flattened before one's eyes
_BLOCK_DEPTH, _BLOCK_SIDE = 18, 8  # of the residual network that stands in where a run's has no blocks


@dataclass
class TheoryFigures:
    """The figures of a chapter on theory.

    Args:
        subject: a run's network; the first image shown is drawn.
        index: that image's number in validation.
        origin: of the run.
        left_out: why figures are missing, in words; filled while they are drawn.
        is_slide: whether they have to fit a slide.
    """

    subject: Subject
    index: int
    origin: Origin
    left_out: list[str]
    is_slide: bool = False

    def draw(self) -> Iterator[ReportFigure]:
        """Yield them, in the order in which a chapter would have them."""
        calls = record_calls(self.subject.model, self.subject.inputs[:1])
        convolution = next((one for one in calls if _is_plain_convolution(one)), None)
        yield from self._draw_relu(calls)
        if convolution is None:
            self.left_out.append("kernel, stride, padding, pooling: the network has no convolution")
        else:
            yield from self._draw_windows(convolution)
            yield from self._draw_pooling(calls, convolution)
        yield from self._draw_global_pooling(calls)
        yield from self._draw_flatten(calls)
        flow = trace_subject(self.subject)
        yield self._make(
            "pipeline",
            "From pixels to the answer",
            [
                f"The whole network on validation image {self.index}",
                describe_scale(flow, is_slide=self.is_slide),
            ],
            draw_network(flow, is_slide=self.is_slide),
        )
        yield from self._draw_blocks(flow)

    def _make(self, name: str, title: str, sentences: list[str], figure: Figure) -> ReportFigure:
        caption = join_sentences([*sentences, self.origin.describe()])
        return ReportFigure(f"theory-{name}", title, caption, figure)

    def _draw_relu(self, calls: list[Call]) -> Iterator[ReportFigure]:
        relu = next((one for one in calls if type(one.module).__name__ == "ReLU"), None)
        if relu is None:
            self.left_out.append("ReLU: the network has none that is a layer")
            return
        given = relu.inputs[0].float().cpu()
        yield self._make(
            "relu-curve",
            "ReLU",
            [f"ReLU, max(0, x), and the {given.numel():,} numbers that {relu.name} is given for validation "
             f"image {self.index}"],
            draw_relu_curve(given.numpy(), f"{relu.name}: max(0, x)"),
        )  # fmt: skip
        if given.ndim == 3:
            channel = _choose_channel(given)
            patch, (top, left) = _cut_patch(given[channel], _PATCH)
            where = f"channel {channel} of what {relu.name} is given, from row {top} and column {left}"
            yield self._make(
                "relu-matrix",
                "ReLU on a matrix",
                [f"ReLU on a part of a map, {where}, for validation image {self.index}"],
                draw_relu_matrix(patch.numpy(), f"{relu.name}, channel {channel}"),
            )

    def _draw_windows(self, call: Call) -> Iterator[ReportFigure]:
        module, given = call.module, call.inputs[0].float().cpu()
        geometry = read_geometry(module)
        assert geometry is not None
        weight, channel = _weights(module), _choose_channel(call.output[0])
        own, kernel = given[0], weight[channel, 0]
        bias = ", and a bias" if isinstance(getattr(module, "bias", None), Tensor) else "; it has no bias"
        channels = f"; its {len(given)} channels add up, the first is drawn" if len(given) > 1 else ""
        made = call.output[0, channel].float().cpu()
        padding, stride = geometry.padding[0], geometry.stride[0]
        rows, columns = made.shape
        places = [(0, 0), (0, min(1, columns - 1)), (rows // 2, columns // 2)]
        steps = [
            (row, column, _write_sum(module, given, channel, (row, column), geometry))
            for row, column in places
        ]
        yield self._make(
            "kernel",
            "A kernel slides",
            [f"Kernel {channel} of {call.name} at three of its {rows} × {columns} places, validation "
             f"image {self.index}: each number is the sum of window times weights{bias}{channels}"],
            draw_sliding_kernel(
                F.pad(own, (padding,) * 4).numpy(), kernel.numpy(), made.numpy(), steps,
                padding=padding, stride=stride, title=f"{call.name}, kernel {channel}",
            ),
        )  # fmt: skip
        size = min(own.shape[0], max(8, kernel.shape[0] + 3))
        patch, _ = _cut_patch(own, size)
        for name, title, ways in (
            ("stride", "Stride", [(0, 1), (0, 2)]),
            ("padding", "Padding", [(0, 1), (kernel.shape[0] // 2, 1)]),
        ):
            names = " and with ".join(_name_way(*way) for way in ways)
            yield self._make(
                name,
                title,
                [f"Kernel {channel} of {call.name} on {len(patch)} × {len(patch)} pixels of validation image "
                 f"{self.index}, with {names}: the size of the map "
                 "is (N + 2·P − F)/S + 1, rounded down; cells of padding are hatched"],
                draw_ways_to_slide(
                    [_slide(patch, kernel, *way) for way in ways],
                    (kernel.shape[0], kernel.shape[1]), [way[1] for way in ways], title,
                ),
            )  # fmt: skip

    def _draw_pooling(self, calls: list[Call], convolution: Call) -> Iterator[ReportFigure]:
        pools = [
            one for one in calls if "Pool" in type(one.module).__name__ and min(one.inputs.shape[2:]) > 3
        ]
        source = pools[0] if pools else None
        maps = (source.inputs if source else convolution.output)[0].float().cpu()
        what = f"what {source.name} is given" if source else f"{convolution.name}'s output"
        channel = _choose_channel(maps)
        patch, _ = _cut_patch(maps[channel], _POOLED)
        patch = patch[: len(patch) // 2 * 2, : len(patch[0]) // 2 * 2]
        for name, how, pooled in (
            ("max-pooling", "the largest", F.max_pool2d(patch[None], 2)[0]),
            ("average-pooling", "the mean", F.avg_pool2d(patch[None], 2)[0]),
        ):
            title = name.replace("-", " ").capitalize()
            yield self._make(
                name,
                title,
                [f"{title} of 2 × 2 windows, stride 2: {how} of each window, on a part of channel {channel} "
                 f"of {what}, for validation image {self.index}"],
                draw_pooling(patch.numpy(), pooled.numpy(), how, title),
            )  # fmt: skip

    def _draw_global_pooling(self, calls: list[Call]) -> Iterator[ReportFigure]:
        pool = next((one for one in calls if _is_global_mean(one)), None)
        if pool is None:
            return
        maps = pool.inputs[0].float().cpu()
        yield self._make(
            "global-pooling",
            "Global average pooling",
            [f"{pool.name} makes one number, the mean, of each of its {len(maps)} maps of "
             f"{maps.shape[1]} × {maps.shape[2]}; drawn are the first "
             f"{min(_MOST_FLAT, len(maps))} channels for validation image {self.index}"],
            draw_global_pooling(maps[:_MOST_FLAT].numpy(), f"{pool.name}: global average pooling"),
        )  # fmt: skip

    def _draw_flatten(self, calls: list[Call]) -> Iterator[ReportFigure]:
        flat = next(
            (one for one in calls if type(one.module).__name__ == "Flatten" and one.inputs.ndim == 4), None
        )
        if flat is None:
            self.left_out.append("flatten: the network has no such layer after maps")
            return
        maps = flat.inputs[0].float().cpu()
        shape = " × ".join(map(str, maps.shape))
        yield self._make(
            "flatten",
            "Flatten",
            [f"{flat.name} lays the {shape} numbers of its maps into one row of {maps.numel():,}; drawn are "
             f"the first {min(_MOST_FLAT, len(maps))} channels for validation image {self.index}"],
            draw_flatten(maps[:_MOST_FLAT].numpy(), maps.numel(), f"{flat.name}: {shape}"),
        )  # fmt: skip

    def _draw_blocks(self, flow: Flow) -> Iterator[ReportFigure]:
        found, of_whom = _find_blocks(flow), "of this network"
        if len(found) < len(_BLOCK_WORDS):
            flow, of_whom = self._stand_in(), f"of a resnet of depth {_BLOCK_DEPTH}, not trained"
            found = _find_blocks(flow)
        for kind, block in found.items():
            part = take_block(flow, block)
            yield self._make(
                f"block-{kind}",
                f"A residual block, {_BLOCK_WORDS[kind]}",
                [f"Block {block} {of_whom}, on validation image {self.index}: {_BLOCK_WORDS[kind]}, and is "
                 "added to what they make", describe_scale(part, is_slide=self.is_slide)],
                draw_network(part, is_slide=self.is_slide),
            )  # fmt: skip

    def _stand_in(self) -> Flow:
        """Return the picture of a residual network, as it is built, on the same image."""
        channels, height, width = self.subject.image_shape
        with Streams(0).as_global("model"):
            model = build_model(
                "resnet",
                in_channels=channels,
                image_size=(max(height, _BLOCK_SIDE), max(width, _BLOCK_SIDE)),
                num_classes=10,
                depth=_BLOCK_DEPTH,
            )
        rows, columns = max(0, _BLOCK_SIDE - height), max(0, _BLOCK_SIDE - width)
        given = F.pad(self.subject.inputs[0].cpu(), (0, columns, 0, rows))
        return trace_flow(model, given, self.subject.shown.images[0])


_BLOCK_WORDS = {
    "basic": "what it is given goes around its layers as it is",
    "projection": "what it is given goes around its layers through a 1 × 1 convolution",
}


def _find_blocks(flow: Flow) -> dict[str, str]:
    """Return the first residual block whose shortcut is free, and the first whose shortcut projects."""
    main, found = set(flow.main_way), dict[str, str]()
    for block, members in flow.blocks.items():
        if not any(flow.stations[number].sign == "+" for number in members):
            continue
        projects = any(
            number not in main and flow.stations[number].role == "convolution" for number in members
        )
        found.setdefault("projection" if projects else "basic", block)
    return dict(sorted(found.items()))


def _is_global_mean(call: Call) -> bool:
    return (
        "AvgPool" in type(call.module).__name__ and call.output.shape[2:] == (1, 1) != call.inputs.shape[2:]
    )


def _is_plain_convolution(call: Call) -> bool:
    geometry = read_geometry(call.module)
    weight = getattr(call.module, "weight", None)
    is_convolution = isinstance(weight, Tensor) and weight.ndim == 4 and call.inputs.ndim == 4
    return (
        is_convolution
        and geometry is not None
        and not geometry.is_transposed
        and geometry.dilation == (1, 1)
        and getattr(call.module, "groups", 1) == 1
        and min(geometry.kernel) > 1
        and call.inputs.shape[-1] >= geometry.kernel[1] + 1
    )


def _weights(module: nn.Module) -> Tensor:
    weight = module.weight
    assert isinstance(weight, Tensor)
    return weight.detach().float().cpu()


def _choose_channel(maps: Tensor) -> int:
    """Return the channel that varies most."""
    return int(maps.float().flatten(1).std(1, correction=0).argmax())


def _cut_patch(values: Tensor, side: int) -> tuple[Tensor, tuple[int, int]]:
    """Return the square that varies most, and its first row and column; all of a smaller map."""
    rows, columns = (min(side, size) for size in values.shape)
    windows = values.unfold(0, rows, 1).unfold(1, columns, 1)
    place = int(windows.flatten(2).std(2, correction=0).argmax())
    top, left = divmod(place, windows.shape[1])
    return values[top : top + rows, left : left + columns].clone(), (top, left)


def _write_sum(
    module: nn.Module, given: Tensor, channel: int, place: tuple[int, int], geometry: Geometry
) -> str:
    """Return how one number comes about, in words: the sum of the products, the bias if any, the number."""
    row, column = place
    pads = (geometry.padding[1], geometry.padding[1], geometry.padding[0], geometry.padding[0])
    top, left = row * geometry.stride[0], column * geometry.stride[1]
    window = F.pad(given, pads)[:, top : top + geometry.kernel[0], left : left + geometry.kernel[1]]
    total = float((window.double() * _weights(module)[channel].double()).sum())
    bias = getattr(module, "bias", None)
    if not isinstance(bias, Tensor):
        return f"row {row}, column {column}:\n{total:.2f}"
    shift = float(bias.detach()[channel])
    sign = "+" if shift >= 0 else "−"
    return f"row {row}, column {column}:\n{total:.2f} {sign} {abs(shift):.2f} = {total + shift:.2f}"


def _name_way(padding: int, stride: int) -> str:
    return f"stride {stride}, padding {padding}"


def _slide(
    patch: Tensor, kernel: Tensor, padding: int, stride: int
) -> tuple[np.ndarray, np.ndarray, int, str]:
    """Return the padded patch, the map, the padding, and how its size follows."""
    output = F.conv2d(patch[None, None], kernel[None, None], padding=padding, stride=stride)[0, 0]
    rows, columns = kernel.shape
    geometry = Geometry((rows, columns), (stride, stride), (padding, padding))
    return F.pad(patch, (padding,) * 4).numpy(), output.numpy(), padding, geometry.write_size(len(patch), 0)
