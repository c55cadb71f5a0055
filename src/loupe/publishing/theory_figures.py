"""The figures of a chapter on theory, drawn from a run's network and one of its validation images."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch.nn.functional as F
from torch import Tensor

from loupe.figures.network import describe_scale, draw_network
from loupe.figures.theory import (
    draw_flatten,
    draw_global_pooling,
    draw_pooling,
    draw_relu_curve,
    draw_relu_matrix,
)
from loupe.inspection.calls import Call, record_calls
from loupe.publishing.network_figure import describe_image, name_true_class, trace_subject
from loupe.publishing.report_figure import Origin, ReportFigure, join_sentences
from loupe.publishing.theory_blocks import draw_blocks
from loupe.publishing.theory_neuron import draw_neuron_of
from loupe.publishing.theory_windows import choose_channel, cut_patch, draw_windows, find_convolution
from loupe.reports.inside import Subject

_PATCH, _POOLED, _MOST_FLAT = 6, 6, 3  # rows cut out of maps, channels that are flattened before one's eyes


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
        for one in self._draw():
            caption = join_sentences([one.caption, self.origin.describe()])
            yield replace(one, name=f"theory-{one.name}", caption=caption)

    @property
    def _image(self) -> str:
        return describe_image(self.subject, self.index)

    def _draw(self) -> Iterator[ReportFigure]:
        calls = record_calls(self.subject.model, self.subject.inputs[:1])
        convolution = find_convolution(calls)
        neuron = draw_neuron_of(calls, convolution, self._image, self.left_out)
        if neuron is not None:
            yield neuron
        yield from self._draw_relu(calls)
        if convolution is None:
            self.left_out.append("kernel, stride, padding, pooling: the network has no convolution")
        else:
            yield from draw_windows(convolution, self._image)
            yield from self._draw_pooling(calls, convolution)
        yield from self._draw_global_pooling(calls)
        yield from self._draw_flatten(calls)
        flow = trace_subject(self.subject)
        yield ReportFigure(
            "pipeline",
            "From pixels to the answer",
            f"The whole network on {self._image}. {describe_scale(flow, is_slide=self.is_slide)}",
            draw_network(flow, is_slide=self.is_slide, true_class=name_true_class(self.subject)),
        )
        yield from draw_blocks(flow, self.subject, self._image, is_slide=self.is_slide)

    def _draw_relu(self, calls: list[Call]) -> Iterator[ReportFigure]:
        relu = next((one for one in calls if type(one.module).__name__ == "ReLU"), None)
        if relu is None:
            self.left_out.append("ReLU: the network has none that is a layer")
            return
        given = relu.inputs[0].float().cpu()
        yield ReportFigure(
            "relu-curve",
            "ReLU",
            f"ReLU, max(0, x), and the {given.numel():,} numbers that go into {relu.name} for {self._image}",
            draw_relu_curve(given.numpy(), f"{relu.name}: max(0, x)"),
        )
        if given.ndim == 3:
            channel = choose_channel(given)
            patch, (top, left) = cut_patch(given[channel], _PATCH)
            where = f"channel {channel} of what goes into {relu.name}, from row {top} and column {left}"
            yield ReportFigure(
                "relu-matrix",
                "ReLU on a matrix",
                f"ReLU on a part of a map, {where}, for {self._image}",
                draw_relu_matrix(patch.numpy(), f"{relu.name}, channel {channel}"),
            )

    def _draw_pooling(self, calls: list[Call], convolution: Call) -> Iterator[ReportFigure]:
        pools = [
            one for one in calls if "Pool" in type(one.module).__name__ and min(one.inputs.shape[2:]) > 3
        ]
        source = pools[0] if pools else None
        maps = (source.inputs if source else convolution.output)[0].float().cpu()
        what = f"what goes into {source.name}" if source else f"{convolution.name}'s output"
        channel = choose_channel(maps)
        patch, _ = cut_patch(maps[channel], _POOLED)
        patch = patch[: len(patch) // 2 * 2, : len(patch[0]) // 2 * 2]
        for name, how, pooled in (
            ("max-pooling", "the largest", F.max_pool2d(patch[None], 2)[0]),
            ("average-pooling", "the mean", F.avg_pool2d(patch[None], 2)[0]),
        ):
            title = name.replace("-", " ").capitalize()
            yield ReportFigure(
                name,
                title,
                f"{title} of 2 × 2 windows, stride 2: {how} of each window, on a part of channel {channel} "
                f"of {what}, for {self._image}",
                draw_pooling(patch.numpy(), pooled.numpy(), how, title),
            )

    def _draw_global_pooling(self, calls: list[Call]) -> Iterator[ReportFigure]:
        pool = next((one for one in calls if _is_global_mean(one)), None)
        if pool is None:
            return
        maps = pool.inputs[0].float().cpu()
        first, some = _take_channels(maps)
        yield ReportFigure(
            "global-pooling",
            "Global average pooling",
            f"{pool.name} makes one number, the mean, of each of its {len(maps)} maps of "
            f"{maps.shape[1]} × {maps.shape[2]}; drawn are {len(some)} of them for "
            f"{self._image}",
            draw_global_pooling(some.numpy(), f"{pool.name}: global average pooling", first),
        )

    def _draw_flatten(self, calls: list[Call]) -> Iterator[ReportFigure]:
        flat = next(
            (one for one in calls if type(one.module).__name__ == "Flatten" and one.inputs.ndim == 4), None
        )
        if flat is None:
            self.left_out.append("flatten: the network has no such layer after maps")
            return
        maps, whose = flat.inputs[0].float().cpu(), ""
        if maps[0].numel() == 1:  # behind global pooling there is nothing left to lay in a row
            whole = _find_whole_maps(calls, flat)
            if whole is not None:
                maps = whole.inputs[0].float().cpu()
                whose = (
                    f", had {whole.name} not made one number of each map; what {flat.name} itself is given "
                    f"are {len(maps)} maps of 1 × 1"
                )
        shape = " × ".join(map(str, maps.shape))
        first, some = _take_channels(maps)
        does = "would lay" if whose else "lays"
        yield ReportFigure(
            "flatten",
            "Flatten",
            f"{flat.name} {does} the {shape} numbers of the maps into one row of {maps.numel():,}{whose}; "
            f"drawn are {len(some)} channels for {self._image}",
            draw_flatten(some.numpy(), maps.numel(), f"flatten: {shape}", first),
        )


def _take_channels(maps: Tensor) -> tuple[int, Tensor]:
    """Return the few channels in a row that vary most, and the number of the first."""
    spread = maps.flatten(1).std(1, correction=0)
    count = min(_MOST_FLAT, len(maps))
    first = int(spread.unfold(0, count, 1).sum(1).argmax())
    return first, maps[first : first + count]


def _find_whole_maps(calls: list[Call], flat: Call) -> Call | None:
    """Return the pooling before a flatten that made single numbers of maps; None if there is none."""
    before = calls[: calls.index(flat)]
    return next((one for one in reversed(before) if _is_global(one)), None)


def _is_global(call: Call) -> bool:
    given, made = call.inputs.shape, call.output.shape
    return "Pool" in type(call.module).__name__ and _are_single(made) and not _are_single(given)


def _are_single(shape: tuple[int, ...]) -> bool:
    return tuple(shape[2:]) == (1, 1)


def _is_global_mean(call: Call) -> bool:
    return "AvgPool" in type(call.module).__name__ and _is_global(call)
