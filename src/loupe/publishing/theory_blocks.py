"""A residual block with a free and with a projecting shortcut: figures for a chapter on theory."""

from collections.abc import Iterator

import torch.nn.functional as F

from loupe.figures.network import describe_scale, draw_network
from loupe.inspection.flow import Flow, trace_flow
from loupe.inspection.flow_blocks import take_block
from loupe.models import build_model
from loupe.publishing.report_figure import ReportFigure
from loupe.reports.inside import Subject
from loupe.runtime import Streams

_BLOCK_DEPTH, _BLOCK_SIDE = 18, 8  # of the residual network that stands in where a run's has no blocks
_TITLES = {
    "basic": "A residual block with a free shortcut",
    "projection": "A residual block with a projecting shortcut",
}
_WORDS = {
    "basic": "its input goes around its layers as it is",
    "projection": "its input goes around its layers through a 1 × 1 convolution",
}


def draw_blocks(flow: Flow, subject: Subject, image: str, *, is_slide: bool) -> Iterator[ReportFigure]:
    """Yield a residual block of each kind: of the network, else of one that is not trained.

    Args:
        flow: the network's way through one image.
        subject: the network and the image.
        image: in words.
        is_slide: whether they have to fit a slide.
    """
    found, of_whom = _find_blocks(flow), "of this network"
    if len(found) < len(_WORDS):
        flow, of_whom = _stand_in(subject), f"of a resnet of depth {_BLOCK_DEPTH}, not trained"
        found = _find_blocks(flow)
    for kind, block in found.items():
        part = take_block(flow, block)
        yield ReportFigure(
            f"block-{kind}",
            _TITLES[kind],
            f"Block {block} {of_whom}, on {image}: {_WORDS[kind]}, and is added to what they make. "
            f"{describe_scale(part, is_slide=is_slide)}",
            draw_network(part, is_slide=is_slide),
        )


def _stand_in(subject: Subject) -> Flow:
    """Return the picture of a residual network, as it is built, on the same image."""
    channels, height, width = subject.image_shape
    with Streams(0).as_global("model"):
        model = build_model(
            "resnet",
            in_channels=channels,
            image_size=(max(height, _BLOCK_SIDE), max(width, _BLOCK_SIDE)),
            num_classes=10,
            depth=_BLOCK_DEPTH,
        )
    rows, columns = max(0, _BLOCK_SIDE - height), max(0, _BLOCK_SIDE - width)
    given = F.pad(subject.inputs[0].cpu(), (0, columns, 0, rows))
    return trace_flow(model, given, subject.shown.images[0])


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
