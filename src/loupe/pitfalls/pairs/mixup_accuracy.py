import torch
from torch.nn import functional

from loupe.pitfalls.drawing import draw_curves
from loupe.pitfalls.plain import build_mlp, draw_batches, measure_accuracy, percent, split_digits
from loupe.pitfalls.registry import TellTale, register_pitfall
from loupe.pitfalls.side import Side
from loupe.runtime import Streams

_NUM_EPOCHS, _CLASSES = 25, 10


@register_pitfall(
    "mixup-accuracy",
    title="MixUp's training accuracy, read as over-fitting",
    tell_tale=TellTale(
        "training accuracy less validation accuracy",
        "points",
        apart=-0.1,
    ),
    rule="Measure training accuracy as validation is measured: clean images, evaluation mode, weights still.",
    source="D-X-2, D-000-3",
    looks="Training accuracy lies far below validation accuracy: “no over-fitting at all”.",
    in_loupe="`clean_train_accuracy` stands beside the running one, and only it is compared with validation.",
    lint=("mixup-accuracy", "running-train-accuracy"),
)
class MixupAccuracy:
    """Answers to mixed images are counted against the labels of one of the two images."""

    def wrong(self, seed: int) -> Side:
        """Count the answers of training steps against unmixed labels."""
        return train_mixed(seed, is_clean=False)

    def right(self, seed: int) -> Side:
        """After each epoch, measure the training images as validation images are measured."""
        return train_mixed(seed, is_clean=True)


def train_mixed(seed: int, *, is_clean: bool) -> Side:
    """Return training and validation accuracy over the epochs of a training with MixUp."""
    train, validation = split_digits(seed, 400)
    model, streams = build_mlp(seed), Streams(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    curves: dict[str, list[float]] = {"training": [], "validation": []}
    for epoch in range(_NUM_EPOCHS):
        generator, correct = streams.generator("mix", epoch), 0
        model.train()
        for batch in draw_batches(train, seed, epoch):
            share = float(torch.rand((), generator=generator))  # MixUp with alpha = 1
            partner = torch.randperm(len(batch), generator=generator)
            targets = functional.one_hot(batch.labels, _CLASSES).float()
            outputs = model(share * batch.images + (1 - share) * batch.images[partner])
            loss = functional.cross_entropy(outputs, share * targets + (1 - share) * targets[partner])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            correct += int((outputs.argmax(1) == batch.labels).sum())
        counted = measure_accuracy(model, train) if is_clean else correct / len(train)
        curves["training"].append(100 * counted)
        curves["validation"].append(100 * measure_accuracy(model, validation))
    last = {name: sum(values[-5:]) / 500 for name, values in curves.items()}
    gap = last["training"] - last["validation"]
    figure = draw_curves(curves, labels=("epoch", "accuracy (%)"), limits=(20, 102))
    said = f"“The gap between training and validation is {100 * gap:+.1f} points.”"
    rows = tuple((f"{name} accuracy, last five epochs", percent(one)) for name, one in last.items())
    return Side(gap, said, figure, rows)
