import torch

from loupe.pitfalls.drawing import draw_curves
from loupe.pitfalls.plain import (
    Part,
    build_mlp,
    keep_copy,
    measure_accuracy,
    percent,
    split_digits,
    train_epochs,
)
from loupe.pitfalls.registry import TellTale, register_pitfall
from loupe.pitfalls.side import Side
from loupe.runtime import Streams

_NUM_EPOCHS, _WRONG_LABELS = 120, 0.35


@register_pitfall(
    "last-weights",
    title="The last weights instead of the best",
    tell_tale=TellTale(
        "accuracy on test images of the network that is handed in",
        "percent",
        apart=-0.03,
    ),
    rule="Keep a copy of the weights of the best validation epoch, and test those.",
    source="D-002-7, D-004-1, D-003-2",
    looks="Validation had its best long ago; what is tested, drawn and saved is what training ended with.",
    in_loupe="The best epoch's weights are copied, kept and tested; the last ones stand beside them.",
    lint=("last-weights", "best-by-reference", "best-never-loaded", "best-not-kept"),
)
class LastWeights:
    """The best epoch is noted, and the network is tested as training left it."""

    def wrong(self, seed: int) -> Side:
        """best = model.state_dict(), which is the network itself; then test."""
        train, validation, test = prepare(seed)
        model, curve, best, state = build_mlp(seed, 128), [], 0.0, {}
        for _ in train_epochs(model, train, seed, _NUM_EPOCHS):
            curve.append(measure_accuracy(model, validation))
            if curve[-1] > best:
                best, state = curve[-1], model.state_dict()
        model.load_state_dict(state)
        return show(curve, measure_accuracy(model, test), "the last epoch's", _NUM_EPOCHS)

    def right(self, seed: int) -> Side:
        """best = copy.deepcopy(model.state_dict()); then test."""
        train, validation, test = prepare(seed)
        model, curve, best, state = build_mlp(seed, 128), [], 0.0, {}
        for _ in train_epochs(model, train, seed, _NUM_EPOCHS):
            curve.append(measure_accuracy(model, validation))
            if curve[-1] > best:
                best, state = curve[-1], keep_copy(model)
        model.load_state_dict(state)
        return show(curve, measure_accuracy(model, test), "the best epoch's", curve.index(max(curve)) + 1)


def prepare(seed: int) -> tuple[Part, Part, Part]:
    """Return 400 training images, a third of them labelled wrongly, and clean ones to validate and test."""
    train, validation, test = split_digits(seed, 400, 400)
    generator = Streams(seed).generator("labels")
    is_wrong = torch.rand(len(train), generator=generator) < _WRONG_LABELS
    other = (train.labels + torch.randint(1, 10, train.labels.shape, generator=generator)) % 10
    return Part(train.images, torch.where(is_wrong, other, train.labels)), validation, test


def show(curve: list[float], accuracy: float, whose: str, epoch: int) -> Side:
    """Return what the tested weights are worth."""
    best = max(curve)
    figure = draw_curves(
        {"validation": [100 * one for one in curve]},
        labels=("epoch", "accuracy (%)"),
        limits=(40, 100),
        mark=(epoch, f"weights that are tested: {whose}"),
    )
    said = f"“Best validation accuracy {percent(best)}.” Handed in: {whose} weights ({percent(accuracy)})."
    rows = (("best validation accuracy", percent(best)), ("test accuracy of what is kept", percent(accuracy)))
    return Side(accuracy, said, figure, rows)
