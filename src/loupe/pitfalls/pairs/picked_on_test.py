from functools import lru_cache

import torch
from torch import Tensor

from loupe.pitfalls.drawing import draw_curves
from loupe.pitfalls.plain import build_mlp, percent, predict, split_digits, train_epochs
from loupe.pitfalls.registry import TellTale, register_pitfall
from loupe.pitfalls.side import Side
from loupe.runtime import Streams

_RATES = (0.03, 0.01, 0.003, 0.001)
_NUM_EPOCHS, _NUM_TEST, _NUM_DRAWS = 25, 60, 60


@register_pitfall(
    "picked-on-test",
    title="Picking on the test set",
    tell_tale=TellTale(
        "claimed accuracy less the accuracy on images that nobody looked at",
        "points",
        apart=0.01,
    ),
    rule="Choose on validation images; open the test set once, when nothing is left to choose.",
    source="D-003-1, D-000-2, D-001-1",
    looks="The result is the maximum of a jagged curve: one epoch of one setting stands out, and the next "
    "run cannot repeat it.",
    in_loupe="Loupe's test set has one door; training cannot be handed it, and every look is counted.",
    lint=("picked-on-test",),
)
class PickedOnTest:
    """The best epoch and learning rate are chosen by the accuracy on test images, and that is reported."""

    def wrong(self, seed: int) -> Side:
        """Claim the best test accuracy over all epochs and rates, for many small test sets."""
        answers, claims, truths = train_settings(seed), [], []
        for test, _, fresh in draw_parts(seed, answers.shape[1]):
            best = choose_so_far(answers[:, test].mean(1))
            claims.append(answers[:, test].mean(1)[best])
            truths.append(answers[:, fresh].mean(1)[best])
        return show(torch.stack(claims).mean(0), torch.stack(truths).mean(0))

    def right(self, seed: int) -> Side:
        """Choose by validation images, and ask the test images once."""
        answers, claims, truths = train_settings(seed), [], []
        for test, validation, fresh in draw_parts(seed, answers.shape[1]):
            best = choose_so_far(answers[:, validation].mean(1))
            claims.append(answers[:, test].mean(1)[best])
            truths.append(answers[:, fresh].mean(1)[best])
        return show(torch.stack(claims).mean(0), torch.stack(truths).mean(0))


@lru_cache(maxsize=4)
def train_settings(seed: int) -> Tensor:
    """Return whether each image is named rightly, (settings, images): rates x epochs, 150 training images."""
    train, pool = split_digits(seed, 150)
    rows = []
    for rate in _RATES:
        model = build_mlp(seed)
        for _ in train_epochs(model, train, seed, _NUM_EPOCHS, learning_rate=rate):
            rows.append((predict(model, pool) == pool.labels).float())
    return torch.stack(rows)


def draw_parts(seed: int, num_images: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Return test, validation and fresh images, drawn many times: the claim is right or wrong on average."""
    generator = Streams(seed).generator("parts")
    orders = [torch.randperm(num_images, generator=generator) for _ in range(_NUM_DRAWS)]
    return [(one[:_NUM_TEST], one[_NUM_TEST : 2 * _NUM_TEST], one[2 * _NUM_TEST :]) for one in orders]


def choose_so_far(scores: Tensor) -> Tensor:
    """Return the number of the best setting among the first one, the first two … of (settings,) scores."""
    return torch.stack([scores[: count + 1].argmax() for count in range(len(scores))])


def show(claimed: Tensor, true: Tensor) -> Side:
    """Return the claim beside the truth, means over many draws, by how many settings were looked at."""
    figure = draw_curves(
        {"claimed": (100 * claimed).tolist(), "on images nobody looked at": (100 * true).tolist()},
        labels=("epochs and rates to choose from", "accuracy (%)"),
        limits=(84, 97),
    )
    last, truth = float(claimed[-1]), float(true[-1])
    said = f"“{percent(last)} on the test set”; on images that nobody looked at it is {percent(truth)}."
    return Side(last - truth, said, figure, (("claimed", percent(last)), ("true", percent(truth))))
