"""A network as one picture, drawn."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Polygon, Rectangle
from matplotlib.path import Path

from loupe.figures.flow_layout import (
    choose_shares,
    cut_name,
    has_named_shares,
    lay_out,
    measure_names,
)
from loupe.figures.flow_plan import Plan, Volume
from loupe.figures.style import BLUE, GREEN, GREY, ORANGE, PINK, new_figure
from loupe.inspection.flow import Flow, Station
from loupe.inspection.flow_blocks import fold_blocks

_INCH = 25.4
_COLOURS = {
    "image": "#9aa1ab",
    "convolution": BLUE,
    "dense": GREEN,
    "pooling": ORANGE,
    "gate": PINK,
    "join": "#56b4e9",
    "softmax": GREEN,
    "block": BLUE,
}
_SIZE, _SMALL = 6.2, 5.6  # points
_TALLEST, _WIDTH, _WIDEST = 215.0, 175.0, 700.0  # millimetres
_LEAST_WIDTH = 130.0  # a narrower figure would be brought to a column, and its words would not fit
_SLIDE_SHAPE = 0.58  # height by width
_FACES = (16.0, 12.0, 10.0)  # millimetres, of the largest map
_PERCENT = 8.5  # millimetres that a probability takes


def draw_network(flow: Flow, *, is_slide: bool = False, true_class: str | None = None) -> Figure:
    """Return a network as one picture: what an image becomes on its way, to scale, and where ways join.

    A network too large for a page, or for a slide, has each of its blocks as one station.

    Args:
        flow: what to draw.
        is_slide: whether it has to fit a slide.
        true_class: of the image; an answer that is another is orange, with the true one marked.
    """
    plan = _fit(flow, is_slide=is_slide)
    width = max(plan.width, _LEAST_WIDTH)
    figure = new_figure(width / _INCH, plan.height / _INCH)
    figure.set_layout_engine("none")  # all places are known
    axes = figure.add_axes(((1 - plan.width / width) / 2, 0, plan.width / width, 1))
    axes.set_xlim(0, plan.width)
    axes.set_ylim(plan.height, 0)
    axes.set_axis_off()
    _draw_frames(axes, plan)
    _draw_routes(axes, plan)
    for volume in plan.volumes:
        _draw_volume(axes, plan, volume, true_class)
    _draw_marks(axes, plan)
    for label in plan.labels:
        for number, line in enumerate(label.lines):
            axes.text(
                label.x,
                label.y + number * plan.line_height,
                line,
                size=_SIZE if number == 0 else _SMALL,
                weight="bold" if number == 0 else "normal",
                color="black" if number == 0 else "#374151",
                ha="center",
                va="top",
            )
    return figure


def _fit(flow: Flow, *, is_slide: bool) -> Plan:
    """Return the layout with the largest maps that fits: of all stations, else of whole blocks."""
    tallest = _SLIDE_SHAPE * _WIDTH if is_slide else _TALLEST
    for one in (flow, fold_blocks(flow)):
        for face in _FACES:
            plan = lay_out(one, _WIDTH, face)
            if plan.height <= tallest:
                return plan
    folded, width = fold_blocks(flow), _WIDTH
    while plan.height > plan.width * tallest / _WIDTH and width < _WIDEST:
        width *= 1.15
        plan = lay_out(folded, width, _FACES[-1])
    return plan


def describe_scale(flow: Flow, *, is_slide: bool = False) -> str:
    """Return what sizes mean in the picture that `draw_network` draws, for a caption."""
    return write_scale(_fit(flow, is_slide=is_slide))


def write_scale(plan: Plan) -> str:
    """Return what sizes mean in a picture that is laid out."""
    scale, stations = plan.scale, plan.flow.stations
    parts = ["heights follow the sides of maps"]
    if any(len(one.shape) == 3 and one.role != "image" for one in stations):
        parts.append(f"depths the channels ({scale.channels / scale.pixels:.3g} as deep as a pixel is wide)")
    if any(len(one.shape) == 1 and one.role not in ("softmax", "gate") for one in stations):
        parts.append(f"bars the units ({scale.units / scale.pixels:.3g} as high as a pixel)")
    shown = (
        "each map is the channel that varies most" if any(one.channel is not None for one in stations) else ""
    )
    sizes = f"To scale: {', '.join(parts)}; nothing is drawn thinner than can be seen"
    return f"{sizes}; {shown}" if shown else sizes


def _draw_frames(axes: Axes, plan: Plan) -> None:
    for frame in plan.frames:
        axes.add_patch(
            Rectangle(
                (frame.x, frame.y), frame.width, frame.height, fc="#f1f3f6", ec="#c3c9d1", lw=0.5, zorder=0
            )
        )
        most = max(3, int(frame.width / 1.15))
        name = f"{frame.block} ({frame.kind})"
        text = name if len(name) <= most else frame.block[-most:]
        axes.text(frame.x + 0.8, frame.y + 0.5, text, size=_SMALL, color="#4b5563", va="top", style="italic")


def _draw_routes(axes: Axes, plan: Plan) -> None:
    for route in plan.routes:
        link = route.link
        is_gate = plan.flow.stations[link.source].role == "gate"
        colour = PINK if is_gate else ORANGE if link.is_shortcut else "#374151"
        points = [
            point
            for index, point in enumerate(route.points)
            if index == 0 or point != route.points[index - 1]
        ]
        axes.add_patch(
            FancyArrowPatch(
                path=Path(points),
                arrowstyle="-|>,head_length=2.2,head_width=1.1",
                mutation_scale=1,
                lw=1.1 if link.is_shortcut or is_gate else 0.8,
                ls=(0, (3, 2)) if link.is_assumed else "-",
                color=colour,
                fill=False,
                joinstyle="round",
                shrinkA=0,
                shrinkB=0,
                zorder=3 if link.is_shortcut else 2,
            )
        )
        ways = sum(one.source == link.source for one in plan.flow.links)
        is_arch = link.source == link.target
        if link.is_shortcut and len(points) > 2 and (ways > 1 or is_arch):
            start = points[0] if is_arch else points[1]
            axes.add_patch(Circle(start, 0.5, fc=colour, ec="none", zorder=4))


def _draw_marks(axes: Axes, plan: Plan) -> None:
    for mark in plan.marks:
        axes.add_patch(Circle((mark.x, mark.y), mark.radius, fc="white", ec="#374151", lw=0.8, zorder=5))
        axes.text(mark.x, mark.y, mark.sign, size=7, ha="center", va="center_baseline", zorder=6)
        volume = next(one for one in plan.volumes if one.station == mark.station)
        axes.plot(
            [mark.x + mark.radius, volume.x], [mark.y, mark.y], color="#374151", lw=0.8, zorder=2,
            solid_capstyle="butt",
        )  # fmt: skip


def _draw_volume(axes: Axes, plan: Plan, volume: Volume, true_class: str | None) -> None:
    station = plan.flow.stations[volume.station]
    if station.role == "softmax":
        _draw_shares(axes, plan.flow, volume, true_class)
        return
    colour = _COLOURS.get(station.role, GREY)
    x, y, width, height = volume.x, volume.y, volume.width, volume.height
    right, up = volume.offset
    if volume.depth:
        top = [(x, y), (x + right, y - up), (x + width + right, y - up), (x + width, y)]
        back, front = x + width + right, x + width
        side = [(front, y), (back, y - up), (back, y + height - up), (front, y + height)]
        axes.add_patch(Polygon(top, fc=_lighten(colour, 0.55), ec=colour, lw=0.5, zorder=4))
        axes.add_patch(Polygon(side, fc=_lighten(colour, 0.35), ec=colour, lw=0.5, zorder=4))
        _draw_experts(axes, plan, volume, station)
    values = station.values
    if values is not None:
        pixels = _to_pixels(station)
        extent = (x, x + width, y + height, y)
        gray = {"cmap": "gray", "vmin": 0, "vmax": 255} if station.role == "image" else {"cmap": "viridis"}
        axes.imshow(pixels, extent=extent, interpolation="nearest", aspect="auto", zorder=5, **gray)
        axes.set_xlim(0, plan.width)
        axes.set_ylim(plan.height, 0)
    axes.add_patch(Rectangle((x, y), width, height, fill=False, ec=colour, lw=0.8, zorder=6))
    if values is not None and has_named_shares(station):
        for number, share in enumerate(values.tolist()):
            middle = y + height * (number + 0.5) / len(values)
            axes.text(x + width + 0.7, middle, f"{share:.0%}", size=_SMALL, va="center_baseline", zorder=6)


def _draw_experts(axes: Axes, plan: Plan, volume: Volume, station: Station) -> None:
    """Draw where one expert's channels end and the next one's begin."""
    right, up = volume.offset
    for number in range(1, station.experts):
        part = number / station.experts
        x, y = volume.x + right * part, volume.y - up * part
        corners = [(x, y), (x + volume.width, y), (x + volume.width, y + volume.height)]
        axes.plot(*zip(*corners, strict=True), color="white", lw=0.8, zorder=4.5)


def _draw_shares(axes: Axes, flow: Flow, volume: Volume, true_class: str | None) -> None:
    values = flow.stations[volume.station].values
    assert values is not None
    shown = choose_shares(values.tolist())
    line = volume.height / (len(shown) + (len(shown) < len(values)))
    name_width = measure_names(flow.class_names)
    room = volume.width - name_width - _PERCENT
    best = int(values.argmax())
    is_wrong = true_class is not None and flow.class_names[best] != true_class
    for row, index in enumerate(shown):
        y = volume.y + row * line
        name, share = flow.class_names[index], float(values[index])
        told = f"{share:.1%} (true)" if is_wrong and name == true_class else f"{share:.1%}"
        weight = "bold" if index == best else "normal"
        axes.text(
            volume.x + name_width - 0.8, y + line / 2, cut_name(name),
            size=_SMALL, ha="right", va="center_baseline", weight=weight,
        )  # fmt: skip
        bar = Rectangle(
            (volume.x + name_width, y + 0.15 * line), max(0.15, room * share), 0.7 * line,
            fc=(ORANGE if is_wrong else GREEN) if index == best else GREY, ec="none", zorder=4,
        )  # fmt: skip
        axes.add_patch(bar)
        axes.text(
            volume.x + name_width + room * share + 0.6, y + line / 2, told, size=_SMALL,
            va="center_baseline", weight=weight,
        )  # fmt: skip
    if len(shown) < len(values):
        y = volume.y + (len(shown) + 0.5) * line
        axes.text(
            volume.x + name_width,
            y,
            f"and {len(values) - len(shown)} more",
            size=_SMALL,
            va="center_baseline",
        )


def _to_pixels(station: Station) -> np.ndarray:
    assert station.values is not None
    values = station.values.numpy()
    if station.role == "image":
        return values[0] if len(values) < 3 else values[:3].transpose(1, 2, 0)
    if values.ndim == 1:
        return values[:, None]
    return values


def _lighten(colour: str, share: float) -> tuple[float, float, float]:
    """Return a colour with a share of white in it."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    return tuple(part + (1 - part) * share for part in parts)  # type: ignore[return-value]
