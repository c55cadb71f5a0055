"""Training as airbench94 does it (K. Jordan, 2024), its own code on this CPU, against `fast-cifar10`.

usage: python bench/against_airbench.py AIRBENCH94.py [--rounds N] [--batches N] [--threads N]

AIRBENCH94.py is the file legacy/airbench94.py of github.com/KellerJordan/cifar10-airbench, which is not part
of this repository. It is run as it is, but for what a CPU without torchvision forces: float32 in place of
float16, no CUDA calls, a clock in place of CUDA events, a normalisation in place of torchvision's. In a round
each way trains on some batches of its own size (1,024 and 2,000 images): airbench94 in float32, fast-cifar10
in float32, and fast-cifar10 as it comes (half precision where the processor has units for it). The time for
a whole training follows from the time an image takes and the images trained on: 9.9 epochs of 50,000 for
airbench94, 9 of 48,000 for fast-cifar10. Evaluation is in neither. Rounds alternate, and so do the ways.

Needs the official files: set LOUPE_DATA.
"""

import argparse
import contextlib
import io
import os
import statistics
import sys
import tempfile
import time
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import torch

from loupe import load_recipe
from loupe.data import ImageDataset, load_dataset
from loupe.running.layout import try_layouts
from loupe.running.training_setup import set_up
from loupe.runtime import Streams, computing, count_cores, describe_device
from loupe.training import TrainingState
from loupe.training.loop import train_one_epoch
from loupe.training.step import TrainingStep

AIRBENCH_BATCH, AIRBENCH_IMAGES = 1024, 9.9 * 50_000
CPU = torch.device("cpu")


class Clock:
    """Stands in for a CUDA event: knows when it was recorded."""

    spans: ClassVar[list[float]] = []

    def __init__(self, enable_timing: bool) -> None:
        self._at = 0.0

    def record(self) -> None:
        self._at = time.perf_counter()

    def elapsed_time(self, other: "Clock") -> float:
        """Return milliseconds, and keep the seconds."""
        Clock.spans.append(other._at - self._at)
        return 1000 * Clock.spans[-1]


class Normalize:
    """Stands in for torchvision's transform."""

    def __init__(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        self._mean, self._std = mean.view(-1, 1, 1), std.view(-1, 1, 1)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return (images - self._mean) / self._std


def load_airbench(path: Path) -> dict[str, Any]:
    """Return the names that airbench94's file defines, fit for a CPU."""
    torchvision, transforms = types.ModuleType("torchvision"), types.ModuleType("torchvision.transforms")
    transforms.Normalize = Normalize  # type: ignore[attr-defined]  # a stand-in's
    torchvision.transforms = transforms  # type: ignore[attr-defined]  # a stand-in's
    sys.modules.update({"torchvision": torchvision, "torchvision.transforms": transforms})
    source = path.read_text(encoding="utf-8")
    for gpu, cpu in ((".half().cuda()", ".float()"), (".half()", ".float()"), ("torch.device(gpu)", "'cpu'")):
        source = source.replace(gpu, cpu)
    torch.cuda.Event = Clock  # type: ignore[assignment,misc]  # a stand-in
    torch.cuda.synchronize = lambda device=None: None
    names: dict[str, Any] = {"__name__": "airbench94"}
    exec(compile(source, str(path), "exec"), names)
    return names


def prepare_airbench(path: Path, images: ImageDataset, num_batches: int) -> Callable[[], float]:
    """Return what trains on some batches by airbench94's own `main` and returns seconds an image."""
    names = load_airbench(path)
    names["hyp"]["opt"]["train_epochs"] = 1
    content = {"images": images.images.permute(0, 2, 3, 1), "labels": images.labels, "classes": []}
    num_images = num_batches * AIRBENCH_BATCH

    def train() -> float:
        Clock.spans.clear()
        before = Path.cwd()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            os.chdir(folder)
            try:
                Path("cifar10").mkdir()
                for file, count in (("train", num_images), ("test", 8)):  # testing is not timed
                    part = {name: value[:count] for name, value in content.items()}
                    torch.save(part, f"cifar10/{file}.pt")
                names["main"](0)
            finally:
                os.chdir(before)
        return Clock.spans[1] / num_images  # after the first layer's start: the epoch

    return train


def prepare_loupe(precision: str, num_batches: int) -> tuple[Callable[[], float], float]:
    """Return what trains on some batches of fast-cifar10 and returns seconds an image; and all its images."""
    recipe = load_recipe("fast-cifar10", [f"train.precision={precision}", "run.device=cpu"])
    dataset = load_dataset("cifar10")
    recipe = try_layouts(recipe, dataset, CPU)
    setup = set_up(recipe, CPU, Streams(0), dataset)
    whole = recipe.train.epochs * len(setup.train.dataset)
    few = setup.train.dataset.take(slice(0, num_batches * recipe.train.batch_size))
    batches = replace(setup.train, dataset=few)
    step = TrainingStep(setup.plan, TrainingState(setup.model, setup.optimizer))

    def train() -> float:
        started = time.perf_counter()
        train_one_epoch(step, batches)
        return (time.perf_counter() - started) / len(few)

    return train, whole


def show(values: list[float], digits: int = 2) -> str:
    """Return median, smallest and largest, for a table."""
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("airbench", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=int, default=3)
    parser.add_argument("--threads", type=int, default=count_cores())
    arguments = parser.parse_args()
    with computing(arguments.threads):
        train = load_dataset("cifar10").train
        ways = {"airbench94, float32": prepare_airbench(arguments.airbench, train, arguments.batches)}
        whole = {"airbench94, float32": AIRBENCH_IMAGES}
        for precision in ("float32", "fast"):
            name = f"fast-cifar10, {'as it comes' if precision == 'fast' else precision}"
            ways[name], whole[name] = prepare_loupe(precision, arguments.batches)
        for way in ways.values():  # the first warms up
            way()
        rows = [{name: way() for name, way in ways.items()} for _ in range(arguments.rounds)]
        described = describe_device(CPU)
    print(f"{described}, torch {torch.__version__}, ", end="")
    print(f"{arguments.rounds} rounds of {arguments.batches} batches in turn")
    print("| way | ms an image | minutes a training | / airbench94 an image | / airbench94 a training |")
    print("|---|---|---|---|---|")
    first = next(iter(ways))
    for name in ways:
        seconds = [row[name] for row in rows]
        ratios = [row[name] / row[first] for row in rows]
        minutes = [one * whole[name] / 60 for one in seconds]
        of_training = [ratio * whole[name] / whole[first] for ratio in ratios]
        print(f"| {name} | {show([1000 * one for one in seconds])} | {show(minutes, digits=0)} ", end="")
        print(f"| {show(ratios)} | {show(of_training)} |")


if __name__ == "__main__":
    main()
