"""One contract over all augmentations, then what each promises."""

from typing import Any

import pytest
import torch
from torch import Tensor

from loupe.data import AUGMENTATIONS, build_augmentation
from loupe.runtime import Streams


def make_images(channels: int = 3, size: tuple[int, int] = (8, 6), count: int = 40) -> Tensor:
    stream = Streams(11).generator("images")
    return torch.randint(0, 256, (count, channels, *size), dtype=torch.uint8, generator=stream)


def is_equal(a: Any, b: Any) -> bool:
    return torch.equal(a, b) if isinstance(a, Tensor) else bool(a == b)


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_contract(name: str, channels: int, dtype: torch.dtype) -> None:
    augmentation = build_augmentation(name)
    images = make_images(channels).to(dtype)
    before = images.clone()
    draw = augmentation.draw(images, Streams(1).generator("augment"))
    changed = augmentation.apply(images, draw)
    assert torch.equal(images, before), "the input was changed"
    assert (changed.shape, changed.dtype) == (images.shape, images.dtype)
    assert changed.float().isfinite().all()
    assert torch.equal(changed, augmentation.apply(images, draw)), "applying the same draw differs"
    assert is_equal(draw, augmentation.draw(images, Streams(1).generator("augment"))), (
        "a draw ignores its stream"
    )
    assert not torch.equal(changed, images), "nothing happened to forty images"
    global_state = torch.get_rng_state()
    augmentation.apply(images, augmentation.draw(images, Streams(2).generator("augment")))
    assert torch.equal(torch.get_rng_state(), global_state), "it draws from the global generator"


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
def test_each_image_is_drawn_for_itself(name: str) -> None:
    images = make_images(count=1).expand(60, -1, -1, -1).contiguous()
    augmentation = build_augmentation(name)
    changed = augmentation.apply(images, augmentation.draw(images, Streams(1).generator("augment")))
    assert len({tuple(image.flatten().tolist()) for image in changed}) > 1


def test_flip_mirrors_the_drawn_images_and_no_others() -> None:
    images = make_images(count=2)
    flipped = build_augmentation("horizontal-flip").apply(images, torch.tensor([True, False]))
    assert torch.equal(flipped[0], images[0].flip(-1))
    assert torch.equal(flipped[1], images[1])


@pytest.mark.parametrize(("p", "share"), [(0.0, 0.0), (1.0, 1.0), (0.25, 0.25)])
def test_flip_probability(p: float, share: float) -> None:
    images = torch.zeros(20_000, 1, 1, 1, dtype=torch.uint8)
    draw = build_augmentation("horizontal-flip", p=p).draw(images, Streams(3).generator("augment"))
    assert draw.float().mean().item() == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("mode", ["zero", "reflect"])
def test_crop_cuts_the_drawn_window_out_of_the_padded_image(mode: str) -> None:
    images = make_images(count=9, size=(8, 6))
    crop = build_augmentation("padded-crop", padding=2, mode=mode)
    draw = torch.cartesian_prod(torch.tensor([0, 2, 4]), torch.tensor([0, 2, 4]))
    padded = torch.nn.functional.pad(
        images.float(), (2, 2, 2, 2), mode="constant" if mode == "zero" else "reflect"
    ).to(torch.uint8)
    expected = torch.stack(
        [padded[i, :, row : row + 8, column : column + 6] for i, (row, column) in enumerate(draw.tolist())]
    )
    assert torch.equal(crop.apply(images, draw), expected)
    assert torch.equal(crop.apply(images, torch.full((9, 2), 2)), images), "the middle window is the image"


def test_crop_draws_every_place_equally_often() -> None:
    images = torch.zeros(50_000, 1, 1, 1, dtype=torch.uint8)
    draw = build_augmentation("padded-crop", padding=2).draw(images, Streams(3).generator("augment"))
    counts = torch.bincount(draw[:, 0] * 5 + draw[:, 1], minlength=25)
    assert (counts - 2000).abs().max() < 5 * 2000**0.5
