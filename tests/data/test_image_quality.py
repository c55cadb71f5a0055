"""Blank, dark, bright and blurred images, and files of an odd size: planted ones are found."""

from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image

from loupe.data import load_dataset
from loupe.data.image_quality import find_flaws, find_odd_sizes

from ..conftest import needs_official_data


def test_blank_dark_and_bright_images_among_noise() -> None:
    images = torch.randint(0, 256, (60, 1, 12, 12), generator=torch.Generator().manual_seed(0)).byte()
    images[3], images[11], images[20] = 128, images[11] // 8, 225 + images[20] // 10
    found = {flaw.index: flaw.kind for flaw in find_flaws(images)}
    assert found == {3: "blank", 11: "dark", 20: "bright"}


@needs_official_data
def test_blurred_images_of_cifar() -> None:
    images = load_dataset("cifar10").train.images[:600].clone()
    window = torch.ones(3, 1, 5, 5) / 25
    blurred = F.conv2d(F.pad(images[:20].float(), (2, 2, 2, 2), mode="replicate"), window, groups=3)
    images[:20] = blurred.byte()
    found = {flaw.index for flaw in find_flaws(images) if flaw.kind == "blurred"}
    assert len(found & set(range(20))) >= 19
    assert len(found - set(range(20))) <= 6


def test_files_of_an_odd_size_are_told_from_their_headers(tmp_path: Path) -> None:
    sizes = {"a.png": (40, 40), "b.png": (42, 40), "c.png": (9, 9), "long.png": (80, 30), "d.png": (40, 41)}
    for name, size in sizes.items():
        Image.new("L", size).save(tmp_path / name)
    (tmp_path / "none.png").write_text("no image")
    paths = [*sizes, "none.png", "gone.png"]
    found = {paths[flaw.index]: flaw.reason for flaw in find_odd_sizes(tmp_path, paths)}
    assert found.keys() == {"c.png", "long.png"}
    assert found["c.png"].startswith("9 × 9 pixels: ")


def test_too_few_images_have_no_quartiles() -> None:
    images = torch.randint(0, 256, (5, 1, 8, 8), generator=torch.Generator().manual_seed(0)).byte()
    assert find_flaws(images) == []
