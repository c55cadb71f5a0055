"""A small network on the digits that ship with Loupe, trained on the spot, to play with."""

from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from loupe.data.normalization import Normalization, measure_normalization
from loupe.data.sources.digits import load_digits
from loupe.runtime import Streams
from loupe.training.optimizers.stepping import take_step

NUM_FILTERS, KERNEL, POOL = 6, 3, 2
_EPOCHS, _BATCH, _LEARNING_RATE, _HELD_OUT = 12, 32, 0.01, 200
_NUM_IMAGES = 20


@dataclass(frozen=True, eq=False)
class Playground:
    """Images, and a network of one convolution, ReLU, max-pooling and a dense layer.

    Args:
        images: (20, 1, 8, 8) uint8, two of each class, none of them trained on.
        labels: (20,) int64.
        class_names: of the classes.
        normalization: what the network's input goes through.
        kernels: (filters, 1, 3, 3) float32, learned.
        kernel_bias: (filters,) float32.
        weights: (classes, filters · 3 · 3) float32 of the dense layer, on maps flattened channel by channel.
        bias: (classes,) float32.
        accuracy: share of the images held out that it names rightly, in [0, 1].
        num_judged: how many these are.
    """

    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]
    normalization: Normalization
    kernels: Tensor
    kernel_bias: Tensor
    weights: Tensor
    bias: Tensor
    accuracy: float
    num_judged: int


def build_network(num_classes: int) -> nn.Sequential:
    """Return the untrained network: 8 × 8 grey images in, logits out."""
    side = (8 - KERNEL + 1) // POOL
    return nn.Sequential(
        nn.Conv2d(1, NUM_FILTERS, KERNEL),
        nn.ReLU(),
        nn.MaxPool2d(POOL),
        nn.Flatten(),
        nn.Linear(NUM_FILTERS * side * side, num_classes),
    )


@lru_cache(maxsize=1)
def train_playground() -> Playground:
    """Return the images and the network, trained for about a second; the same at every start.

    The test images of the digits are left alone: the last of the training images are held out.
    """
    digits = load_digits().train
    order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(0))
    train, held_out = digits.select(order[:-_HELD_OUT]), digits.select(order[-_HELD_OUT:])
    normalization = measure_normalization(train.images)
    inputs = normalization.apply(train.pixels)
    with Streams(0).as_global("model"):
        model = build_network(digits.num_classes)
    optimizer = torch.optim.Adam(model.parameters(), lr=_LEARNING_RATE)
    generator = torch.Generator().manual_seed(1)
    for _ in range(_EPOCHS):
        for some in torch.randperm(len(train), generator=generator).split(_BATCH):
            F.cross_entropy(model(inputs[some]), train.labels[some]).backward()
            take_step(optimizer)
    with torch.no_grad():
        said = model(normalization.apply(held_out.pixels)).argmax(1)
    shown = torch.cat([(held_out.labels == label).nonzero()[: _NUM_IMAGES // digits.num_classes, 0]
                       for label in range(digits.num_classes)])  # fmt: skip
    conv, dense = model[0], model[-1]
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(dense, nn.Linear)
    assert conv.bias is not None
    return Playground(
        images=held_out.images[shown],
        labels=held_out.labels[shown],
        class_names=digits.class_names,
        normalization=normalization,
        kernels=conv.weight.detach(),
        kernel_bias=conv.bias.detach(),
        weights=dense.weight.detach(),
        bias=dense.bias.detach(),
        accuracy=float((said == held_out.labels).double().mean()),
        num_judged=len(held_out),
    )
