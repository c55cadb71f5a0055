"""What an image is, and what it is not: its place, its label, its format."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from loupe.data import Dataset, ImageDataset, load_dataset
from loupe.data.identity import digest_content, digest_images, digest_picture, from_keys, is_among, to_keys
from loupe.data.image_files import decode_image

images = st.integers(0, 2**32 - 1).map(
    lambda seed: torch.from_numpy(np.random.default_rng(seed).integers(0, 3, (6, 3, 2, 2), dtype=np.uint8))
)


@given(images)
def test_equal_pixels_have_equal_digests_and_others_have_others(drawn: torch.Tensor) -> None:
    keys = to_keys(digest_images(drawn))
    for one, key in zip(drawn, keys, strict=True):
        for other, other_key in zip(drawn, keys, strict=True):
            assert (key == other_key) == torch.equal(one, other)


@given(images)
def test_three_equal_channels_are_the_grey_image_they_show(drawn: torch.Tensor) -> None:
    grey = drawn[:, :1]
    assert torch.equal(digest_images(grey.expand(-1, 3, -1, -1)), digest_images(grey))


def test_shape_and_type_count() -> None:
    flat = torch.arange(8, dtype=torch.uint8)
    forms = [flat.view(1, 1, 2, 4), flat.view(1, 1, 4, 2), flat.view(1, 1, 2, 4).to(torch.int16)]
    assert len({to_keys(digest_images(form))[0] for form in forms}) == 3


def test_a_file_is_the_image_it_holds_in_any_format(tmp_path: Path, digits: Dataset) -> None:
    image, expected = digits.train.images[0], digits.train.table.digests[0]
    for name in ("a.png", "b.bmp", "c.tif"):
        Image.fromarray(image[0].numpy()).save(tmp_path / name)
        assert digest_picture(decode_image(tmp_path / name)) == expected.numpy().tobytes()
    Image.fromarray(image[0].numpy()).convert("RGB").save(tmp_path / "d.png")
    assert digest_picture(decode_image(tmp_path / "d.png")) == expected.numpy().tobytes()


def test_keys_and_digests_are_one_and_the_same(few_digits: ImageDataset) -> None:
    digests = few_digits.table.digests
    assert torch.equal(from_keys(to_keys(digests)), digests)
    assert is_among(digests, set(to_keys(digests[:50]))).tolist()[:50] == [True] * 50
    assert (to_keys(digests[:0]), len(from_keys([]))) == ([], 0)


def test_a_set_of_images_is_the_same_in_any_order_and_under_any_labels(few_digits: ImageDataset) -> None:
    digests = few_digits.table.identities
    assert digest_content(digests) == digest_content(digests.flip(0))
    assert digest_content(digests) != digest_content(digests[1:])


def test_what_is_selected_keeps_its_files(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for name in ("a", "b"):
            for index in range(3):
                path = tmp_path / part / name / f"{index}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                level = 10 * index + 100 * (name == "b") + 50 * (part == "test")
                Image.new("L", (6, 6), level).save(path)
    small = load_dataset("folder", path=str(tmp_path), image_size=4, fit="resize", classes=["b", "a"])
    assert small.train.paths == tuple(f"train/{name}/{index}.png" for name in "ab" for index in range(3))
    some = small.train.select(torch.tensor([4, 0]))
    assert (some.paths, some.labels.tolist()) == (("train/b/1.png", "train/a/0.png"), [0, 1])
    own_size = load_dataset("folder", path=str(tmp_path)).train
    assert torch.equal(small.train.table.identities, own_size.table.identities), (
        "a setting changed an identity"
    )
    assert not torch.equal(small.train.table.digests, own_size.table.digests)
    assert small.test.table.paths[0] == "test/a/0.png"
    assert small.test.openings == ()


@pytest.mark.thorough
def test_sixty_thousand_images_take_a_second_or_two() -> None:
    drawn = torch.randint(0, 256, (60_000, 3, 32, 32), dtype=torch.uint8)
    started = time.perf_counter()
    assert len(set(to_keys(digest_images(drawn)))) == 60_000
    assert time.perf_counter() - started < 5, "0.4 s on an idle machine"


def test_what_was_known_of_a_dataset_is_known_of_its_parts(digits: Dataset) -> None:
    whole = digits.train
    _ = whole.table
    some = whole.select(torch.tensor([5, 3, 900]))
    assert torch.equal(some.table.digests, digest_images(some.images))
    assert torch.equal(some.table.labels, some.labels)
    kept = whole.keep_classes([3, 1])
    assert torch.equal(kept.table.labels, kept.labels), "classes were renumbered"


@given(images, st.sampled_from([1, 3]))
def test_a_picture_is_digested_as_the_image_it_becomes(drawn: torch.Tensor, channels: int) -> None:
    expected = to_keys(digest_images(drawn[:, :channels]))
    pictures = [image.numpy().transpose(1, 2, 0) for image in drawn[:, :channels]]
    assert [digest_picture(picture) for picture in pictures] == expected
    grey = drawn[:1, :1].expand(-1, 3, -1, -1)
    assert digest_picture(grey[0].numpy().transpose(1, 2, 0)) == to_keys(digest_images(grey))[0]
