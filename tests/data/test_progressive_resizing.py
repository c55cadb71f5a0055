import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from loupe.data import ImageDataset
from loupe.data.batches import Shard, TrainingBatches
from loupe.data.normalization import Normalization
from loupe.data.progressive_resizing import ProgressiveResizing, SmallImages, Way
from loupe.runtime import Streams

AS_PIXELS = Normalization((0.0, 0.0), (1 / 255, 1 / 255))  # leaves pixel values as they are
SIDE = 12


def make_batches(count: int = 40) -> TrainingBatches:
    """Images whose pixels say which image they are and where in it they lie."""
    places = torch.arange(SIDE * SIDE).view(1, 1, SIDE, SIDE).expand(count, 1, SIDE, SIDE)
    images = torch.cat([torch.arange(count).view(-1, 1, 1, 1).expand_as(places), places], 1).to(torch.uint8)
    labels = torch.arange(count) % 10
    dataset = ImageDataset(images.contiguous(), labels, tuple("0123456789"), "made by hand")
    return TrainingBatches(dataset, AS_PIXELS, 16, Streams(5))


@pytest.mark.parametrize("way", ["resize", "crop"])
def test_images_are_small_for_the_first_epochs_only(way: Way) -> None:
    plain = make_batches()
    small = dataclasses.replace(plain, resizing=ProgressiveResizing({8: 3}, way))
    for epoch, size in ((1, (8, 8)), (3, (8, 8)), (4, (12, 12))):
        for batch, full in zip(small.epoch(epoch), plain.epoch(epoch), strict=True):
            assert batch.images.shape[-2:] == size
            assert torch.equal(batch.labels, full.labels)
            # the first channel of every image is of one grey
            torch.testing.assert_close(batch.images[:, 0].mean((1, 2)), full.images[:, 0].mean((1, 2)))


def test_images_grow_from_stage_to_stage() -> None:
    plain = make_batches()
    growing = dataclasses.replace(plain, resizing=ProgressiveResizing({4: 1, 8: 3}))
    for epoch, size in ((1, 4), (2, 8), (3, 8), (4, 12)):
        shapes = {batch.images.shape[-2:] for batch in growing.epoch(epoch)}
        assert shapes == {(size, size)}
    small = dataclasses.replace(plain, resizing=ProgressiveResizing({8: 3}))
    for batch, same in zip(growing.epoch(2), small.epoch(2), strict=True):
        assert torch.equal(batch.images, same.images)


def test_resized_images_are_means_of_what_they_cover_in_proportion() -> None:
    images = torch.randn(2, 3, 8, 12)
    small = SmallImages(4)
    made = small.apply(images, small.draw(2, (8, 12), torch.Generator()))
    assert made.shape == (2, 3, 4, 6)
    # halving with a triangle: half of it lies outside the middle 2 x 2 pixels
    rows = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    expected = (images[..., 1:5, 1:5] * rows[:, None] * rows).sum((2, 3))
    torch.testing.assert_close(made[..., 1, 1], expected)


@given(height=st.integers(1, 12), width=st.integers(1, 12), seed=st.integers(0, 2**40), data=st.data())
def test_a_crop_is_a_window_of_the_image(height: int, width: int, seed: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, min(height, width)))
    small = SmallImages(size, "crop")
    images = torch.randn(3, 2, height, width)
    corners = small.draw(3, (height, width), torch.Generator().manual_seed(seed))
    made = small.apply(images, corners)
    high, wide = small.choose_size(height, width)
    for image, window, (top, left) in zip(images, made, corners.tolist(), strict=True):
        assert 0 <= top <= height - high
        assert 0 <= left <= width - wide
        assert torch.equal(window, image[:, top : top + high, left : left + wide])


def test_every_window_comes_as_often_as_any_other() -> None:
    small = SmallImages(8, "crop")
    corners = small.draw(25_000, (10, 12), torch.Generator().manual_seed(0))  # 8 x 10 of it: nine windows
    counts = torch.bincount(corners[:, 0] * 3 + corners[:, 1], minlength=9)
    assert len(counts) == 9
    expected = 25_000 / 9
    assert ((counts - expected) ** 2 / expected).sum() < 26.1  # chi-squared of 8, one in a thousand


def test_windows_differ_between_images_and_epochs_and_are_those_of_the_seed() -> None:
    batches = dataclasses.replace(make_batches(), resizing=ProgressiveResizing({8: 9}, "crop"))

    def read_corners(epoch: int) -> dict[int, float]:
        images = torch.cat([batch.images for batch in batches.epoch(epoch)])
        return {round(float(one[0, 0, 0])): round(float(one[1, 0, 0])) for one in images}

    first, second = read_corners(1), read_corners(2)
    assert len(set(first.values())) > 10
    assert first != second
    assert first == read_corners(1)


def test_shares_of_a_batch_have_the_windows_of_the_whole() -> None:
    batches = dataclasses.replace(make_batches(), resizing=ProgressiveResizing({8: 9}, "crop"))
    whole = [batch.images for batch in batches.epoch(1)]
    shares = [[batch.images for batch in batches.epoch(1, Shard(number, 3))] for number in range(3)]
    for place, images in enumerate(whole):
        assert torch.equal(torch.cat([share[place] for share in shares]), images)
