"""What data sets cost as they grow: memory of a run's own, seconds to decode, to start and an epoch.

usage: python bench/data_scale.py [--counts N …] [--side N] [--epochs N] [--rounds N] [--processes N]
                                  [--steps N …] [--decode N …] [--where FOLDER]

Writes generated colour images (noise, each class brightest in a place of its own) as arrays, and trains a
tiny network on them in processes of their own, from memory and from disk in turn; `--steps` takes steps from
both by turns of 20 in one process, which other programs disturb less, with the file held by the system, and
with the system made to forget it before every turn ("cold", as where files are far larger than the memory);
`--decode` writes them as PNG files and has the folder decoded, then found in the cache. Memory of its own is
RssAnon of /proc/PID/status, sampled 20 times a second: without pages of files, which the system takes back
when it needs them. Everything is removed.
"""

import argparse
import json
import mmap
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from loupe.data import ImageDataset, StoredImages
from loupe.data.batches import Batch, TrainingBatches
from loupe.data.normalization import Normalization
from loupe.runtime import Streams

WAYS = {"true": "memory", "false": "disk"}
NETWORK = 'model={name="mlp", widths=[8]}'
CLASSES = 10
STEPS_A_TURN = 20
LONGEST_WAIT = 0.5  # seconds that a thread of a running process waits at most


