"""Digits, small networks and a plain loop for pitfalls: what a student would write, without Loupe's guards.

The test images of digits stay locked. Parts of the training images play training, validation and test.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from loupe.data import load_dataset
from loupe.data.stratified import stratified_order
from loupe.runtime import Streams

NUM_CLASSES = 10


@dataclass(frozen=True)
class Part:
    """Images and labels.

    Args:
        images: (images, 1, 8, 8) float32 in [0, 1].
        labels: (images,) int64.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: Tensor) -> "Part":
        """Return the images of these numbers."""
        return Part(self.images[index], self.labels[index])


def load_digits() -> Part:
    """Return the 1,437 training images of digits."""
    train = load_dataset("digits").train
    return Part(train.pixels.float() / 255, train.labels)


def split_digits(seed: int, *sizes: int) -> list[Part]:
    """Return disjoint parts of these sizes, drawn by the seed, every class in proportion, and the rest."""
    digits = load_digits()
    order = stratified_order(digits.labels, Streams(seed).generator("split"))
    cuts = [0, *torch.tensor(sizes).cumsum(0).tolist(), len(order)]
    return [digits.take(order[low:high]) for low, high in pairwise(cuts)]


def build_mlp(seed: int, hidden: int = 64, *, num_outputs: int = NUM_CLASSES) -> nn.Sequential:
    """Return a network of one hidden layer, its first weights drawn by the seed."""
    with Streams(seed).as_global("model"):
        return nn.Sequential(nn.Flatten(), nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, num_outputs))


def draw_batches(part: Part, seed: int, epoch: int, batch_size: int = 32) -> Iterator[Part]:
    """Yield the images of an epoch in batches, in an order of its own."""
    order = torch.randperm(len(part), generator=Streams(seed).generator("order", epoch))
    yield from (part.take(index) for index in order.split(batch_size))


def train_epochs(
    model: nn.Module,
    part: Part,
    seed: int,
    num_epochs: int,
    *,
    learning_rate: float = 0.003,
    batch_size: int = 32,
) -> Iterator[int]:
    """Train a classifier by Adam, yielding the number of each epoch that is done."""
    trained = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=learning_rate)
    for epoch in range(1, num_epochs + 1):
        model.train()
        for batch in draw_batches(part, seed, epoch, batch_size):
            loss = functional.cross_entropy(model(batch.images), batch.labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        yield epoch


def train(model: nn.Module, part: Part, seed: int, num_epochs: int, *, learning_rate: float = 0.003) -> None:
    """Train a classifier in place."""
    for _ in train_epochs(model, part, seed, num_epochs, learning_rate=learning_rate):
        pass


@torch.no_grad()
def predict(model: nn.Module, part: Part) -> Tensor:
    """Return the predicted classes, (images,) int64."""
    model.eval()
    predicted: Tensor = model(part.images).argmax(1)
    return predicted


def measure_accuracy(model: nn.Module, part: Part) -> float:
    """Return the share of images that are named rightly."""
    return float((predict(model, part) == part.labels).float().mean())


def keep_copy(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of a network's weights that training does not reach."""
    return copy.deepcopy(model.state_dict())


def percent(share: float) -> str:
    """Return a share as text: "97.5 %"."""
    return f"{100 * share:.1f} %"
