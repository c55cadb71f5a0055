import pytest
import torch

from loupe.data import Dataset, build_augmentation
from loupe.data.batches import TrainingBatches
from loupe.data.normalization import Normalization
from loupe.runtime import Streams
from tests.data.pillow import make_images

AS_PIXELS = Normalization((0.0,), (1 / 255,))


def find_mirrored(dataset: Dataset, epoch: int, seed: int = 0, batch_size: int = 32) -> torch.Tensor:
    """Return which training images come out mirrored, found by their pixels."""
    images = dataset.train.select(torch.arange(300))
    asymmetric = (images.images != images.images.flip(-1)).flatten(1).any(1)
    flip = build_augmentation("alternating-flip")
    batches = TrainingBatches(images, AS_PIXELS, batch_size, Streams(seed), [flip])
    plain = TrainingBatches(images, AS_PIXELS, batch_size, Streams(seed))
    order = torch.randperm(300, generator=Streams(seed).generator("order", epoch))
    came = torch.cat([batch.images for batch in batches.epoch(epoch)])
    went = torch.cat([batch.images for batch in plain.epoch(epoch)])
    is_same = (came == went).flatten(1).all(1)
    assert torch.equal(came[~is_same], went[~is_same].flip(-1))
    mirrored = torch.empty(300, dtype=torch.bool)
    mirrored[order] = ~is_same
    return mirrored[asymmetric]


def test_each_image_is_mirrored_every_other_epoch(digits: Dataset) -> None:
    first, second, third, fourth = (find_mirrored(digits, epoch) for epoch in (1, 2, 3, 4))
    assert torch.equal(second, ~first)
    assert torch.equal(third, first)
    assert torch.equal(fourth, second)
    assert first.float().mean().item() == pytest.approx(0.5, abs=0.1)


def test_who_begins_mirrored_hangs_on_the_seed_and_not_on_batches(digits: Dataset) -> None:
    first = find_mirrored(digits, 1)
    assert torch.equal(first, find_mirrored(digits, 1, batch_size=7))
    assert not torch.equal(first, find_mirrored(digits, 1, seed=1))


def test_flip_mirrors_the_drawn_images_and_no_others() -> None:
    images = make_images(count=2)
    flipped = build_augmentation("alternating-flip").apply(images, torch.tensor([True, False]))
    assert torch.equal(flipped[0], images[0].flip(-1))
    assert torch.equal(flipped[1], images[1])
