"""Every operation of a policy gives Pillow's values; magnitudes are the published ones."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from loupe.data.operations.policy_steps import (
    IDENTITY,
    NUM_SEARCHED,
    OPERATIONS,
    Steps,
    apply_steps,
    give_signs,
    search_ranges,
    tabulate_magnitudes,
    wide_ranges,
)
from tests.data.pillow import ask_pillow, make_images, make_varied_images

SIGNED = [
    "shear-x",
    "shear-y",
    "translate-x",
    "translate-y",
    "rotate",
    "brightness",
    "color",
    "contrast",
    "sharpness",
]


def one_step(operation: str, magnitude: float, count: int = 1) -> Steps:
    return Steps(torch.full((count, 1), OPERATIONS.index(operation)), torch.full((count, 1), magnitude))


def test_there_are_fifteen_operations_and_the_searched_ones_lack_invert() -> None:
    assert OPERATIONS[IDENTITY] == "identity"
    assert OPERATIONS[:NUM_SEARCHED] == OPERATIONS[:-1]
    assert sorted(OPERATIONS) == sorted(
        [*SIGNED, "identity", "posterize", "solarize", "autocontrast", "equalize", "invert"]
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_is_pillows_at_every_magnitude(operation: str, channels: int) -> None:
    images = make_varied_images(channels, (32, 32), 62)
    magnitudes = tabulate_magnitudes(wide_ranges(), 31)[OPERATIONS.index(operation)].repeat(2)
    if operation in SIGNED:
        magnitudes[31:] *= -1
    steps = Steps(torch.full((62, 1), OPERATIONS.index(operation)), magnitudes.unsqueeze(1))
    for image, magnitude, changed in zip(
        images, magnitudes.tolist(), apply_steps(images, steps, "nearest", 0), strict=True
    ):
        assert torch.equal(changed, ask_pillow(image, operation, magnitude))


@settings(deadline=None, max_examples=150)
@given(
    operation=st.sampled_from(OPERATIONS),
    part=st.floats(-1, 1),
    seed=st.integers(0, 999),
    channels=st.sampled_from([1, 3]),
    size=st.tuples(st.integers(3, 24), st.integers(3, 24)),
    fill=st.integers(0, 255),
)
def test_any_magnitude_between_is_pillows_too(
    operation: str, part: float, seed: int, channels: int, size: tuple[int, int], fill: int
) -> None:
    weakest, strongest = wide_ranges().get(operation, (0, 0))
    magnitude = weakest + (strongest - weakest) * (part if operation in SIGNED else abs(part))
    magnitude = round(magnitude) if operation == "posterize" else torch.tensor(magnitude).float().item()
    image = make_images(channels, size, 1, seed)
    steps = one_step(operation, magnitude)
    changed = apply_steps(image, steps, "nearest", fill)
    assert torch.equal(changed[0], ask_pillow(image[0], operation, magnitude, fill))
    floats = apply_steps(image.float() + 0.3, steps, "nearest", fill)
    assert torch.equal(floats, changed.float()), "float images are not rounded to levels"


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("operation", [*SIGNED, "identity"])
def test_magnitude_zero_changes_nothing(operation: str, interpolation: str) -> None:
    images = make_varied_images()
    steps = one_step(operation, 0.0, len(images))
    assert torch.equal(apply_steps(images, steps, interpolation, 99), images)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_other_numbers_of_channels_keep_their_shape(operation: str) -> None:
    images = make_images(4, (20, 17))
    magnitude = {"posterize": 4.0, "solarize": 128.0, "rotate": 20.0, "translate-x": 3.0, "translate-y": -2.0}
    steps = one_step(operation, magnitude.get(operation, 0.5), len(images))
    changed = apply_steps(images, steps, "nearest", 0)
    assert changed.shape == images.shape
    is_left_alone = operation in ("identity", "color", "contrast")
    assert torch.equal(changed, images) == is_left_alone


def test_steps_come_one_after_the_other() -> None:
    images = make_images(count=2)
    order = torch.tensor([[OPERATIONS.index("invert"), OPERATIONS.index("brightness")]])
    steps = Steps(torch.cat([order, order.flip(1)]), torch.tensor([[0.0, 0.5], [0.5, 0.0]]))
    changed = apply_steps(images, steps, "nearest", 0)
    inverted = ask_pillow(images[0], "invert", 0)
    assert torch.equal(changed[0], ask_pillow(inverted, "brightness", 0.5))
    bright = ask_pillow(images[1], "brightness", 0.5)
    assert torch.equal(changed[1], ask_pillow(bright, "invert", 0))


def test_signs_are_given_to_operations_with_a_direction_only() -> None:
    operations = torch.arange(len(OPERATIONS))
    magnitudes = torch.ones(len(OPERATIONS))
    given_signs = give_signs(magnitudes, operations, -torch.ones(len(OPERATIONS), dtype=torch.int64))
    assert [OPERATIONS[i] for i in operations[given_signs < 0]] == SIGNED
    assert torch.equal(give_signs(magnitudes, operations, torch.ones_like(operations)), magnitudes)


# the first and last magnitude of each operation in the published spaces, for images of 331 x 662 pixels
SEARCHED = {
    "shear-x": (0, 0.3),
    "shear-y": (0, 0.3),
    "translate-x": (0, 300),
    "translate-y": (0, 150),
    "rotate": (0, 30),
    "brightness": (0, 0.9),
    "color": (0, 0.9),
    "contrast": (0, 0.9),
    "sharpness": (0, 0.9),
    "posterize": (8, 4),
    "solarize": (255, 0),
}
WIDE = {
    "shear-x": (0, 0.99),
    "shear-y": (0, 0.99),
    "translate-x": (0, 32),
    "translate-y": (0, 32),
    "rotate": (0, 135),
    "brightness": (0, 0.99),
    "color": (0, 0.99),
    "contrast": (0, 0.99),
    "sharpness": (0, 0.99),
    "posterize": (8, 2),
    "solarize": (255, 0),
}


@pytest.mark.parametrize("num_bins", [10, 31])
@pytest.mark.parametrize(
    ("ranges", "published"), [(search_ranges(331, 662), SEARCHED), (wide_ranges(), WIDE)]
)
def test_magnitudes_are_the_published_ones(
    ranges: dict[str, tuple[float, float]], published: dict[str, tuple[float, float]], num_bins: int
) -> None:
    table = tabulate_magnitudes(ranges, num_bins)
    for operation, row in zip(OPERATIONS, table.tolist(), strict=True):
        first, last = published.get(operation, (0, 0))
        evenly = [first + (last - first) * place / (num_bins - 1) for place in range(num_bins)]
        if operation == "posterize":
            evenly = [round(bits) for bits in evenly]
        assert row == pytest.approx(evenly, rel=1e-6, abs=1e-4), operation


def test_single_magnitudes_of_the_published_tables() -> None:
    """Spot checks, worked by hand: 32 x 32 images, ten bins for AutoAugment, 31 for the others."""

    def look_up(table: torch.Tensor, operation: str, place: int) -> float:
        return table[OPERATIONS.index(operation), place].item()

    ten = tabulate_magnitudes(search_ranges(32, 32), 10)
    assert int(look_up(ten, "translate-x", 9)) == 14  # 150 / 331 x 32 = 14.5
    assert int(look_up(ten, "translate-y", 3)) == 4
    assert look_up(ten, "rotate", 2) == pytest.approx(20 / 3)
    assert look_up(ten, "posterize", 7) == 5  # 8 - round(28 / 9)
    assert look_up(ten, "solarize", 2) == pytest.approx(255 * 7 / 9)
    assert look_up(tabulate_magnitudes(search_ranges(32, 32), 31), "rotate", 9) == pytest.approx(9)
    assert look_up(tabulate_magnitudes(wide_ranges(), 31), "translate-x", 15) == 16
