"""One contract over all augmentations."""

from typing import Any

import pytest
import torch
from torch import Tensor

from loupe.data import AUGMENTATIONS, build_augmentation
from loupe.runtime import Streams, computing
from tests.data.pillow import make_images

SIZE = (20, 18)


def is_equal(a: Any, b: Any) -> bool:
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(is_equal, a, b))
    return torch.equal(a, b) if isinstance(a, Tensor) else bool(a == b)


def take(draw: Any, index: int) -> Any:
    """Return one image's part of a draw."""
    if isinstance(draw, tuple):
        return type(draw)(*(take(part, index) for part in draw))
    return draw[index : index + 1] if isinstance(draw, Tensor) else draw


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_contract(name: str, channels: int, dtype: torch.dtype) -> None:
    augmentation = build_augmentation(name)
    images = make_images(channels, SIZE).to(dtype)
    before = images.clone()
    draw = augmentation.draw(images, Streams(1).generator("augment"))
    changed = augmentation.apply(images, draw)
    assert torch.equal(images, before), "the input was changed"
    assert (changed.shape, changed.dtype) == (images.shape, images.dtype)
    assert changed.float().isfinite().all()
    assert 0 <= changed.min() <= changed.max() <= 255
    assert torch.equal(changed, augmentation.apply(images, draw)), "applying the same draw differs"
    assert is_equal(draw, augmentation.draw(images, Streams(1).generator("augment"))), (
        "a draw ignores its stream"
    )
    assert not is_equal(draw, augmentation.draw(images, Streams(2).generator("augment"))), (
        "all draws are equal"
    )
    assert not torch.equal(changed, images), "nothing happened to forty images"
    global_state = torch.get_rng_state()
    augmentation.apply(images, augmentation.draw(images, Streams(2).generator("augment")))
    assert torch.equal(torch.get_rng_state(), global_state), "it draws from the global generator"


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
def test_each_image_is_drawn_for_itself(name: str) -> None:
    images = make_images(size=SIZE, count=1).expand(60, -1, -1, -1).contiguous()
    augmentation = build_augmentation(name)
    changed = augmentation.apply(images, augmentation.draw(images, Streams(1).generator("augment")))
    assert len({tuple(image.flatten().tolist()) for image in changed}) > 1


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
def test_an_image_does_not_depend_on_its_neighbours(name: str) -> None:
    images = make_images(size=SIZE)
    augmentation = build_augmentation(name)
    draw = augmentation.draw(images, Streams(1).generator("augment"))
    together = augmentation.apply(images, draw)
    alone = [augmentation.apply(images[i : i + 1], take(draw, i)) for i in range(len(images))]
    assert torch.equal(torch.cat(alone), together)


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
@pytest.mark.parametrize("channels", [1, 3])
def test_float_images_are_on_the_scale_of_uint8(name: str, channels: int) -> None:
    """0 to 255: what is not rounded on the way gives the same levels once it is."""
    images = make_images(channels, SIZE)
    augmentation = build_augmentation(name)
    draw = augmentation.draw(images, Streams(1).generator("augment"))
    assert is_equal(draw, augmentation.draw(images.float(), Streams(1).generator("augment")))
    floats = augmentation.apply(images.float(), draw)
    assert torch.equal(floats.round().to(torch.uint8), augmentation.apply(images, draw))


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
@pytest.mark.parametrize(("channels", "size"), [(2, (9, 5)), (4, (5, 9)), (1, (8, 8)), (3, (1, 1))])
def test_odd_shapes_pass(name: str, channels: int, size: tuple[int, int]) -> None:
    for count in (1, 7):
        images = make_images(channels, size, count)
        augmentation = build_augmentation(name)
        changed = augmentation.apply(images, augmentation.draw(images, Streams(1).generator("augment")))
        assert (changed.shape, changed.dtype) == (images.shape, images.dtype)


def move(draw: Any, device: str) -> Any:
    if isinstance(draw, tuple):
        return type(draw)(*(move(part, device) for part in draw))
    return draw.to(device) if isinstance(draw, Tensor) else draw


@pytest.mark.gpu
@pytest.mark.parametrize("name", AUGMENTATIONS.names())
def test_a_gpu_draws_by_itself_and_changes_images_as_a_cpu_does(name: str) -> None:
    images = make_images(size=SIZE)
    augmentation = build_augmentation(name)
    draw = augmentation.draw(images.cuda(), Streams(1).generator("augment", device="cuda"))
    with computing():
        on_gpu = augmentation.apply(images.cuda(), draw)
    on_cpu = augmentation.apply(images, move(draw, "cpu"))
    assert on_gpu.is_cuda
    assert (on_gpu.cpu() == on_cpu).float().mean() > 0.99, "more than the last digits of sums differs"
