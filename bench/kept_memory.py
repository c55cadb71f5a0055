"""What it is worth to keep freed memory in the process: training steps with and without.

usage: python bench/kept_memory.py [--rounds N] [--threads N]

Steps of packaged recipes' networks, forward and backward, on random images. With one thread the seconds are
processor time, which other programs disturb less. Rounds alternate; the ratio is taken round by round.
"""

import argparse
import resource
import statistics
import time
from typing import Any

import torch
import torch.nn.functional as F

from loupe import load_recipe
from loupe.models import build_model
from loupe.runtime import (
    casting,
    choose_precision,
    count_cores,
    describe_device,
    keeping_freed_memory,
)

CPU = torch.device("cpu")
RECIPES = [
    ("fast-cifar10", 3, 32),
    ("resnet18-cifar10", 3, 32),
    ("six-block-cifar10", 3, 32),
    ("fast-fashion", 1, 28),
]
RECIPES += [("fashion-cnn", 1, 28), ("digits", 1, 8)]


def prepare(name: str, channels: int, side: int) -> Any:
    """Return what takes one step of a recipe's network on a batch of its size, at most 1,000 images."""
    recipe = load_recipe(name)
    size = min(recipe.train.batch_size, 1000)
    model = build_model(
        recipe.model.name,
        in_channels=channels,
        image_size=(side, side),
        num_classes=10,
        **recipe.model.settings,
    )
    if recipe.train.channels_last:
        model.to(memory_format=torch.channels_last)
    images, labels = torch.randn(size, channels, side, side), torch.randint(10, (size,))
    precision = choose_precision(recipe.train.precision, CPU)

    def step() -> None:
        with casting(CPU, precision):
            outputs = model(images)
        F.cross_entropy(outputs.float(), labels).backward()

    return size, step


def time_steps(step: Any, clock: Any, seconds: float = 1.0) -> float:
    """Return the seconds of a step."""
    step()
    started, count = clock(), 0
    while count < 1 or clock() - started < seconds:
        step()
        count += 1
    return (clock() - started) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=count_cores())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    clock = time.process_time if arguments.threads == 1 else time.perf_counter
    print(f"{describe_device(CPU)}, torch {torch.__version__}, {arguments.rounds} rounds in turn")
    print("| recipe | batch | usual | memory kept | usual / kept |")
    print("|---|---|---|---|---|")
    for name, channels, side in RECIPES:
        torch.manual_seed(0)
        size, step = prepare(name, channels, side)
        rows = []
        for _ in range(arguments.rounds):
            usual = time_steps(step, clock)
            with keeping_freed_memory():
                rows.append((usual, time_steps(step, clock)))
        medians = " | ".join(
            f"{1000 * statistics.median(column):.3g} ms" for column in zip(*rows, strict=True)
        )
        ratios = [usual / kept for usual, kept in rows]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"| {name} | {size:,} | {medians} | {spread} |")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB")


if __name__ == "__main__":
    main()
