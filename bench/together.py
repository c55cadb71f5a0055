"""Eight seeds of the Fashion-MNIST CNN trained together: against one by one, and against the usual way.

usage: python bench/together.py [--rounds N] [--group N] [--threads N] [--processes N] [--images N]

Network, images and the usual way are those of `epoch_against_dataloader.py`. The runs differ in their seeds:
each has its own weights and order. A round times one epoch, evaluation included, of all runs together in one
process, of all runs shared out among processes of one thread that train theirs together (as the engine
`together` does), of the same number of runs one after the other, and of the usual way without worker
processes. Rounds alternate, and so do the ways within a round. Beside seconds by the clock stand seconds of
processor time of this process: on a busy machine with `--threads 1` they are what to compare.

Needs the official files: set LOUPE_DATA.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

import torch
from epoch_against_dataloader import BATCH_SIZE, CLASSES, LEARNING_RATE, describe, prepare_usual

from loupe.data import (
    EvaluationBatches,
    Splits,
    TrainingBatches,
    load_dataset,
    split_dataset,
    take_stratified,
)
from loupe.data.normalization import Normalization, measure_normalization
from loupe.models import build_model
from loupe.runtime import Streams, computing, count_cores, describe_device
from loupe.training import Classification, Training, TrainingPlan, build_optimizer, build_schedule, fit
from loupe.training.together import fit_together

Seconds = tuple[float, float]
"""By the clock, and of processor time."""


def make_training(splits: Splits, normalization: Normalization, seed: int) -> Training:
    """Return one fresh run of an epoch."""
    streams = Streams(seed)
    with streams.as_global("model"):
        model = build_model("cnn", in_channels=1, image_size=(28, 28), num_classes=5)
    train = TrainingBatches(splits.train, normalization, BATCH_SIZE, streams)
    schedule = build_schedule("constant", num_epochs=1, steps_per_epoch=len(train))
    return Training(
        model,
        train,
        EvaluationBatches(splits.validation, normalization),
        TrainingPlan(1, schedule, Classification()),
        build_optimizer("sgd", model.parameters(), learning_rate=LEARNING_RATE, momentum=0.0),
        streams,
    )


def load_splits(num_images: int) -> Splits:
    """Return so many training images of five classes, and a fifth as many to evaluate."""
    splits = split_dataset(load_dataset("fashion-mnist", classes=CLASSES), validation=5000)
    return Splits(
        take_stratified(splits.train, num_images, 0),
        take_stratified(splits.validation, num_images // 5, 0),
        splits.test,
    )


class Worker:
    """What a process of several trains: loaded once, when the process starts."""

    splits: Splits
    normalization: Normalization

    @classmethod
    def load(cls, num_images: int) -> None:
        cls.splits = load_splits(num_images)
        cls.normalization = measure_normalization(cls.splits.train.images)

    @classmethod
    def train(cls, seeds: Sequence[int]) -> None:
        with computing(1):
            fit_together([make_training(cls.splits, cls.normalization, seed) for seed in seeds])


def prepare_ways(
    splits: Splits, normalization: Normalization, group: int, pool: Pool, processes: int
) -> dict[str, Callable[[], Any]]:
    """Return for each way what trains and evaluates an epoch."""
    seeds = [list(range(number, group, processes)) for number in range(processes)]

    def train_together() -> None:
        fit_together([make_training(splits, normalization, seed) for seed in range(group)])

    def train_alone() -> None:
        for seed in range(group):
            fit(make_training(splits, normalization, seed))

    return {
        "together": train_together,
        "processes": lambda: pool.map(Worker.train, seeds, chunksize=1),
        "one by one": train_alone,
        "usual": prepare_usual(splits, normalization, workers=0),
    }


def time_rounds(ways: dict[str, Callable[[], Any]], rounds: int) -> Iterator[dict[str, Seconds]]:
    """Yield the seconds of each way, round by round; every other round goes backwards."""
    for number in range(rounds):
        seconds = {}
        for name in list(ways)[:: -1 if number % 2 else 1]:
            clock, processor = time.perf_counter(), time.process_time()
            ways[name]()
            seconds[name] = (time.perf_counter() - clock, time.process_time() - processor)
        yield seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--group", type=int, default=8, help="runs trained together")
    parser.add_argument("--threads", type=int, help="CPU threads; torch's choice if left out")
    parser.add_argument("--processes", type=int, default=count_cores(), help="that share the runs out")
    parser.add_argument("--images", type=int, default=25_000, help="training images, and a fifth to evaluate")
    parser.add_argument("--out", type=Path, help="also write the values as JSON")
    arguments = parser.parse_args()
    if not os.environ.get("LOUPE_DATA"):
        sys.exit("skipped: LOUPE_DATA does not name a folder with the official Fashion-MNIST files")
    splits, group = load_splits(arguments.images), arguments.group
    normalization = measure_normalization(splits.train.images)
    processes = min(arguments.processes, group)
    starting = get_context("spawn").Pool(processes, Worker.load, (arguments.images,))
    with starting as pool, computing(arguments.threads):
        device = describe_device(torch.device("cpu"))
        ways = prepare_ways(splits, normalization, group, pool, processes)
        ways["processes"]()  # they are started, and warm
        rows = list(time_rounds(ways, arguments.rounds))
    print(f"epoch of {len(splits.train):,} + {len(splits.validation):,} Fashion-MNIST images, {group} seeds")
    print(f"{device}, torch {torch.__version__}, {len(rows)} rounds in turn")
    for kind, unit in enumerate(("by the clock", "of processor time")):
        print(f"{unit}:")
        for name in ("together", "processes") if kind == 0 else ("together",):
            where = "in one process" if name == "together" else f"in {processes} processes of one thread"
            alone = [row["one by one"][kind] / row[name][kind] for row in rows]
            usual = [group * row["usual"][kind] / row[name][kind] for row in rows]
            seconds = [row[name][kind] / group for row in rows]
            print(f"  together {where}: {describe(seconds, ' s')} a seed")
            print(f"    one by one / together       {describe(alone)}")
            print(f"    usual / together, per seed  {describe(usual)}")
        single = [group * row["usual"][kind] / row["one by one"][kind] for row in rows]
        print(f"  usual / one by one            {describe(single)}")
    if arguments.out:
        arguments.out.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
