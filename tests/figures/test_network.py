"""The picture of a network: to scale, nothing over anything else, and as large as a page."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from loupe.figures.flow_layout import choose_shares, lay_out
from loupe.figures.network import describe_scale, draw_network
from loupe.figures.presentation import STYLES, StyleName, present
from loupe.inspection.flow import Flow, trace_flow
from loupe.models import build_model

NETWORKS: dict[str, dict[str, Any]] = {
    "cnn": {"conv_layers": 4},
    "resnet": {"depth": 18},
    "expert-net": {"blocks": 3, "experts": 3, "width": 8},
    "mobile-net": {"width": 0.2},
    "vision-transformer": {"depth": 2, "width": 24},
    "autoencoder": {},
}


@pytest.fixture(scope="module")
def flows() -> dict[str, Flow]:
    found = {}
    for name, chosen in NETWORKS.items():
        torch.manual_seed(0)
        model = build_model(name, in_channels=3, image_size=(16, 16), num_classes=10, **chosen)
        image = torch.randn(3, 16, 16)
        names = ["airplane", "automobile", *map(str, range(8))]
        picture = torch.zeros(3, 16, 16, dtype=torch.uint8)
        found[name] = trace_flow(model, image, picture, class_names=names)
    return found


@pytest.mark.parametrize("name", NETWORKS)
@settings(deadline=None, max_examples=12)
@given(width=st.floats(60, 300), face=st.floats(8, 20))
def test_nothing_lies_over_anything_else(
    flows: dict[str, Flow], name: str, width: float, face: float
) -> None:
    plan = lay_out(flows[name], width, face)
    boxes = [
        (one.x, one.y - one.offset[1], one.x + one.width + one.offset[0], one.y + one.height)
        for one in plan.volumes
    ]
    for left, top, right, bottom in boxes:
        assert left >= 0
        assert top >= 0
        assert right <= plan.width + 0.01
        assert bottom <= plan.height
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            is_apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert is_apart, (name, one, other)
    for route in plan.routes:
        assert all(0 <= x <= plan.width + 0.01 and 0 <= y <= plan.height for x, y in route.points)


def test_sides_and_depths_are_to_scale(flows: dict[str, Flow]) -> None:
    flow = flows["cnn"]
    plan = lay_out(flow)
    volumes = {flow.stations[one.station].name: one for one in plan.volumes}
    assert volumes["image"].height == pytest.approx(16)
    assert volumes["conv1"].height == pytest.approx(2 * volumes["pool2"].height)
    assert volumes["conv4"].depth == pytest.approx(2 * volumes["conv2"].depth)
    assert "each map is the channel that varies most" in describe_scale(flow)


@pytest.mark.parametrize("style", STYLES)
def test_it_fits_a_page_and_a_slide(flows: dict[str, Flow], style: StyleName) -> None:
    for name in ("cnn", "resnet"):
        figure = present(draw_network(flows[name], is_slide=style == "slides"), style)
        width, height = figure.get_size_inches()
        assert width <= (10.01 if style == "slides" else 175 / 25.4 + 0.01)
        assert height <= (5.7 if style == "slides" else 226 / 25.4)
        written = {text.get_text() for text in figure.axes[0].texts}
        assert "automobile" in written
        assert "+" not in written or name == "resnet"


def test_of_many_classes_the_most_probable_are_listed() -> None:
    values = [0.0] * 90 + [0.5, 0.3, 0.2] + [0.0] * 7
    shown = choose_shares(values)
    assert shown[:3] == [90, 91, 92]
    assert len(shown) == 11
    assert choose_shares([0.5, 0.5]) == [0, 1]
