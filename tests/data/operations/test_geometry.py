"""Affine maps against Pillow, windows against torch's own resizing."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from loupe.data.operations.geometry import make_matrices, resize_windows, rotate_about_middle, warp
from loupe.data.operations.rectangles import Rectangles
from tests.data.pillow import from_pillow, make_images, to_pillow


def transform_with_pillow(image: Tensor, matrix: Tensor, resample: Image.Resampling, fill: int) -> Tensor:
    pillow = to_pillow(image)
    color = fill if len(image) == 1 else (fill,) * 3
    coefficients = tuple(matrix.flatten().tolist())
    return from_pillow(
        pillow.transform(pillow.size, Image.Transform.AFFINE, coefficients, resample, fillcolor=color)
    )


coefficient = st.floats(-2, 2, allow_nan=False)
shift = st.floats(-40, 40, allow_nan=False)


@settings(deadline=None, max_examples=150)
@given(
    rows=st.tuples(coefficient, coefficient, shift, coefficient, coefficient, shift),
    channels=st.sampled_from([1, 3]),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    fill=st.sampled_from([0, 255, 17]),
)
def test_nearest_is_pillows_own_choice_of_pixel(
    rows: tuple[float, ...], channels: int, size: tuple[int, int], fill: int
) -> None:
    if rows[1] == 0 and rows[3] == 0:
        return  # pure scaling goes another way in Pillow, with other rounding
    image = make_images(channels, size, 1)
    matrix = make_matrices(1, x=rows[:3], y=rows[3:])
    expected = transform_with_pillow(image[0], matrix[0], Image.Resampling.NEAREST, fill)
    assert torch.equal(warp(image, matrix, "nearest", fill)[0], expected)


@settings(deadline=None, max_examples=60)
@given(
    rows=st.tuples(coefficient, coefficient, shift, coefficient, coefficient, shift),
    size=st.tuples(st.integers(2, 40), st.integers(2, 40)),
)
def test_bilinear_is_pillows_up_to_rounding(rows: tuple[float, ...], size: tuple[int, int]) -> None:
    """Pillow cuts off where we round, and a place within rounding of the border may fall on either side."""
    image = make_images(3, size, 1)
    matrix = make_matrices(1, x=rows[:3], y=rows[3:])
    expected = transform_with_pillow(image[0], matrix[0], Image.Resampling.BILINEAR, 9).int()
    difference = warp(image, matrix, "bilinear", 9)[0].int() - expected
    is_like = (difference >= 0) & (difference <= 1)
    height, width = size
    rows_and_columns = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    middles = torch.stack([rows_and_columns[1], rows_and_columns[0], torch.ones(size)]).double()
    places = torch.einsum("pc,chw->phw", matrix[0], middles)
    edges = torch.tensor([width, height]).view(2, 1, 1)
    is_on_border = ((places.abs() < 1e-4) | ((places - edges).abs() < 1e-4)).any(0)
    assert (is_like | is_on_border).all()


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("size", [(8, 8), (7, 7), (6, 9)])
def test_quarter_turns(interpolation: str, dtype: torch.dtype, size: tuple[int, int]) -> None:
    images = make_images(3, size, 4).to(dtype)
    degrees = torch.tensor([0.0, 90.0, 180.0, -90.0])
    turned = warp(images, rotate_about_middle(degrees, *size), interpolation, 0).float()
    for index, turns in enumerate([0, 1, 2, 3]):
        if size[0] == size[1] or turns % 2 == 0:
            expected = torch.rot90(images[index], turns, (1, 2)).float()
            torch.testing.assert_close(turned[index], expected, atol=1e-2, rtol=0)


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (21, 32)])
def test_rotation_is_pillows(size: tuple[int, int]) -> None:
    images = make_images(3, size, 40)
    degrees = torch.linspace(-180, 180, 40)
    turned = warp(images, rotate_about_middle(degrees, *size), "nearest", 0)
    for image, angle, after in zip(images, degrees.tolist(), turned, strict=True):
        assert torch.equal(after, from_pillow(to_pillow(image).rotate(angle)))


def test_fill_stands_where_nothing_was() -> None:
    images = make_images(2, (4, 4), 1)
    for interpolation in ("nearest", "bilinear"):
        moved = warp(images, make_matrices(1, x=(1, 0, -1), y=(0, 1, 2)), interpolation, 200)
        expected = torch.full_like(images, 200)
        expected[:, :, :2, 1:] = images[:, :, 2:, :-1]
        assert torch.equal(moved, expected), "one to the right, two up"


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_windows_are_resized_as_torch_resizes_each_crop(dtype: torch.dtype) -> None:
    height, width = 32, 28
    images = make_images(3, (height, width), 300).to(dtype)
    stream = torch.Generator().manual_seed(0)
    heights = torch.randint(1, height + 1, (300,), generator=stream)
    widths = torch.randint(1, width + 1, (300,), generator=stream)
    tops = (torch.rand(300, generator=stream) * (height - heights + 1)).long()
    lefts = (torch.rand(300, generator=stream) * (width - widths + 1)).long()
    resized = resize_windows(images, Rectangles(tops, lefts, heights, widths))
    assert resized.dtype == dtype
    # grid_sample's own coordinates cost about 1e-5 of a pixel; uint8 adds its rounding
    tolerance = 0.01 + (0.5 if dtype == torch.uint8 else 0)
    for index, (top, left, tall, wide) in enumerate(
        zip(tops.tolist(), lefts.tolist(), heights.tolist(), widths.tolist(), strict=True)
    ):
        crop = images[index : index + 1, :, top : top + tall, left : left + wide].float()
        expected = F.interpolate(crop, (height, width), mode="bilinear", align_corners=False)
        assert (resized[index].float() - expected[0]).abs().max() <= tolerance


def test_the_whole_image_as_window_is_the_image() -> None:
    images = make_images(1, (9, 5), 2)
    zeros = torch.zeros(2, dtype=torch.int64)
    whole = resize_windows(images, Rectangles(zeros, zeros, zeros + 9, zeros + 5))
    assert torch.equal(whole, images)
