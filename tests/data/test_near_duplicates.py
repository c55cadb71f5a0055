"""Images that are one picture: planted ones are found, whatever was done to them, and others are not."""

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from loupe.data import Dataset, load_dataset
from loupe.data.identity import digest_images
from loupe.data.locked_test import LockedTest
from loupe.data.near_duplicates import DuplicatePair, find_copies, find_duplicates

from ..conftest import needs_official_data

WAYS = ("exact", "moved", "saved anew", "mirrored")


def alter(image: Tensor, way: str, generator: np.random.Generator) -> Tensor:
    """Return an image as somebody may have added it a second time."""
    if way == "moved":
        height, width = image.shape[1:]
        padded = F.pad(
            image[None].float(), (1, 1, 1, 1), mode=str(generator.choice(["replicate", "constant"]))
        )
        down, right = generator.choice([(0, 1), (1, 0), (2, 1), (1, 2), (0, 0), (2, 2)])
        return padded[0, :, down : down + height, right : right + width].byte()
    if way == "saved anew":
        pixels, file = image.numpy(), io.BytesIO()
        picture = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
        picture.save(file, "JPEG", quality=int(generator.choice([75, 85, 95])))
        read = np.array(Image.open(file))
        return torch.from_numpy((read[None] if read.ndim == 2 else read.transpose(2, 0, 1)).copy())
    return image.flip(2) if way == "mirrored" else image


def plant(images: Tensor, count: int) -> tuple[Tensor, dict[int, int]]:
    """Return the images and `count` altered ones after them, and which each of these is made from."""
    generator = np.random.default_rng(0)
    chosen = generator.choice(len(images), count, replace=False).tolist()
    made = [alter(images[one], WAYS[place % len(WAYS)], generator) for place, one in enumerate(chosen)]
    return torch.cat([images, torch.stack(made)]), {len(images) + i: one for i, one in enumerate(chosen)}


def count_found(pairs: list[DuplicatePair], made_from: dict[int, int]) -> tuple[int, int, int]:
    """Return exact ones found, others found, and pairs that are none."""
    named = {(pair.first, pair.second) for pair in pairs}
    found = [place for place, (new, old) in enumerate(made_from.items()) if (old, new) in named]
    false = [
        pair
        for pair in pairs
        if made_from.get(pair.first, pair.first) != made_from.get(pair.second, pair.second)
    ]
    exact = sum(place % len(WAYS) == 0 for place in found)
    return exact, len(found) - exact, len(false)


def hold(images: Tensor) -> None:
    """Check that of 200 planted ones 50 exact ones and 95 % of the others are found, and hardly any false."""
    everything, made_from = plant(images, 200)
    pairs = find_duplicates(everything, digest_images(everything))
    exact, near, false = count_found(pairs, made_from)
    assert exact == 50
    assert near >= 0.95 * 150
    assert false <= 0.01 * len(pairs)


def test_duplicates_among_digits(digits: Dataset) -> None:
    hold(digits.train.images)


@needs_official_data
@pytest.mark.thorough
@pytest.mark.parametrize("name", ["fashion-mnist", "cifar10"])
def test_duplicates_among_official_images(name: str) -> None:
    hold(load_dataset(name).train.images[:2000])


def test_what_was_done_is_said(digits: Dataset) -> None:
    image = digits.train.images[7]
    rolled = F.pad(image[None].float(), (1, 1, 1, 1), mode="replicate")[0, :, 0:8, 2:10].byte()
    everything = torch.stack([image, image, rolled, image.flip(2), image.clamp(0, 250)])
    pairs = find_duplicates(everything, digest_images(everything))
    ways = {(pair.first, pair.second): pair.way for pair in pairs}
    assert ways[0, 1] == "exact"
    assert ways[0, 2] == "moved"
    assert ways[0, 3] == "mirrored"
    assert ways[0, 4] == "saved anew"
    assert all(pair.first < pair.second for pair in pairs)


def test_flat_images_are_told_by_digest_alone() -> None:
    images = torch.stack([torch.full((1, 8, 8), level, dtype=torch.uint8) for level in (10, 12, 10)])
    pairs = find_duplicates(images, digest_images(images))
    assert [(pair.first, pair.second, pair.way) for pair in pairs] == [(0, 2, "exact")]


def test_the_same_shape_in_another_colour_is_another_picture() -> None:
    red = torch.zeros(3, 32, 32, dtype=torch.uint8)
    red[0, 8:24, 8:24] = 200
    images = torch.stack([red, red.roll(1, 0)])
    assert find_duplicates(images, digest_images(images)) == []


@pytest.mark.parametrize("count", [0, 1])
def test_few_images(digits: Dataset, count: int) -> None:
    images = digits.train.images[:count]
    assert find_duplicates(images, digest_images(images)) == []


def test_copies_of_other_images_are_found_as_duplicates_are(digits: Dataset) -> None:
    images, (everything, made_from) = digits.train.images, plant(digits.train.images, 200)
    made = everything[len(images) :]
    pairs = find_copies(images, digest_images(images), made, digest_images(made))
    named = {(pair.first, pair.second): pair for pair in pairs}
    wanted = [(old, new - len(images)) for new, old in made_from.items()]
    exact = [pair for place, pair in enumerate(wanted) if place % len(WAYS) == 0]
    assert all(named[pair].way == "exact" for pair in exact)
    near = [pair for place, pair in enumerate(wanted) if place % len(WAYS) != 0]
    assert sum(pair in named for pair in near) >= 0.95 * len(near)
    from_repeated = find_duplicates(images, digest_images(images))  # some digits are alike to begin with
    alike = {(one.first, one.second) for one in from_repeated}
    false = [
        pair
        for pair in named
        if pair not in wanted and tuple(sorted((pair[0], made_from[pair[1] + len(images)]))) not in alike
    ]
    assert len(false) <= 0.02 * len(named)


def test_images_of_another_shape_or_none_have_no_copies(digits: Dataset) -> None:
    some = digits.train.images[:5]
    keys = digest_images(some)
    assert find_copies(some, keys, some[:0], keys[:0]) == []
    assert find_copies(some[:0], keys[:0], some, keys) == []
    smaller = some[:, :, 1:]
    assert find_copies(some, keys, smaller, digest_images(smaller)) == []


def test_the_lock_compares_and_hands_out_no_image(digits: Dataset) -> None:
    train = digits.train.take(slice(0, 50))
    test = LockedTest(digits.train.select(torch.tensor([3, 3, 900, 901])))
    assert [(pair.first, pair.second, pair.way) for pair in test.find_copies(train)][:1] == [(3, 0, "exact")]
    assert [(pair.first, pair.second, pair.way) for pair in test.find_repeats()][:1] == [(0, 1, "exact")]
    assert test.openings == ()
