"""A planted weak segment is the first listed; mistakes by lot make none."""

from dataclasses import replace

import pytest
import torch

from loupe.data import Dataset, ImageDataset
from loupe.evaluations import LookedAt, Subject, Table, carry_out, choose_evaluation
from loupe.evaluations.look import Look
from loupe.evaluations.weak_segments import measure_properties
from loupe.metrics import Predictions


def look_at(images: ImageDataset, training: ImageDataset, is_wrong: torch.Tensor) -> Look:
    said = torch.where(is_wrong, (images.labels + 1) % 10, images.labels)
    answers = Predictions(images.labels, 5 * torch.nn.functional.one_hot(said, 10).float())
    subject = Subject(
        "classification",
        images.class_names,
        (LookedAt("validation", answers, images),),
        load_training=lambda: training,
    )
    (look,) = carry_out([choose_evaluation("weak_segments")], subject).looks
    assert not look.failure
    return look


@pytest.fixture
def sides(digits: Dataset) -> tuple[ImageDataset, ImageDataset]:
    return digits.train.select(torch.arange(0, 800)), digits.train.select(torch.arange(800, 1400))


@pytest.mark.parametrize("planted", ["brightness", "contrast", "detail"])
def test_a_planted_segment_is_first(planted: str, sides: tuple[ImageDataset, ImageDataset]) -> None:
    images, training = sides
    values = measure_properties(images)[planted]
    generator = torch.Generator().manual_seed(0)
    chance = torch.rand(len(images), generator=generator)
    is_low = values <= values.quantile(0.25)
    look = look_at(images, training, torch.where(is_low, chance < 0.5, chance < 0.03))
    (table,) = [one for one in look.blocks if isinstance(one, Table)]
    assert table.rows[0][0] == f"{planted}: lowest quarter"
    assert table.rows[0][1] == pytest.approx(200, abs=1)
    assert look.sentence.startswith(f"Weakest at {planted}: lowest quarter")


def test_a_class_that_fails_only_where_it_is_dark_is_first(sides: tuple[ImageDataset, ImageDataset]) -> None:
    images, training = sides
    of_class = images.labels == 3
    brightness = measure_properties(images)["brightness"]
    is_dark = of_class & (brightness <= brightness[of_class].quantile(0.25))
    look = look_at(images, training, is_dark)
    assert look.sentence.startswith("Weakest at class 3, brightness: lowest quarter")


def test_mistakes_by_lot_make_no_segment(sides: tuple[ImageDataset, ImageDataset]) -> None:
    images, training = sides
    claimed = 0
    for seed in range(20):
        chance = torch.rand(len(images), generator=torch.Generator().manual_seed(seed))
        claimed += not look_at(images, training, chance < 0.1).sentence.startswith("No group")
    assert claimed <= 3


def test_images_that_are_equal_in_a_property_are_in_one_segment(
    sides: tuple[ImageDataset, ImageDataset],
) -> None:
    """Half the images are equally bright, one after another: to cut them would be to go by their order."""
    images, training = sides
    half = len(images) // 2
    pixels = images.images.clone()
    pixels[:half] = 7
    flat = replace(images, images=pixels)
    is_wrong = torch.zeros(len(images), dtype=torch.bool)
    is_wrong[: half // 2] = True
    look = look_at(flat, training, is_wrong)
    (table,) = [one for one in look.blocks if isinstance(one, Table)]
    holding = [row for row in table.rows if "brightness" in str(row[0]) and row[2] == half // 2]
    assert [row[1] for row in holding] == [half]


def test_what_is_the_same_in_all_images_makes_no_segment(sides: tuple[ImageDataset, ImageDataset]) -> None:
    images, training = sides
    flat = replace(images, images=torch.full_like(images.images, 7))
    look = look_at(flat, training, images.labels == 3)
    assert look.sentence.startswith("Weakest at class 3: ")
    (table,) = [one for one in look.blocks if isinstance(one, Table)]
    assert all("brightness" not in str(row[0]) for row in table.rows)
