"""What one batch of images costs that has to come from the disk: asked for first, and only touched.

usage: python bench/stored_reads.py [--images N] [--side N] [--batch N] [--batches N] [--where FOLDER]

Writes noise as one array, has the system forget the file before every batch, and reads batches of random
images both ways in turn. Bytes are those that the system fetched from the disk (/proc/self/io). The file is
removed.
"""

import argparse
import mmap
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from data_steps import forget_pages
from generated_sets import write_arrays
from spreads import spread

from loupe.data.mapped_rows import read_rows, request_rows

WAYS = {"asked for first": True, "only touched": False}


def count_read_bytes() -> int:
    """Return the bytes that the system has fetched from disks for this process."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes"))


def read_batch(file: Path, mapped: np.ndarray, numbers: np.ndarray, *, asks: bool) -> tuple[float, ...]:
    """Return milliseconds by the clock and of the processor, and MB from the disk, that a batch took."""
    forget_pages(file, mapped)
    before = time.perf_counter(), time.process_time(), count_read_bytes()
    if asks:
        request_rows(mapped, numbers)
    read_rows(mapped, numbers)
    after = time.perf_counter(), time.process_time(), count_read_bytes()
    clock, computed, read = (now - then for now, then in zip(after, before, strict=True))
    return 1000 * clock, 1000 * computed, read / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--where", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.where, prefix="stored-reads-") as place:
        folder = Path(place) / "arrays"
        write_arrays(folder, arguments.images, arguments.side)
        mapped = np.load(folder / "images.npy", mmap_mode="c")
        generator = np.random.default_rng(0)
        found: dict[str, list[tuple[float, ...]]] = {way: [] for way in WAYS}
        for _ in range(arguments.batches):
            numbers = generator.integers(0, arguments.images, arguments.batch)
            for way, asks in WAYS.items():
                found[way].append(read_batch(folder / "images.npy", mapped, numbers, asks=asks))
    wanted = arguments.batch * 3 * arguments.side**2 / 1e6
    print(
        f"{arguments.images:,} images, {arguments.batches} batches of {arguments.batch} in turn, "
        f"{wanted:.1f} MB each; pages of {mmap.PAGESIZE // 1024} KiB; {os.cpu_count()} cores"
    )
    print("\n| rows | ms a batch | CPU ms a batch | MB from the disk |\n|---|---|---|---|")
    for way, each in found.items():
        print(f"| {way} | {' | '.join(spread([one[k] for one in each]) for k in range(3))} |")


if __name__ == "__main__":
    main()
