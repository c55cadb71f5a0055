from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from loupe.pitfalls.drawing import draw_curves
from loupe.pitfalls.plain import build_mlp, draw_batches, measure_accuracy, percent, split_digits
from loupe.pitfalls.registry import TellTale, register_pitfall
from loupe.pitfalls.side import Side

_NUM_EPOCHS = 30


@register_pitfall(
    "squashed-logits",
    title="A sigmoid in front of cross-entropy",
    tell_tale=TellTale(
        "training loss at the end",
        "nats",
        apart=1.0,
    ),
    rule="Hand cross-entropy the last layer's plain outputs; it applies the softmax itself.",
    source="D-004-13",
    looks="The loss sinks to about 1.5 and stays there, whatever the network: with ten classes behind a "
    "sigmoid it cannot go below 1.461.",
    in_loupe="Loupe's own networks end with logits, and its losses expect them.",
    lint=("squashed-logits",),
)
class SquashedLogits:
    """The network's outputs go through a sigmoid before CrossEntropyLoss."""

    def wrong(self, seed: int) -> Side:
        """Train with cross_entropy(sigmoid(outputs), labels)."""
        return train_with(torch.sigmoid, seed)

    def right(self, seed: int) -> Side:
        """Train with cross_entropy(outputs, labels)."""
        return train_with(nn.Identity(), seed)


def train_with(last: Callable[[Tensor], Tensor], seed: int) -> Side:
    """Return the losses of a training whose outputs go through an operation first."""
    train, held_out = split_digits(seed, 800)
    model = build_mlp(seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses, accuracies = [], []
    for epoch in range(_NUM_EPOCHS):
        total = 0.0
        for batch in draw_batches(train, seed, epoch):
            outputs = last(model(batch.images))
            loss = functional.cross_entropy(outputs, batch.labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        losses.append(total / len(train))
        accuracies.append(measure_accuracy(model, held_out))
    figure = draw_curves(
        {"training loss": losses},
        labels=("epoch", "cross-entropy (nats)"),
        limits=(0, 2.5),
        lines={"ln 10: knows nothing": 2.3026, "the least behind a sigmoid": 1.4612},
    )
    said = f"“The loss is down to {losses[-1]:.2f}”, with {percent(accuracies[-1])} on held-out images."
    rows = (
        ("held-out accuracy after 3 epochs", percent(accuracies[2])),
        ("at the end", percent(accuracies[-1])),
    )
    return Side(losses[-1], said, figure, rows)
