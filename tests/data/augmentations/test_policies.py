"""AutoAugment, RandAugment and TrivialAugment: what is drawn, how often, and what it does."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from loupe.data import build_augmentation
from loupe.data.augmentations.auto_augment import SUB_POLICIES
from loupe.data.operations.policy_steps import OPERATIONS, Steps
from loupe.runtime import Streams
from tests.data.pillow import ask_pillow, make_varied_images

COUNT = 100_000
SIGNED = {
    *("shear-x", "shear-y", "translate-x", "translate-y", "rotate"),
    *("brightness", "color", "contrast", "sharpness"),
}

# how often the paper's table (CIFAR-10) names an operation, and the sum of its probabilities, in tenths
PUBLISHED_SUMS = {
    "shear-y": (2, 7),
    "translate-x": (2, 8),
    "translate-y": (5, 34),
    "rotate": (1, 7),
    "autocontrast": (7, 50),
    "invert": (3, 2),
    "equalize": (9, 47),
    "solarize": (4, 19),
    "posterize": (1, 3),
    "contrast": (2, 8),
    "color": (5, 29),
    "brightness": (4, 23),
    "sharpness": (5, 28),
}


def draw_many(name: str) -> tuple[Tensor, Any, Any]:
    """Return (100,000, 3, 32, 32) images, the augmentation, and its draw for them."""
    images = torch.zeros(1, 3, 32, 32, dtype=torch.uint8).expand(COUNT, -1, -1, -1)
    augmentation = build_augmentation(name)
    return images, augmentation, augmentation.draw(images, Streams(3).generator("augment"))


def assert_all_equally_often(choices: Tensor, number: int) -> None:
    counts = choices.flatten().bincount(minlength=number)
    assert len(counts) == number
    expected = choices.numel() / number
    assert (counts - expected).abs().max() < 5 * math.sqrt(expected)


def compose_with_pillow(image: Tensor, steps: Steps, index: int, fill: int) -> Tensor:
    for operation, magnitude in zip(steps.operations[index], steps.magnitudes[index], strict=True):
        image = ask_pillow(image, OPERATIONS[operation], magnitude.item(), fill)
    return image


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("auto-augment", {}),
        ("rand-augment", {}),
        ("rand-augment", {"num_ops": 3, "magnitude": 30}),
        ("trivial-augment", {"fill": 77}),
    ],
)
def test_a_whole_policy_is_what_pillow_makes_of_it(
    name: str, settings: dict[str, int], channels: int
) -> None:
    images = make_varied_images(channels, (32, 32), 300)
    augmentation = build_augmentation(name, **settings)
    draw = augmentation.draw(images, Streams(3).generator("augment"))
    steps = augmentation.steps(images, draw)
    changed = augmentation.apply(images, draw)
    for index, image in enumerate(images):
        assert torch.equal(changed[index], compose_with_pillow(image, steps, index, settings.get("fill", 0)))


@pytest.mark.parametrize("name", ["auto-augment", "rand-augment", "trivial-augment"])
def test_bilinear_geometry_can_be_chosen(name: str) -> None:
    images = make_varied_images(3, (32, 32))
    smooth = build_augmentation(name, interpolation="bilinear")
    draw = smooth.draw(images, Streams(3).generator("augment"))
    steps = smooth.steps(images, draw)
    changed = (smooth.apply(images, draw) != build_augmentation(name).apply(images, draw)).flatten(1).any(1)
    has_slope = torch.tensor(
        [
            any(OPERATIONS[step] in ("shear-x", "shear-y", "rotate") for step in of_image)
            for of_image in steps.operations
        ]
    )
    assert changed.any()
    assert not (changed & ~has_slope).any()


def test_auto_augment_has_the_published_policy() -> None:
    assert len(SUB_POLICIES) == 25
    assert all(len(pair) == 2 for pair in SUB_POLICIES)
    named = [step for pair in SUB_POLICIES for step in pair]
    sums = {
        name: (
            sum(step[0] == name for step in named),
            round(10 * sum(step[1] for step in named if step[0] == name)),
        )
        for name in {step[0] for step in named}
    }
    assert sums == PUBLISHED_SUMS
    # a few rows, word for word
    assert SUB_POLICIES[1] == (("rotate", 0.7, 2), ("translate-x", 0.3, 9))
    assert SUB_POLICIES[3] == (("shear-y", 0.5, 8), ("translate-y", 0.7, 9))
    assert SUB_POLICIES[24] == (("translate-y", 0.7, 9), ("autocontrast", 0.9, None))


def test_auto_augment_draws_as_published() -> None:
    _, _, draw = draw_many("auto-augment")
    assert_all_equally_often(draw.sub_policies, 25)
    assert_all_equally_often((1 + draw.signs) // 2, 2)
    assert set(draw.signs.unique().tolist()) == {-1, 1}
    for number, pair in enumerate(SUB_POLICIES):
        chosen = draw.is_applied[draw.sub_policies == number].double()
        for place, (_, p, _) in enumerate(pair):
            assert abs(chosen[:, place].mean().item() - p) <= 5 * math.sqrt(p * (1 - p) / len(chosen))
        both = pair[0][1] * pair[1][1]
        assert abs(chosen.prod(1).mean().item() - both) <= 5 * math.sqrt(both * (1 - both) / len(chosen))


def test_auto_augment_steps_follow_the_table() -> None:
    images, augmentation, draw = draw_many("auto-augment")
    few = type(draw)(*(part[:2000] for part in draw))
    steps = augmentation.steps(images[:2000], few)
    for number, applied, signs, operations, magnitudes in zip(*few, *steps, strict=True):
        for place, (name, _, level) in enumerate(SUB_POLICIES[number]):
            happens, sign = bool(applied[place]), int(signs[place])
            assert OPERATIONS[operations[place]] == (name if happens else "identity")
            if happens and name in SIGNED:
                strongest = {
                    "shear-y": 0.3,
                    "rotate": 30,
                    "translate-x": 32 * 150 / 331,
                    "translate-y": 32 * 150 / 331,
                }
                expected = sign * strongest.get(name, 0.9) * level / 9
                assert magnitudes[place].item() == pytest.approx(expected, rel=1e-6)
            elif happens and name == "solarize":
                assert magnitudes[place].item() == pytest.approx(255 * (1 - level / 9))
            elif happens and name == "posterize":
                assert magnitudes[place] == 5


def test_rand_augment_draws_as_published() -> None:
    images, augmentation, draw = draw_many("rand-augment")
    assert_all_equally_often(draw.operations[:, 0] * 14 + draw.operations[:, 1], 14 * 14)
    assert_all_equally_often((1 + draw.signs) // 2, 2)
    steps = augmentation.steps(images, draw)
    for operation, name in enumerate(OPERATIONS[:14]):
        found = set(steps.magnitudes[steps.operations == operation].tolist())
        assert len(found) == (2 if name in SIGNED else 1), name
        assert len({abs(magnitude) for magnitude in found}) == 1
    rotations = steps.magnitudes[steps.operations == OPERATIONS.index("rotate")]
    assert rotations.abs().max().item() == pytest.approx(9), "magnitude 9 of 30, of 30 degrees"


def test_trivial_augment_draws_as_published() -> None:
    images, augmentation, draw = draw_many("trivial-augment")
    assert_all_equally_often(draw.operations * 31 + draw.bins, 14 * 31)
    assert_all_equally_often((1 + draw.signs) // 2, 2)
    steps = augmentation.steps(images, draw)
    assert steps.operations.shape == (COUNT, 1)
    slopes = steps.magnitudes[steps.operations == OPERATIONS.index("shear-x")]
    assert len(slopes.unique()) == 61, "thirty to either side, and none"
    assert slopes.max().item() == pytest.approx(0.99)
    assert steps.magnitudes[steps.operations == OPERATIONS.index("posterize")].unique().tolist() == [
        *range(2, 9)
    ]


def test_strongest_rand_augment_is_stronger_than_the_weakest() -> None:
    images = make_varied_images(3, (32, 32), 200)
    changes = []
    for magnitude in (0, 15, 30):
        augmentation = build_augmentation("rand-augment", magnitude=magnitude, num_ops=1)
        draw = augmentation.draw(images, Streams(3).generator("augment"))
        is_graded = torch.tensor([OPERATIONS[step] in SIGNED for step in draw.operations[:, 0]])
        changed = augmentation.apply(images, draw)[is_graded].float()
        changes.append((changed - images[is_graded].float()).abs().mean().item())
    assert changes[0] == 0
    assert changes[0] < changes[1] < changes[2]
