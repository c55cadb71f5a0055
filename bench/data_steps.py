"""What a training step costs with images in memory, on disk, and on disk with the system made to forget them.

usage: python bench/data_steps.py [--counts N …] [--side N] [--threads N] [--where FOLDER]

Steps are taken from both by turns of 20 in one process, which other programs disturb less; "cold" is as where
files are far larger than the memory. Medians with smallest and largest.
"""

import argparse
import mmap
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from generated_sets import write_arrays
from spreads import spread
from torch import nn

from loupe.data import ImageDataset, StoredImages
from loupe.data.batches import Batch, TrainingBatches
from loupe.data.normalization import Normalization
from loupe.runtime import Streams

CLASSES = 10
STEPS_A_TURN = 20


def measure_steps(arguments: argparse.Namespace) -> None:
    """Print the table of steps from memory and from disk, in turn in one process."""
    torch.set_num_threads(arguments.threads)
    print(
        "\n| images | network | ms a step, memory | ms a step, disk | disk / memory | disk, cold / memory |"
        "\n|---|---|---|---|---|---|"
    )
    for count in arguments.counts:
        data = Path(arguments.where) / f"arrays-{count}"
        write_arrays(data, count, arguments.side)
        for name, model in list_networks(arguments.side):
            cold, warm = (time_in_turn(data, model, is_cold=is_cold) for is_cold in (True, False))
            ratios = [spread([disk / held for held, disk in each], 2) for each in (warm, cold)]
            held, disk = ([1000 * one[way] for one in warm] for way in (0, 1))
            print(
                f"| {count:,} | {name} | {spread(held)} | {spread(disk)} | {' | '.join(ratios)} |",
                flush=True,
            )
        shutil.rmtree(data)


def list_networks(side: int) -> list[tuple[str, nn.Module]]:
    """Return a network with hardly any arithmetic, and a small convolutional one."""
    linear = nn.Sequential(nn.Flatten(), nn.Linear(3 * side * side, CLASSES))
    convolutions = nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, CLASSES),
    )
    return [("one dense layer", linear), ("two small convolutions", convolutions)]


def forget_pages(file: Path, mapped: np.ndarray) -> None:
    """Have the system read a file from the disk again when it is next wanted."""
    mapped._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]  # nobody wrote to it
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def time_in_turn(data: Path, model: nn.Module, *, is_cold: bool) -> list[tuple[float, float]]:
    """Return seconds a step from memory and from disk, by turns of one epoch; the first turn is left out."""
    held = torch.from_numpy(np.load(data / "images.npy"))  # now the system holds the file too
    mapped = np.load(data / "images.npy", mmap_mode="c")
    stored = StoredImages((mapped,))
    labels = torch.from_numpy(np.load(data / "labels.npy"))
    names = tuple(map(str, range(CLASSES)))
    normalization = Normalization((0.4,) * 3, (0.25,) * 3)
    epochs: list[Iterator[Batch]] = []
    for images in (held, stored):
        dataset = ImageDataset(images, labels, names, "generated")
        epochs.append(TrainingBatches(dataset, normalization, 256, Streams(0)).epoch(1))
    optimizer, turns = torch.optim.SGD(model.parameters(), lr=1e-3), list[tuple[float, float]]()
    for _ in range(len(labels) // 256 // STEPS_A_TURN):
        seconds = []
        if is_cold:
            forget_pages(data / "images.npy", mapped)
        for epoch in epochs:
            started = time.perf_counter()
            for batch in islice(epoch, STEPS_A_TURN):
                optimizer.zero_grad()
                F.cross_entropy(model(batch.images), batch.labels).backward()
                optimizer.step()
            seconds.append((time.perf_counter() - started) / STEPS_A_TURN)
        turns.append((seconds[0], seconds[1]))
    return turns[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="*", default=[10_000, 30_000], help="images")
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--where", type=Path, default=None)
    arguments = parser.parse_args()
    arguments.where = Path(tempfile.mkdtemp(dir=arguments.where, prefix="data-steps-"))
    print(
        f"{arguments.threads} threads, torch {torch.__version__}, "
        f"images of {arguments.side} x {arguments.side} in colour"
    )
    try:
        measure_steps(arguments)
    finally:
        shutil.rmtree(arguments.where, ignore_errors=True)


if __name__ == "__main__":
    main()
