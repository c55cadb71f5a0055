"""The network of a run as one picture, and its blocks: figures for a report."""

import torch

from loupe.figures.network import describe_scale, draw_network
from loupe.inspection.flow import Flow, trace_flow
from loupe.publishing.report_figure import Origin, ReportFigure, join_sentences
from loupe.reports.inside import Subject


def trace_subject(subject: Subject, place: int = 0) -> Flow:
    """Return the picture of a run's network on one of the images that are shown, by its place among them."""
    return trace_flow(
        subject.model,
        subject.inputs[place],
        subject.shown.images[place],
        class_names=subject.shown.class_names,
    )


def choose_place(subject: Subject) -> int:
    """Return the place of the first image that the network names rightly; 0 if there is none.

    What explains a network is shown on an answer that is right, where nobody chose an image.
    """
    with torch.no_grad():
        answers = subject.model(subject.inputs)
    if answers.shape != (len(subject.shown), len(subject.shown.class_names)):
        return 0  # it names no classes
    is_right = answers.argmax(1) == subject.shown.labels
    return int(is_right.int().argmax())


def name_true_class(subject: Subject, place: int = 0) -> str:
    """Return the class of an image that is shown."""
    return subject.shown.class_names[int(subject.shown.labels[place])]


def describe_image(subject: Subject, index: int, place: int = 0) -> str:
    """Return an image in words: "validation image 4 (cat)"."""
    return f"validation image {index} ({name_true_class(subject, place)})"


def draw_network_of(
    subject: Subject, image_name: str, index: int, origin: Origin, *, place: int = 0, is_slide: bool = False
) -> ReportFigure:
    """Return the network of a run as one picture of what it makes of one image.

    Args:
        subject: the network, and the images that are shown.
        image_name: as part of the file's name.
        index: the image's number in validation.
        origin: of the run.
        place: of the image among those shown.
        is_slide: whether it has to fit a slide.
    """
    flow = trace_subject(subject, place)
    sentences = [
        f"The network, from the pixels of {describe_image(subject, index, place)} to "
        + ("the probabilities of its classes" if flow.class_names else "what it gives back"),
        describe_scale(flow, is_slide=is_slide),
        _describe_ways(flow),
        origin.describe(),
    ]
    figure = draw_network(flow, is_slide=is_slide, true_class=name_true_class(subject, place))
    return ReportFigure(f"network-{image_name}", "The network", join_sentences(sentences), figure)


def _describe_ways(flow: Flow) -> str:
    """Return what the coloured ways of a picture are; "" if there are none."""
    has_shortcuts = any(link.is_shortcut for link in flow.links)
    has_gates = any(station.role == "gate" for station in flow.stations)
    parts = ["orange: shortcuts, and where they join"] if has_shortcuts else []
    parts += ["pink: gates, with the share of each expert"] if has_gates else []
    return "; ".join(parts).capitalize()
