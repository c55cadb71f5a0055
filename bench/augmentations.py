"""What each augmentation costs on this machine: milliseconds per 1000 images, one CPU thread.

usage: python bench/augmentations.py [--rounds N] [--batch-size N]

The first training images of CIFAR-10 where LOUPE_DATA names its folder, else noise; 3 x 32 x 32, uint8.
Every round draws and applies each augmentation with its default settings; rounds go through all of
them in turn.
"""

import argparse
import os
import statistics
import time
from collections.abc import Sequence

import torch
from torch import Tensor

from loupe.data import AUGMENTATIONS, Augmentation, build_augmentation, load_dataset
from loupe.runtime import Streams

NUM_IMAGES = 1000


def load_images() -> tuple[Tensor, str]:
    """Return (1000, 3, 32, 32) uint8 images and what they are."""
    if os.environ.get("LOUPE_DATA"):
        return load_dataset("cifar10").train.images[:NUM_IMAGES], "CIFAR-10"
    generator = Streams(0).generator("images")
    return torch.randint(256, (NUM_IMAGES, 3, 32, 32), dtype=torch.uint8, generator=generator), "noise"


def time_round(
    augmentations: Sequence[Augmentation], batches: Sequence[Tensor], generator: torch.Generator
) -> float:
    """Return the milliseconds that drawing and applying take for all batches."""
    started = time.perf_counter()
    for images in batches:
        for augmentation in augmentations:
            images = augmentation.apply(images, augmentation.draw(images, generator))
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--batch-size", type=int, default=500)
    settings = parser.parse_args()
    torch.set_num_threads(1)
    images, origin = load_images()
    batches, generator = images.split(settings.batch_size), Streams(0).generator("augment")
    ways = {name: [build_augmentation(name)] for name in AUGMENTATIONS.names()}
    ways["horizontal-flip, padded-crop"] = [*ways["horizontal-flip"], *ways["padded-crop"]]
    rows: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(settings.rounds + 1):
        for name, augmentations in ways.items():
            elapsed = time_round(augmentations, batches, generator)
            if number:  # the first warms up
                rows[name].append(elapsed)
    print(
        f"CPU, 1 thread, torch {torch.__version__}; {NUM_IMAGES} images of {origin} in batches of "
        f"{settings.batch_size}, {settings.rounds} rounds"
    )
    print("| augmentation | median ms | from | to |")
    print("|---|---|---|---|")
    for name, elapsed_ms in sorted(rows.items(), key=lambda row: statistics.median(row[1])):
        median = statistics.median(elapsed_ms)
        print(f"| {name} | {median:.1f} | {min(elapsed_ms):.1f} | {max(elapsed_ms):.1f} |")


if __name__ == "__main__":
    main()
