"""A network as one picture, as the interface answers it."""

from torch import Tensor

from loupe.figures.flow_layout import choose_shares, lay_out, measure_names
from loupe.figures.flow_plan import Plan
from loupe.figures.network import write_scale
from loupe.inspection.flow import trace_flow
from loupe.using.look_inside import read_answer
from loupe.using.opened_run import OpenedRun
from loupe.web.flow_answers import FlowAnswer, FlowFrame, FlowMark, FlowRoute, FlowStation
from loupe.web.inside_answers import pack_numbers

_MOST_UNITS = 512  # of a bar; more could not be told apart


def describe_flow(opened: OpenedRun, image: Tensor, name: str, width: float) -> FlowAnswer:
    """Return a run's network as one picture of an image, laid out in rows of `width` millimetres."""
    answer = read_answer(opened, image)
    with opened.asking():
        flow = trace_flow(
            opened.model,
            opened.to_inputs(image[None])[0],
            image,
            class_names=opened.class_names if opened.classifier is not None else (),
            probabilities=answer.probabilities,
        )
    plan = lay_out(flow, width)
    last = flow.stations[-1]
    is_list = last.role == "softmax" and last.values is not None
    return FlowAnswer(
        image=name,
        width=plan.width,
        height=plan.height,
        line_height=plan.line_height,
        scale=write_scale(plan),
        class_names=list(flow.class_names),
        names_width=measure_names(flow.class_names),
        shown=choose_shares(last.values.tolist()) if is_list and last.values is not None else [],
        stations=_describe_stations(plan),
        marks=[
            FlowMark(station=one.station, x=one.x, y=one.y, radius=one.radius, sign=one.sign)
            for one in plan.marks
        ],
        routes=_describe_routes(plan),
        frames=[
            FlowFrame(block=one.block, kind=one.kind, x=one.x, y=one.y, width=one.width, height=one.height)
            for one in plan.frames
        ],
    )


def _describe_stations(plan: Plan) -> list[FlowStation]:
    volumes = {one.station: one for one in plan.volumes}
    labels = {one.station: one for one in plan.labels}
    found = []
    for number, station in enumerate(plan.flow.stations):
        volume, label, values = volumes[number], labels[number], station.values
        if values is not None and values.ndim == 1:
            values = values[:: -(-len(values) // _MOST_UNITS)]
        found.append(
            FlowStation(
                name=station.name,
                title=station.title,
                role=station.role,
                words=list(station.words),
                layers=list(station.layers),
                shape=list(station.shape),
                block=station.block,
                parameters=station.parameters,
                channel=station.channel,
                experts=station.experts,
                values=None if values is None or station.role == "image" else pack_numbers(values),
                x=volume.x,
                y=volume.y,
                width=volume.width,
                height=volume.height,
                depth=volume.offset,
                label=(label.x, label.y),
                lines=list(label.lines),
            )
        )
    return found


def _describe_routes(plan: Plan) -> list[FlowRoute]:
    stations = plan.flow.stations
    return [
        FlowRoute(
            source=one.link.source,
            target=one.link.target,
            kind="gate"
            if stations[one.link.source].role == "gate"
            else "shortcut"
            if one.link.is_shortcut
            else "way",
            is_assumed=one.link.is_assumed,
            points=list(one.points),
        )
        for one in plan.routes
    ]
