"""What an epoch of `fast-cifar10` costs with smaller images, and with first groups that stand still.

usage: python bench/cheaper_epochs.py [--rounds N] [--batches N] [--threads N]

Each way trains on some batches of 2,000 images, as the recipe comes; rounds alternate, and so do the ways.
Printed are milliseconds an image, forward, backward and optimizer, and what part of the recipe's that is:
medians with smallest and largest. Where a group stands still, so do the layers before it.

Needs the official files: set LOUPE_DATA.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from spreads import spread

from loupe import load_recipe
from loupe.data import Dataset, load_dataset
from loupe.running.layout import try_layouts
from loupe.running.training_setup import set_up
from loupe.runtime import Streams, computing, count_cores, describe_device
from loupe.training import TrainingState
from loupe.training.loop import train_one_epoch
from loupe.training.step import TrainingStep

CPU = torch.device("cpu")
WHOLE = "the recipe"
WAYS: dict[str, tuple[int, Sequence[str]]] = {
    WHOLE: (32, ()),
    "28 x 28 pixels": (28, ()),
    "24 x 24 pixels": (24, ()),
    "20 x 20 pixels": (20, ()),
    "whitening still": (32, ("whitening",)),
    "group 1 still": (32, ("whitening", "group1")),
    "groups 1 and 2 still": (32, ("whitening", "group1", "group2")),
}
"""Side of the images in pixels, and the layers that stand still."""


def prepare(dataset: Dataset, size: int, still: Sequence[str], num_batches: int) -> Callable[[], float]:
    """Return what trains on some batches and returns milliseconds an image."""
    changes = ["run.device=cpu"]
    if size < 32:
        changes.append(f"train.progressive_resizing={{size={size}, until_epoch=1}}")
    recipe = try_layouts(load_recipe("fast-cifar10", changes), dataset, CPU)
    setup = set_up(recipe, CPU, Streams(0), dataset)
    for layer in still:
        setup.model.get_submodule(layer).requires_grad_(False)
    few = setup.train.dataset.take(slice(0, num_batches * recipe.train.batch_size))
    batches = replace(setup.train, dataset=few)
    step = TrainingStep(setup.plan, TrainingState(setup.model, setup.optimizer))

    def train() -> float:
        started = time.perf_counter()
        train_one_epoch(step, batches)
        return 1000 * (time.perf_counter() - started) / len(few)

    return train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=2)
    parser.add_argument("--threads", type=int, default=count_cores())
    arguments = parser.parse_args()
    with computing(arguments.threads):
        dataset = load_dataset("cifar10")
        ways = {name: prepare(dataset, *way, arguments.batches) for name, way in WAYS.items()}
        for way in ways.values():  # the first warms up
            way()
        rows = [{name: way() for name, way in ways.items()} for _ in range(arguments.rounds)]
        described = describe_device(CPU)
    print(f"{described}, torch {torch.__version__}, ", end="")
    print(f"{arguments.rounds} rounds of {arguments.batches} batches in turn")
    print("| way | ms an image | / the recipe |")
    print("|---|---|---|")
    for name in ways:
        milliseconds = [row[name] for row in rows]
        ratios = [row[name] / row[WHOLE] for row in rows]
        print(f"| {name} | {spread(milliseconds, 2)} | {spread(ratios, 2)} |")


if __name__ == "__main__":
    main()
