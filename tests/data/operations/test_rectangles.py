"""Random rectangles: where they lie, and that they are drawn as published."""

import math
import random

import pytest
import torch

from loupe.data.operations.rectangles import Rectangles, cover, draw_rectangles
from loupe.runtime import Streams

COUNT = 20_000


def draw(height: int, width: int, scale: tuple[float, float], ratio: tuple[float, float]) -> Rectangles:
    images = torch.zeros(1, 1, height, width).expand(COUNT, -1, -1, -1)
    return draw_rectangles(images, scale, ratio, Streams(4).generator("augment"))


def draw_one_by_one(
    height: int, width: int, scale: tuple[float, float], ratio: tuple[float, float]
) -> tuple[int, int, int, int]:
    """Return top, left, height, width by the loop of the published code."""
    for _ in range(10):
        area = height * width * random.uniform(*scale)
        shape = math.exp(random.uniform(math.log(ratio[0]), math.log(ratio[1])))
        wide, tall = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
        if 0 < wide <= width and 0 < tall <= height:
            return random.randint(0, height - tall), random.randint(0, width - wide), tall, wide
    return 0, 0, 0, 0


@pytest.mark.parametrize(
    ("scale", "ratio"),
    [((0.5, 1.0), (0.75, 4 / 3)), ((0.02, 0.4), (0.3, 3.3)), ((0.9, 1.0), (0.2, 0.9))],
)
def test_distribution_is_that_of_the_loop(scale: tuple[float, float], ratio: tuple[float, float]) -> None:
    random.seed(5)
    expected = torch.tensor(
        [draw_one_by_one(32, 20, scale, ratio) for _ in range(COUNT)], dtype=torch.float64
    )
    drawn = torch.stack(draw(32, 20, scale, ratio), 1).double()
    shares = [(some[:, 2] > 0).double().mean().item() for some in (drawn, expected)]
    assert abs(shares[0] - shares[1]) < 5 * (2 * 0.25 / COUNT) ** 0.5
    drawn, expected = (some[some[:, 2] > 0] for some in (drawn, expected))
    for power in (1, 2):
        a, b = drawn**power, expected**power
        error = (a.var(0) / len(a) + b.var(0) / len(b)).sqrt()
        assert ((a.mean(0) - b.mean(0)).abs() < 5 * error).all()
    a, b = (some[:, 2] * some[:, 3] for some in (drawn, expected))
    assert abs(a.mean() - b.mean()) < 5 * (a.var() / len(a) + b.var() / len(b)).sqrt()


def test_rectangles_lie_inside_and_keep_to_area_and_ratio() -> None:
    top, left, height, width = draw(32, 32, (0.1, 0.4), (0.5, 2.0))
    assert (height > 0).all()
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (top + height <= 32).all()
    assert (left + width <= 32).all()
    areas = (height * width) / 1024
    assert areas.min() > 0.085  # sides are rounded to whole pixels
    assert areas.max() < 0.43
    ratios = width / height
    assert ratios.min() > 0.45
    assert ratios.max() < 2.2
    assert (areas - 0.25).mean().abs() < 0.005, "areas are not uniform"
    assert ratios.log().mean().abs() < 0.01, "tall and wide are not equally likely"
    assert set(top[height == 10].tolist()) == set(range(23)), "some places never occur"


def test_what_never_fits_has_no_size() -> None:
    _, _, height, width = draw(8, 8, (1.0, 1.0), (2.0, 2.0))
    assert not height.any()
    assert not width.any()


def test_cover_marks_the_rectangle_and_nothing_beyond_the_border() -> None:
    images = torch.zeros(3, 2, 4, 5)
    rectangles = Rectangles(*torch.tensor([[1, 2, 2, 3], [-2, 3, 3, 9], [1, 1, 0, 0]]).T)
    expected = torch.zeros(3, 1, 4, 5, dtype=torch.bool)
    expected[0, :, 1:3, 2:5] = True
    expected[1, :, :1, 3:] = True
    assert torch.equal(cover(rectangles, images), expected)
