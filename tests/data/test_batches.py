import dataclasses

import torch
from hypothesis import given
from hypothesis import strategies as st

from loupe.data import ImageDataset, build_augmentation
from loupe.data.batches import EvaluationBatches, TrainingBatches, limit_batch
from loupe.data.normalization import Normalization
from loupe.runtime import Streams

AS_PIXELS = Normalization((0.0,), (1 / 255,))  # leaves pixel values as they are


def make_dataset(count: int) -> ImageDataset:
    """Images whose pixels are their own index and whose labels are its last digit."""
    index = torch.arange(count)
    images = index.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 3, 3).contiguous()
    return ImageDataset(images, index % 10, tuple("0123456789"), "made by hand")


@given(count=st.integers(1, 200), batch_size=st.integers(1, 64), epoch=st.integers(1, 50))
def test_an_epoch_holds_every_image_once_with_its_label(count: int, batch_size: int, epoch: int) -> None:
    batches = TrainingBatches(make_dataset(count), AS_PIXELS, batch_size, Streams(5))
    parts = list(batches.epoch(epoch))
    assert len(parts) == len(batches)
    indices = torch.cat([images[:, 0, 0, 0] for images, _ in parts]).round().long()
    labels = torch.cat([labels for _, labels in parts])
    assert indices.sort().values.tolist() == list(range(count))
    assert torch.equal(labels, indices % 10)
    assert [len(labels) for _, labels in parts[:-1]] == [batch_size] * (len(parts) - 1)


def test_a_single_image_left_over_joins_the_batch_before_it() -> None:
    """Batch norm cannot train on one image."""
    batches = TrainingBatches(make_dataset(65), AS_PIXELS, 32, Streams(5))
    assert [len(labels) for _, labels in batches.epoch(1)] == [32, 33]
    assert len(batches) == 2
    one_by_one = TrainingBatches(make_dataset(3), AS_PIXELS, 1, Streams(5))
    assert [len(labels) for _, labels in one_by_one.epoch(1)] == [1, 1, 1]


def test_epochs_differ_and_repeat() -> None:
    batches = TrainingBatches(make_dataset(100), AS_PIXELS, 100, Streams(5))
    first, again, second = (next(batches.epoch(epoch)).labels for epoch in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_the_order_does_not_depend_on_the_augmentations() -> None:
    plain = TrainingBatches(make_dataset(100), AS_PIXELS, 30, Streams(5))
    augmented = dataclasses.replace(plain, augmentations=[build_augmentation("horizontal-flip")])
    for (_, labels), (_, same) in zip(plain.epoch(3), augmented.epoch(3), strict=True):
        assert torch.equal(labels, same)


def test_evaluation_never_augments_and_keeps_the_order() -> None:
    """D-000-1, D-002-4: validation and test images were flipped and cropped at random."""
    assert "augmentations" not in {field.name for field in dataclasses.fields(EvaluationBatches)}
    dataset = make_dataset(100)
    batches = EvaluationBatches(dataset, AS_PIXELS, batch_size=7)
    for _ in range(2):
        images = torch.cat([images for images, _ in batches])
        assert torch.equal(images.round().to(torch.uint8), dataset.images)
        assert torch.equal(torch.cat([labels for _, labels in batches]), dataset.labels)
    assert len(batches) == len(list(batches)) == 15


def test_fewer_large_images_are_evaluated_at_once() -> None:
    assert [limit_batch(500, (side, side)) for side in (8, 64, 128, 224, 3000)] == [500, 500, 125, 40, 1]
    assert limit_batch(30, (128, 128)) == 30
    images = torch.zeros(90, 1, 224, 224, dtype=torch.uint8)
    dataset = ImageDataset(images, torch.zeros(90, dtype=torch.int64), ("one", "other"), "generated")
    batches = EvaluationBatches(dataset, Normalization((0.5,), (0.5,)))
    assert (batches.batch_size, len(batches)) == (40, 3)
    assert [len(batch.labels) for batch in batches] == [40, 40, 10]
