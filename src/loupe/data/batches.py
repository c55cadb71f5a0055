"""Batches from images that already lie on the device, or are read from disk while others are computed on.

Training batches are a permutation of the whole split, augmented per image and then normalised.
Evaluation batches come in order, and there is no way to hand them an augmentation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from loupe.data.augmentations import Augmentation, PlannedAugmentation, take_draws
from loupe.data.dataset import ImageDataset
from loupe.data.mixes import Mix
from loupe.data.normalization import Normalization
from loupe.data.progressive_resizing import ProgressiveResizing
from loupe.data.sampling import draw_order
from loupe.data.stored_images import read_ahead
from loupe.runtime import Streams


class Batch(NamedTuple):
    """Normalised images and their labels.

    Args:
        images: (batch, channels, height, width) float32.
        labels: (batch,) int64; (batch, classes) float32, each row adding to 1, where images are mixed.
    """

    images: Tensor
    labels: Tensor


class Shard(NamedTuple):
    """One of several parts of a batch, equal up to an image.

    Args:
        number: which: 0, 1, …
        of: how many there are.
    """

    number: int
    of: int

    def cut(self, count: int) -> slice:
        """Return where this share of so many images lies."""
        return slice(count * self.number // self.of, count * (self.number + 1) // self.of)


WHOLE = Shard(0, 1)


@dataclass(frozen=True, eq=False)
class Passed:
    """What the first layers of a network make of images, in place of the images: layers that never change.

    Args:
        depth: how many layers, ≥ 1.
        features: (images, …) float32, in the order of the dataset.
    """

    depth: int
    features: Tensor


_MOST_PIXELS = 500 * 64 * 64  # of a batch that is evaluated: larger ones take gigabytes


def limit_batch(batch_size: int, image_size: tuple[int, int]) -> int:
    """Return how many images are evaluated at once: as many as asked for, fewer where they are large.

    Args:
        batch_size: images, ≥ 1.
        image_size: height and width; 500 images of 64 × 64 pixels are the most, and 40 of 224 × 224.
    """
    height, width = image_size
    return min(batch_size, max(1, _MOST_PIXELS // (height * width)))


@dataclass(frozen=True)
class EvaluationBatches:
    """The images of a split in order, normalised and never augmented.

    Args:
        dataset: the images, on the device to evaluate on.
        normalization: applied to them.
        batch_size: images a batch, ≥ 1, as `limit_batch` has it; the last batch may be smaller.
        passed: comes in batches instead of the images, if it is there.
    """

    dataset: ImageDataset
    normalization: Normalization
    batch_size: int = 500
    passed: Passed | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "batch_size", limit_batch(self.batch_size, self.dataset.image_size))

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        stored = self.dataset.images if self.passed is None else self.passed.features
        labels = self.dataset.labels.split(self.batch_size)
        for some, some_labels in zip(stored.split(self.batch_size), labels, strict=True):
            yield Batch(some if self.passed is not None else self.normalization.apply(some), some_labels)

    @property
    def depth(self) -> int:
        """Layers of the network that the batches have passed already."""
        return self.passed.depth if self.passed is not None else 0

    def take_shard(self, shard: Shard) -> "EvaluationBatches":
        """Return batches of a part of the images."""
        part, passed = shard.cut(len(self.dataset)), self.passed
        if passed is not None:
            passed = Passed(passed.depth, passed.features[part])
        return replace(self, dataset=self.dataset.take(part), passed=passed)


@dataclass(frozen=True)
class TrainingBatches:
    """The images of a split in a new random order each epoch, augmented and normalised.

    Args:
        dataset: the training images, on the device to train on.
        normalization: applied after the augmentations.
        batch_size: images a batch, ≥ 1; the last batch may be smaller. A single image left over joins the
            batch before it: batch norm has no spread of one.
        streams: random numbers; the epoch's order comes from "order", augmentations from "augment",
            windows of the first epochs' images from "resize".
        augmentations: applied to uint8 batches, one after the other.
        mix: blends normalised images in pairs, and their labels; random numbers from "mix".
        resizing: how images are made smaller for the first epochs, after normalisation.
        passed: comes in batches instead of the images, if it is there; nothing may change these then.
        sampling_power: a class of n images is taken in proportion to n^power, in [0, 1]: 1 for each image
            once an epoch, 0 for every class alike; an epoch has as many images either way.
    """

    dataset: ImageDataset
    normalization: Normalization
    batch_size: int
    streams: Streams
    augmentations: Sequence[Augmentation] = ()
    mix: Mix | None = None
    resizing: ProgressiveResizing | None = None
    passed: Passed | None = None
    sampling_power: float = 1.0

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def depth(self) -> int:
        """Layers of the network that the batches have passed already."""
        return self.passed.depth if self.passed is not None else 0

    @property
    def sizes(self) -> list[int]:
        """Images in each batch of an epoch."""
        num_full, rest = divmod(len(self.dataset), self.batch_size)
        if rest == 1 and num_full and self.batch_size > 1:
            return [self.batch_size] * (num_full - 1) + [self.batch_size + 1]
        return [self.batch_size] * num_full + ([rest] if rest else [])

    def epoch(self, epoch: int, shard: Shard = WHOLE) -> Iterator[Batch]:
        """Yield the batches of one epoch (1, 2, …): each image exactly once, if classes are not balanced.

        Of several shares each yields its part of the same batches: everything random is drawn for whole
        batches, whoever asks for what part of them.
        """
        stored = self.dataset.images if self.passed is None else self.passed.features
        device = self.dataset.images.device
        order_stream = self.streams.generator("order", epoch)
        order = draw_order(self.dataset.labels, self.sampling_power, order_stream)
        augment_stream = self.streams.generator("augment", epoch, device)
        mix_stream = self.streams.generator("mix", epoch)
        resize_stream = self.streams.generator("resize", epoch)
        small = self.resizing.find_stage(epoch) if self.resizing is not None else None
        plans = [self._plan(augmentation, epoch, device) for augmentation in self.augmentations]
        batches = order.to(device).split(self.sizes)
        read = read_ahead(stored, batches if isinstance(stored, Tensor) else order.split(self.sizes))
        for indices, whole in zip(batches, read, strict=True):
            part = shard.cut(len(indices))
            early = slice(None) if self._mixes_in(epoch) else part  # mixing takes images of other shares
            if self.passed is not None:
                inputs = whole[early]
            else:
                augmented = self._augment(whole, indices, early, plans, augment_stream)
                inputs = self.normalization.apply(augmented)
            if small is not None:
                corners = small.draw(len(indices), self.dataset.image_size, resize_stream)
                inputs = small.apply(inputs, corners[early])
            batch = Batch(inputs, self.dataset.labels.index_select(0, indices[early]))
            if self._mixes_in(epoch):
                batch = Batch(*(whole[part] for whole in self._mix(batch, mix_stream)))
            yield batch

    def _augment(
        self,
        whole: Tensor,
        indices: Tensor,
        part: slice,
        plans: Sequence[Tensor | None],
        stream: torch.Generator,
    ) -> Tensor:
        """Return a part of a batch of images augmented, with draws for all of it."""
        images = whole[part]
        is_whole = len(images) == len(whole)
        for augmentation, plan in zip(self.augmentations, plans, strict=True):
            if plan is not None:
                draw = plan[indices[part]]
            else:
                draw = augmentation.draw(images if is_whole else whole, stream)
                draw = draw if is_whole else take_draws(draw, part)
            images = augmentation.apply(images, draw)
        return images

    def _plan(self, augmentation: Augmentation, epoch: int, device: torch.device) -> Tensor | None:
        """Return an augmentation's draws for every image of an epoch, if it plans them."""
        if not isinstance(augmentation, PlannedAugmentation):
            return None
        return augmentation.plan_epoch(len(self.dataset), epoch, self.streams).to(device)

    def _mixes_in(self, epoch: int) -> bool:
        last = getattr(self.mix, "until_epoch", None)  # a user's own may mix in every epoch and not say so
        return self.mix is not None and (last is None or epoch <= last)

    def _mix(self, batch: Batch, stream: torch.Generator) -> Batch:
        assert self.mix is not None
        targets = F.one_hot(batch.labels, self.dataset.num_classes).float()
        return Batch(*self.mix.apply(batch.images, targets, self.mix.draw(batch.images, stream)))
