from typing import Any

import pytest
import torch
from captum.attr import Occlusion
from torch import Tensor, nn

from loupe.errors import LoupeError
from loupe.inspection import explain
from loupe.inspection.explanations.occlusion import place_windows
from tests.inspection.explanations.networks import make_images, make_network


def explain_by_loops(model: nn.Module, images: Tensor, targets: Tensor, **settings: Any) -> Tensor:
    """Return what occlusion should give, one window of one image at a time."""
    size, stride, fill = settings["size"], settings["stride"], settings["fill"]
    maps = torch.zeros(len(images), *images.shape[2:], dtype=images.dtype)
    for number, (image, target) in enumerate(zip(images, targets.tolist(), strict=True)):
        total, count = torch.zeros(2, *image.shape[1:], dtype=images.dtype)
        last_row, last_column = image.shape[1] - size, image.shape[2] - size
        for top in [*range(0, last_row, stride), last_row]:
            for left in [*range(0, last_column, stride), last_column]:
                covered = image.clone()
                covered[:, top : top + size, left : left + size] = fill
                logits, without = model(image[None])[0], model(covered[None])[0]
                if settings["score"] == "probability":
                    logits, without = logits.softmax(0), without.softmax(0)
                total[top : top + size, left : left + size] += (logits - without)[target]
                count[top : top + size, left : left + size] += 1
        maps[number] = total / count
    return maps


@pytest.mark.parametrize("score", ["logit", "probability"])
@pytest.mark.parametrize(("size", "stride", "fill"), [(7, 3, 0.0), (5, 5, 1.5), (28, 1, 0.0), (9, 4, -1.0)])
@torch.no_grad()
def test_equals_brute_force(size: int, stride: int, fill: float, score: str) -> None:
    model, images = make_network("cnn", in_channels=3).double().eval(), make_images(2, 3).double()
    settings = {"size": size, "stride": stride, "fill": fill, "score": score}
    found = explain(model, images, "occlusion", **settings)
    expected = explain_by_loops(model, images, found.targets, **settings)
    torch.testing.assert_close(found.maps, expected, atol=1e-12, rtol=1e-9)
    assert expected.abs().max() > 0


def test_equals_captum_where_windows_fit_evenly() -> None:
    model, images = make_network("cnn", in_channels=3).double().eval(), make_images(2, 3).double()
    found = explain(model, images, "occlusion", size=8, stride=4, fill=0.25)
    captums = Occlusion(model).attribute(
        images, (3, 8, 8), strides=(3, 4, 4), baselines=0.25, target=found.targets
    )
    # captum adds up in float32
    torch.testing.assert_close(found.maps.float(), captums[:, 0].float(), atol=1e-6, rtol=1e-4)
    assert found.maps.abs().max() > 0.01


def test_a_covered_pixel_of_a_linear_network_takes_its_weight_times_its_value() -> None:
    head = nn.Linear(6, 2).double()
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[1.0, 2.0, 3.0, -1.0, 0.5, 0.0], [0.0] * 6]))
    image = torch.tensor([[[[1.0, -2.0, 0.5], [4.0, 3.0, 9.0]]]]).double()
    found = explain(nn.Sequential(nn.Flatten(), head), image, "occlusion", targets=0, size=1, stride=1)
    assert found.maps.flatten().tolist() == pytest.approx([1.0, -4.0, 1.5, -4.0, 1.5, 0.0])
    filled = explain(nn.Sequential(nn.Flatten(), head), image, "occlusion", targets=0, size=1, fill=1.0)
    assert filled.maps.flatten().tolist() == pytest.approx([0.0, -6.0, -1.5, -3.0, 1.0, 0.0])
    # two windows of 2 x 2, which share the middle column
    wide = explain(nn.Sequential(nn.Flatten(), head), image, "occlusion", targets=0, size=2, stride=1)
    left, right = 1 - 4 - 4 + 1.5, -4 + 1.5 + 1.5 + 0
    row = [left, (left + right) / 2, right]
    assert wide.maps.flatten().tolist() == pytest.approx([*row, *row])


def test_windows_reach_every_pixel_and_stay_inside() -> None:
    windows = place_windows(7, 10, size=3, stride=2)
    assert windows.shape == (3 * 5, 7, 10)  # rows from 0, 2, 4; columns from 0, 2, 4, 6, 7
    assert windows.any(0).all()
    assert (windows.sum((1, 2)) == 9).all()


@pytest.mark.parametrize(("side", "size", "stride"), [(28, 6, 2), (32, 6, 2), (8, 2, 1), (3, 1, 1)])
def test_defaults_follow_the_image(side: int, size: int, stride: int) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(side * side, 3))
    found = explain(model, torch.randn(1, 1, side, side), "occlusion")
    assert (found.extras["size"], found.extras["stride"]) == (size, stride)
    assert found.settings == {"size": None, "stride": None, "fill": 0.0, "score": "logit"}


@pytest.mark.parametrize("settings", [{"size": 29}, {"size": 3, "stride": 4}])
def test_windows_that_cannot_slide(settings: dict[str, int]) -> None:
    with pytest.raises(LoupeError, match="does not slide") as caught:
        explain(make_network("cnn"), make_images(), "occlusion", **settings)
    assert caught.value.allowed == "size 1 to 28, stride 1 to size"
