from functools import lru_cache

import torch
from torch import nn

from loupe.pitfalls.drawing import draw_bars
from loupe.pitfalls.plain import build_mlp, load_digits, measure_accuracy, percent, split_digits, train
from loupe.pitfalls.registry import TellTale, register_pitfall
from loupe.pitfalls.side import Side

_NUM_EPOCHS = 40


@register_pitfall(
    "two-changes",
    title="Two things changed at once",
    tell_tale=TellTale(
        "what borrowed weights are said to bring",
        "points",
        apart=-0.03,
    ),
    rule="Change one thing between two arms; if two have to change, carry out all four combinations.",
    source="D-004-17, D-004-15",
    looks="A table with two arms that differ in two rows of their recipe, and a conclusion about one of "
    "them.",
    in_loupe="A study states what each arm changes, side by side; freezing is a field of its own.",
    lint=("two-things-change",),
)
class TwoChanges:
    """Borrowed weights with all but the head frozen stand against random weights that train everywhere."""

    def wrong(self, seed: int) -> Side:
        """Borrowed and frozen, against random and free."""
        arms = measure_arms(seed)
        return show(arms, "borrowed, frozen", "random, free")

    def right(self, seed: int) -> Side:
        """Borrowed and free, against random and free."""
        arms = measure_arms(seed)
        return show(arms, "borrowed, free", "random, free")


@lru_cache(maxsize=4)
def measure_arms(seed: int) -> dict[str, float]:
    """Return the accuracy on digits 0 to 4 of all four arms: weights of 5 to 9 or random, frozen or free."""
    digits = load_digits()
    source = digits.take(torch.nonzero(digits.labels > 4)[:, 0])
    teacher = build_mlp(seed, 24)
    train(teacher, source, seed, 30)
    parts = split_digits(seed, 400)
    few, held_out = (one.take(torch.nonzero(one.labels < 5)[:, 0]) for one in parts)
    found = {}
    for start in ("random", "borrowed"):
        for freedom in ("free", "frozen"):
            model = build_mlp(seed + 1000, 24)
            if start == "borrowed":
                model[1].load_state_dict(teacher[1].state_dict())  # a copy
            set_freedom(model[1], is_free=freedom == "free")
            train(model, few, seed, _NUM_EPOCHS)
            found[f"{start}, {freedom}"] = measure_accuracy(model, held_out)
    return found


def set_freedom(layer: nn.Module, *, is_free: bool) -> None:
    """Let a layer train, or not."""
    for parameter in layer.parameters():
        parameter.requires_grad_(is_free)


def show(arms: dict[str, float], borrowed: str, random: str) -> Side:
    """Return what is said of borrowed weights by two arms, and all four."""
    gain = arms[borrowed] - arms[random]
    figure = draw_bars(
        {name: 100 * one for name, one in arms.items()},
        label="accuracy on held-out 0 to 4 (%)",
        limits=(0, 115),
        compared=(borrowed, random),
    )
    rows = tuple((name, percent(one)) for name, one in arms.items())
    return Side(gain, f"“Borrowed weights bring {100 * gain:+.1f} points.”", figure, rows)