def make_block(start: int, count: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images of one block, (count, 3, side, side) uint8, and their labels."""
    generator = np.random.default_rng(start)
    labels = np.arange(start, start + count) % CLASSES
    pixels = generator.integers(0, 200, (count, 3, side, side), dtype=np.uint8)
    for label in range(CLASSES):
        pixels[labels == label, :, 4 * label : 4 * label + 4, :] += 55
    return pixels, labels


def write_arrays(folder: Path, count: int, side: int) -> None:
    """Write images.npy and labels.npy, block by block."""
    folder.mkdir(parents=True)
    images = np.lib.format.open_memmap(
        folder / "images.npy", mode="w+", dtype=np.uint8, shape=(count, 3, side, side)
    )
    labels = np.zeros(count, dtype=np.int64)
    for start in range(0, count, 5000):
        size = min(5000, count - start)
        images[start : start + size], labels[start : start + size] = make_block(start, size, side)
    images.flush()
    np.save(folder / "labels.npy", labels)


def write_folder(folder: Path, count: int, side: int) -> None:
    """Write PNG files, a sub-folder a class."""
    for label in range(CLASSES):
        (folder / f"class-{label}").mkdir(parents=True)
    for start in range(0, count, 5000):
        pixels, labels = make_block(start, min(5000, count - start), side)
        for index, (image, label) in enumerate(zip(pixels, labels, strict=True), start):
            path = folder / f"class-{label}" / f"{index}.png"
            Image.fromarray(image.transpose(1, 2, 0)).save(path, compress_level=1)


def read_anonymous_bytes(pid: int | str) -> int:
    """Return a process's memory of its own, without pages of files."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)


def list_processes() -> Iterator[int]:
    """Yield this process and those it started."""
    yield os.getpid()
    for file in Path("/proc/self/task").glob("*/children"):
        yield from map(int, file.read_text().split())


class Sampler:
    """The most memory seen since it was last asked, of the largest process and of all; and a clock."""

    def __init__(self) -> None:
        self.largest = self.together = 0
        self._stopped = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            sizes = [read_anonymous_bytes(pid) for pid in list_processes()]
            self.largest, self.together = max([self.largest, *sizes]), max(self.together, sum(sizes))
            before = time.perf_counter()
            time.sleep(0.05)
            late = time.perf_counter() - before - 0.05
            if late > LONGEST_WAIT:
                self._stopped += late

    def clock(self) -> float:
        """Return seconds, without those for which somebody else had stopped this process."""
        time.sleep(0.06)  # so that a stop is seen that has just ended
        return time.perf_counter() - self._stopped

    def take(self) -> tuple[int, int]:
        found = self.largest, self.together
        self.largest = self.together = 0
        return found


def train(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train once in this process, and return what it took."""
    import loupe
    from loupe.training import Observer, TrainingState

    sampler = Sampler()
    marks, memory = [sampler.clock()], [(read_anonymous_bytes("self"),) * 2]
    computed = [time.process_time()]

    class Marks(Observer):
        def on_fit_start(self, state: TrainingState, *, num_epochs: int, steps_per_epoch: int) -> None:
            self.note()

        def on_epoch_end(self, state: TrainingState) -> None:
            self.note()

        def note(self) -> None:
            computed.append(time.process_time())
            marks.append(sampler.clock())
            memory.append(sampler.take())

    source = "arrays" if not arguments.is_folder else "folder"
    settings = [
        f'data.name="{source}"',
        f"data.path={arguments.data}",
        f"data.in_memory={arguments.way}",
        f"run.folder={arguments.where}/runs",
        f"run.processes={arguments.processes}",
        f"train.epochs={arguments.epochs}",
        f"run.threads={arguments.threads}",
        "train.batch_size=256",
        *(() if arguments.looks else ("evaluate.looks=[]", "evaluate.look_inside=false")),
    ]
    observer = Marks()
    run = loupe.train("digits", NETWORK, *settings, observers=[observer])
    observer.note()
    result = run.read_result()
    seconds = [after - before for before, after in pairwise(marks)]
    return {
        "start": seconds[0],
        "epochs": seconds[1:-1],
        "end": seconds[-1],
        "computed": [after - before for before, after in pairwise(computed)],
        "memory": [one[0] for one in memory],
        "together": max(one[1] for one in memory),
        "validation": repr(result.best.validation) if result and result.best else None,
    }


def load(arguments: argparse.Namespace) -> dict[str, Any]:
    """Load a folder once in this process, and return what it took."""
    from loupe.data import load_dataset

    sampler = Sampler()
    started = sampler.clock()
    dataset = load_dataset("folder", path=arguments.data, in_memory=False)
    seconds = sampler.clock() - started
    return {"seconds": seconds, "memory": sampler.take()[0], "images": len(dataset.train)}


def ask_child(kind: str, arguments: argparse.Namespace, **settings: Any) -> dict[str, Any]:
    """Return what a process of its own measured."""
    given = {**vars(arguments), **settings}
    command = [sys.executable, __file__, "--child", json.dumps({"kind": kind, **given}, default=str)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def measure_training(arguments: argparse.Namespace) -> None:
    """Print the table of training from memory and from disk."""
    print(
        "\n| images | GB | way | s to start | s an epoch | CPU s to start | CPU s an epoch "
        "| CPU s, disk / memory | GB to start | GB in training | GB at the end |"
        "\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for count in arguments.counts:
        data = Path(arguments.where) / f"arrays-{count}"
        write_arrays(data, count, arguments.side)
        found: dict[str, list[dict[str, Any]]] = {way: [] for way in arguments.ways}
        for _ in range(arguments.rounds):
            for way in arguments.ways:
                found[way].append(ask_child("train", arguments, data=data, way=way, is_folder=False))
        shutil.rmtree(data)
        shutil.rmtree(Path(arguments.where) / "runs", ignore_errors=True)
        ratios = [
            ours / theirs
            for one, other in zip(found.get("false", ()), found.get("true", ()), strict=False)
            for ours, theirs in zip(one["computed"][1:-1], other["computed"][1:-1], strict=True)
        ]
        assert len({one["validation"] for each in found.values() for one in each}) == 1
        for way, each in found.items():
            epochs = [seconds for one in each for seconds in one["epochs"]]
            peaks = [[one["memory"][1] for one in each], [max(one["memory"][2:-1]) for one in each]]
            peaks.append([one["memory"][-1] for one in each])
            most = " | ".join(f"{max(one) / 1e9:.2f}" for one in peaks)
            computed = [seconds for one in each for seconds in one["computed"][1:-1]]
            print(
                f"| {count:,} | {count * 3 * arguments.side**2 / 1e9:.2f} | {WAYS[way]} "
                f"| {spread([one['start'] for one in each])} | {spread(epochs)} "
                f"| {spread([one['computed'][0] for one in each])} | {spread(computed, 2)} "
                f"| {spread(ratios, 2) if way == 'false' and ratios else ''} | {most} |",
                flush=True,
            )
        if arguments.processes > 1:
            for way, each in found.items():
                print(
                    f"{WAYS[way]}: {max(one['together'] for one in each) / 1e9:.2f} GB all processes together"
                )


def measure_decoding(arguments: argparse.Namespace) -> None:
    """Print the table of decoding a folder, and of finding it in the cache."""
    print("\n| files | s to decode | ms a file | s from the cache | GB decoding | GB from the cache |")
    print("|---|---|---|---|---|---|")
    for count in arguments.decode:
        data = Path(arguments.where) / f"folder-{count}"
        write_folder(data, count, arguments.side)
        cold, warm = (ask_child("load", arguments, data=data) for _ in range(2))
        shutil.rmtree(data)
        shutil.rmtree(Path(arguments.where) / "cache", ignore_errors=True)
        print(
            f"| {count:,} | {cold['seconds']:.1f} | {1000 * cold['seconds'] / count:.2f} | "
            f"{warm['seconds']:.1f} | {cold['memory'] / 1e9:.2f} | {warm['memory'] / 1e9:.2f} |",
            flush=True,
        )


def measure_steps(arguments: argparse.Namespace) -> None:
    """Print the table of steps from memory and from disk, in turn in one process."""
    torch.set_num_threads(arguments.threads)
    print(
        "\n| images | network | ms a step, memory | ms a step, disk | disk / memory | disk, cold / memory |"
        "\n|---|---|---|---|---|---|"
    )
    for count in arguments.steps:
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


def spread(values: list[float], digits: int = 1) -> str:
    """Return the median, with the smallest and the largest."""
    middle, low, high = (f"{one:.{digits}f}" for one in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({low} to {high})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="*", default=[10_000, 30_000])
    parser.add_argument("--decode", type=int, nargs="*", default=[])
    parser.add_argument("--steps", type=int, nargs="*", default=[], help="images to time steps over, in turn")
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--looks", action="store_true", help="with the evaluations of a usual run")
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=[*WAYS], help="data.in_memory")
    parser.add_argument("--where", type=Path, default=None)
    parser.add_argument("--child", default=None)
    arguments = parser.parse_args()
    if arguments.child is not None:
        given = argparse.Namespace(**json.loads(arguments.child))
        print(json.dumps(train(given) if given.kind == "train" else load(given)))
        return
    place = Path(tempfile.mkdtemp(dir=arguments.where, prefix="data-scale-"))
    arguments.where = place
    os.environ["XDG_CACHE_HOME"] = str(place / "cache")
    print(
        f"{arguments.threads} threads, torch {torch.__version__}, images of {arguments.side} x "
        f"{arguments.side} in colour, {arguments.epochs} epochs, {arguments.rounds} rounds in turn"
    )
    try:
        if arguments.counts:
            measure_training(arguments)
        if arguments.decode:
            measure_decoding(arguments)
        if arguments.steps:
            measure_steps(arguments)
    finally:
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
