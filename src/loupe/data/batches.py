"""Batches from images that already lie on the device.

Training batches are a permutation of the whole split, augmented per image and then normalised.
Evaluation batches come in order, and there is no way to hand them an augmentation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from loupe.data.augmentations import Augmentation
from loupe.data.dataset import ImageDataset
from loupe.data.mixes import Mix
from loupe.data.normalization import Normalization
from loupe.runtime import Streams


class Batch(NamedTuple):
    """Normalised images and their labels.

    Args:
        images: (batch, channels, height, width) float32.
        labels: (batch,) int64; (batch, classes) float32, each row adding to 1, where images are mixed.
    """

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
        mix: blends normalised images in pairs, and their labels; random numbers from "mix".
    """

    dataset: ImageDataset
    normalization: Normalization
    batch_size: int
    streams: Streams
    augmentations: Sequence[Augmentation] = ()
    mix: Mix | None = None

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
        mix_stream = self.streams.generator("mix", epoch)
        for indices in order.to(device).split(self._sizes()):
            images = self.dataset.images.index_select(0, indices)
            for augmentation in self.augmentations:
                images = augmentation.apply(images, augmentation.draw(images, augment_stream))
            batch = Batch(self.normalization.apply(images), self.dataset.labels.index_select(0, indices))
            yield self._mix(batch, mix_stream) if self._mixes_in(epoch) else batch

    def _mixes_in(self, epoch: int) -> bool:
        return self.mix is not None and (self.mix.until_epoch is None or epoch <= self.mix.until_epoch)

    def _mix(self, batch: Batch, stream: torch.Generator) -> Batch:
        assert self.mix is not None
        targets = F.one_hot(batch.labels, self.dataset.num_classes).float()
        return Batch(*self.mix.apply(batch.images, targets, self.mix.draw(batch.images, stream)))
