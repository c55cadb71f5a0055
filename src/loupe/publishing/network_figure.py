"""The network of a run as one picture, and its blocks: figures for a report."""

from loupe.figures.network import describe_scale, draw_network
from loupe.inspection.flow import Flow, trace_flow
from loupe.publishing.report_figure import Origin, ReportFigure, join_sentences
from loupe.reports.inside import Subject


def trace_subject(subject: Subject) -> Flow:
    """Return the picture of a run's network on the first image that is shown."""
    return trace_flow(
        subject.model,
        subject.inputs[0],
        subject.shown.images[0],
        class_names=subject.shown.class_names,
    )


def draw_network_of(
    subject: Subject, image_name: str, index: int, origin: Origin, *, is_slide: bool = False
) -> ReportFigure:
    """Return the network of a run as one picture of what it makes of one image.

    Args:
        subject: the network, and the images that are shown; the first is drawn.
        image_name: as part of the file's name.
        index: the image's number in validation.
        origin: of the run.
        is_slide: whether it has to fit a slide.
    """
    flow = trace_subject(subject)
    sentences = [
        f"The network, from the pixels of validation image {index} to "
        + ("the probabilities of its classes" if flow.class_names else "what it gives back"),
        describe_scale(flow, is_slide=is_slide),
        _describe_ways(flow),
        origin.describe(),
    ]
    figure = draw_network(flow, is_slide=is_slide)
    return ReportFigure(f"network-{image_name}", "The network", join_sentences(sentences), figure)


def _describe_ways(flow: Flow) -> str:
    """Return what the coloured ways of a picture are; "" if there are none."""
    has_shortcuts = any(link.is_shortcut for link in flow.links)
    has_gates = any(station.role == "gate" for station in flow.stations)
    parts = ["orange: shortcuts, and where they join"] if has_shortcuts else []
    parts += ["pink: gates, with the share of each expert"] if has_gates else []
    return "; ".join(parts).capitalize()
