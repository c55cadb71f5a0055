"""Batches from images that already lie on the device.

Training batches are a permutation of the whole split, augmented per image and then normalised.
Evaluation batches come in order, and there is no way to hand them an augmentation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from loupe.data.augmentations import Augmentation
from loupe.data.dataset import ImageDataset
from loupe.data.normalization import Normalization
from loupe.runtime import Streams


class Batch(NamedTuple):
    """Normalised images (batch, channels, height, width) float32 and labels (batch,) int64."""

    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class EvaluationBatches:
    """The images of a split in order, normalised and never augmented."""

    dataset: ImageDataset
    normalization: Normalization
    batch_size: int = 500

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        images = self.dataset.images.split(self.batch_size)
        labels = self.dataset.labels.split(self.batch_size)
        for some_images, some_labels in zip(images, labels, strict=True):
            yield Batch(self.normalization.apply(some_images), some_labels)


@dataclass(frozen=True)
class TrainingBatches:
    """The images of a split in a new random order each epoch, augmented and normalised.

    Args:
        dataset: the training images, on the device to train on.
        normalization: applied after the augmentations.
        batch_size: images a batch, ≥ 1; the last batch may be smaller. A single image left over joins the
            batch before it: batch norm has no spread of one.
        streams: random numbers; the epoch's order comes from "order", augmentations from "augment".
        augmentations: applied to uint8 batches, one after the other.
    """

    dataset: ImageDataset
    normalization: Normalization
    batch_size: int
    streams: Streams
    augmentations: Sequence[Augmentation] = ()

    def __len__(self) -> int:
        return len(self._sizes())

    def _sizes(self) -> list[int]:
        num_full, rest = divmod(len(self.dataset), self.batch_size)
        if rest == 1 and num_full and self.batch_size > 1:
            return [self.batch_size] * (num_full - 1) + [self.batch_size + 1]
        return [self.batch_size] * num_full + ([rest] if rest else [])

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of one epoch (1, 2, …): each image exactly once."""
        device = self.dataset.images.device
        order = torch.randperm(len(self.dataset), generator=self.streams.generator("order", epoch))
        augment_stream = self.streams.generator("augment", epoch, device)
        for indices in order.to(device).split(self._sizes()):
            images = self.dataset.images[indices]
            for augmentation in self.augmentations:
                images = augmentation.apply(images, augmentation.draw(images, augment_stream))
            yield Batch(self.normalization.apply(images), self.dataset.labels[indices])
