"""How a peer talks with `against_peers.py`: a line "epoch" asks for one, a line of JSON answers."""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

BATCH_SIZE, LEARNING_RATE, NUM_CLASSES = 100, 0.02, 5


@dataclass(frozen=True)
class Data:
    """Normalised images (images, 1, 28, 28) float32, and labels (images,) int64."""

    train_images: np.ndarray
    train_labels: np.ndarray
    images: np.ndarray
    labels: np.ndarray


def serve(prepare: Callable[[Data], Callable[[], float]], *versions: str) -> None:
    """Load the data named on the command line, then train an epoch for each line that asks for it.

    Args:
        prepare: takes the data, and returns what trains one epoch and returns the validation accuracy.
        versions: names of the packages whose versions are told.
    """
    from importlib.metadata import version

    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints must not stand between the answers
    with np.load(sys.argv[1]) as arrays:
        data = Data(**{name: arrays[name] for name in Data.__dataclass_fields__})
    run_epoch = prepare(data)
    told = {name: version(name) for name in versions}
    print(
        json.dumps({"versions": told, "threads": os.environ.get("OMP_NUM_THREADS")}), file=answers, flush=True
    )
    for line in sys.stdin:
        if line.strip() != "epoch":
            break
        started, processor = time.perf_counter(), time.process_time()
        accuracy = run_epoch()
        seconds, of_processor = time.perf_counter() - started, time.process_time() - processor
        answer = {"seconds": seconds, "processor_seconds": of_processor, "accuracy": float(accuracy)}
        print(json.dumps(answer), file=answers, flush=True)
