"""One epoch of a small CNN on Fashion-MNIST: Loupe against other libraries, each in its own process, in turn.

usage: python bench/against_peers.py [--python PATH …] [--rounds N] [--threads 1 2] [--out FILE.json]

What each does is in bench/peers/. A peer is started with the first Python that can import it: this one or one
of `--python`, so that libraries that do not go together may live in environments of their own. Each is timed
with every number of threads asked for, epochs in turn, after one epoch that is not counted (compilers run in
it). Each stands with the number of threads that suits it best.

Needs the official files: set LOUPE_DATA.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from loupe.data import load_dataset, split_dataset
from loupe.runtime import count_cores, describe_device

CLASSES = ("T-shirt/top", "Trouser", "Coat", "Sandal", "Bag")
PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Way:
    """A library's way, as a file of peers/ with variables of its environment."""

    name: str
    file: str
    package: str
    variables: dict[str, str] = field(default_factory=dict)


WAYS = (
    Way("Loupe", "loupe_fit.py", "loupe"),
    Way("plain PyTorch", "plain_torch.py", "torch"),
    Way("plain PyTorch, compiled", "plain_torch.py", "torch", {"PEER_COMPILE": "1"}),
    Way("Lightning", "lightning_trainer.py", "lightning"),
    Way("skorch", "skorch_classifier.py", "skorch"),
    Way("fastai", "fastai_learner.py", "fastai"),
    Way("Keras on JAX", "keras_model.py", "keras,jax", {"KERAS_BACKEND": "jax"}),
    Way("Keras on torch", "keras_model.py", "keras,torch", {"KERAS_BACKEND": "torch"}),
)


class Worker:
    """A peer's process: asked for epochs one by one."""

    def __init__(self, way: Way, python: str, threads: int, data: Path) -> None:
        self.way, self.threads = way, threads
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
        environment = {**os.environ, **way.variables, **dict.fromkeys(names, str(threads))}
        if threads == 1:
            environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        self._process = subprocess.Popen(
            [python, str(PEERS / way.file), str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.facts = self._read()

    def run_epoch(self) -> dict[str, float]:
        """Return seconds, processor seconds and validation accuracy of one more epoch."""
        assert self._process.stdin is not None
        self._process.stdin.write("epoch\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            raise RuntimeError(self._process.stderr.read()[-2000:])
        answer: dict[str, Any] = json.loads(line)
        return answer


def find_python(way: Way, pythons: list[str]) -> str | None:
    """Return the first Python that can import what a way needs."""
    for python in pythons:
        call = [python, "-c", f"import {way.package}"]
        environment = {**os.environ, **way.variables}
        if subprocess.run(call, capture_output=True, check=False, env=environment).returncode == 0:
            return python
    return None


def write_data(folder: Path) -> Path:
    """Write the images, normalised, as arrays; return the file."""
    splits = split_dataset(load_dataset("fashion-mnist", classes=CLASSES), validation=5000)
    arrays = {}
    for prefix, images in (("train_", splits.train), ("", splits.validation)):
        arrays[f"{prefix}images"] = ((images.images.float() / 255 - 0.5) / 0.25).numpy()
        arrays[f"{prefix}labels"] = images.labels.numpy()
    np.savez(folder / "data.npz", **arrays)
    return folder / "data.npz"


def show(values: list[float], digits: int = 2) -> str:
    """Return median, smallest and largest."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def start_workers(pythons: list[str], threads: list[int], data: Path) -> list[Worker]:
    """Return a process for each way and number of threads; say which ways are not installed."""
    workers = []
    for way in WAYS:
        python = find_python(way, pythons)
        if python is None:
            print(f"{way.name}: not installed in {', '.join(pythons)}", flush=True)
            continue
        for count in threads:
            try:
                worker = Worker(way, python, count, data)
                worker.run_epoch()  # warms up
                workers.append(worker)
            except RuntimeError as error:
                print(f"{way.name}, {count} threads: {str(error).strip().splitlines()[-1]}", flush=True)
    return workers


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print a row for each way at its best number of threads, beside Loupe at its own."""
    best: dict[str, dict[str, Any]] = {}
    for row in rows:
        known = best.get(row["name"])
        if known is None or statistics.median(row["seconds"]) < statistics.median(known["seconds"]):
            best[row["name"]] = row
    loupe = best["Loupe"]
    print("| way | versions | threads | s an epoch | / Loupe | validation accuracy after the last epoch |")
    print("|---|---|---|---|---|---|")
    for name, row in best.items():
        ratios = [other / ours for other, ours in zip(row["seconds"], loupe["seconds"], strict=True)]
        versions = ", ".join(f"{package} {one}" for package, one in row["versions"].items())
        print(f"| {name} | {versions} | {row['threads']} | {show(row['seconds'])} | {show(ratios)} ", end="")
        print(f"| {100 * row['accuracy']:.2f} % |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--python", action="append", default=[], help="another Python to look for peers in")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, count_cores()}))
    parser.add_argument("--out", type=Path, help="also write all values as JSON")
    arguments = parser.parse_args()
    if not os.environ.get("LOUPE_DATA"):
        sys.exit("skipped: LOUPE_DATA does not name a folder with the official Fashion-MNIST files")
    with tempfile.TemporaryDirectory() as folder:
        pythons = [sys.executable, *arguments.python]
        workers = start_workers(pythons, arguments.threads, write_data(Path(folder)))
        rounds = [[worker.run_epoch() for worker in workers] for _ in range(arguments.rounds)]
    rows = [
        {
            "name": worker.way.name,
            "threads": worker.threads,
            "versions": worker.facts["versions"],
            "seconds": [one[index]["seconds"] for one in rounds],
            "processor_seconds": [one[index]["processor_seconds"] for one in rounds],
            "accuracy": rounds[-1][index]["accuracy"],
        }
        for index, worker in enumerate(workers)
    ]
    for worker in workers:
        worker.close()
    print(f"{describe_device(torch.device('cpu'))}, {count_cores()} cores, {arguments.rounds} rounds in turn")
    print_table(rows)
    if arguments.out:
        arguments.out.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
