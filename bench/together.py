"""Eight seeds of the Fashion-MNIST CNN trained together: against one by one, and against the usual way.

usage: python bench/together.py [--rounds N] [--group N] [--threads N] [--images N] [--out FILE.json]

Network, images and the usual way are those of `epoch_against_dataloader.py`. The runs differ in their seeds:
each has its own weights and order. A round times one epoch, evaluation included, of all runs together, of
the same number of runs one after the other, and of the usual way without worker processes. Rounds alternate,
and so do the ways within a round. Beside seconds by the clock stand seconds of processor time: on a busy
machine with `--threads 1` they are what to compare.

Needs the official files: set LOUPE_DATA.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
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
from loupe.runtime import Streams, computing, describe_device
from loupe.training import Classification, build_optimizer, build_schedule, fit
from loupe.training.together import Training, fit_together

Seconds = tuple[float, float]
"""By the clock, and of processor time."""


def describe_run(splits: Splits, normalization: Normalization, seed: int) -> dict[str, Any]:
    """Return what `fit` and `fit_together` take of one fresh run of an epoch."""
    streams = Streams(seed)
    with streams.as_global("model"):
        model = build_model("cnn", in_channels=1, image_size=(28, 28), num_classes=5)
    train = TrainingBatches(splits.train, normalization, BATCH_SIZE, streams)
    return {
        "model": model,
        "train": train,
        "validation": EvaluationBatches(splits.validation, normalization),
        "num_epochs": 1,
        "optimizer": build_optimizer("sgd", model.parameters(), learning_rate=LEARNING_RATE, momentum=0.0),
        "schedule": build_schedule("constant", num_epochs=1, steps_per_epoch=len(train)),
        "objective": Classification(),
        "streams": streams,
    }


def prepare_ways(splits: Splits, normalization: Normalization, group: int) -> dict[str, Callable[[], Any]]:
    """Return for each way what trains and evaluates an epoch."""

    def train_together() -> None:
        fit_together([Training(**describe_run(splits, normalization, seed)) for seed in range(group)])

    def train_alone() -> None:
        for seed in range(group):
            fit(**describe_run(splits, normalization, seed))

    return {
        "together": train_together,
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
    parser.add_argument("--images", type=int, default=25_000, help="training images, and a fifth to evaluate")
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    arguments = parser.parse_args()
    if not os.environ.get("LOUPE_DATA"):
        sys.exit("skipped: LOUPE_DATA does not name a folder with the official Fashion-MNIST files")
    splits = split_dataset(load_dataset("fashion-mnist", classes=CLASSES), validation=5000)
    splits = Splits(
        take_stratified(splits.train, arguments.images, 0),
        take_stratified(splits.validation, arguments.images // 5, 0),
        splits.test,
    )
    normalization, group = measure_normalization(splits.train.images), arguments.group
    with computing(arguments.threads):
        device = describe_device(torch.device("cpu"))
        rows = list(time_rounds(prepare_ways(splits, normalization, group), arguments.rounds))
    print(f"epoch of {len(splits.train):,} + {len(splits.validation):,} Fashion-MNIST images, {group} seeds")
    print(f"{device}, torch {torch.__version__}, {len(rows)} rounds in turn")
    for kind, unit in enumerate(("by the clock", "of processor time")):
        alone = [row["one by one"][kind] / row["together"][kind] for row in rows]
        usual = [group * row["usual"][kind] / row["together"][kind] for row in rows]
        single = [group * row["usual"][kind] / row["one by one"][kind] for row in rows]
        seconds = [row["together"][kind] / group for row in rows]
        print(f"{unit}: {describe(seconds, ' s')} a seed together, median, smallest and largest")
        print(f"  one by one / together       {describe(alone)}")
        print(f"  usual / together, per seed  {describe(usual)}")
        print(f"  usual / one by one          {describe(single)}")
    if arguments.out:
        arguments.out.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
