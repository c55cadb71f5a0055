"""What `loupe train --continue` saves, and costs in accuracy, against one training of the whole length.

usage: LOUPE_DATA=FOLDER python bench/continued_runs.py [--seeds N]

A run of half the epochs is continued to all of them, and a run of all of them is trained from the first step;
under a constant learning rate, where both are the same training, and under one cycle, where the shorter run's
cycle is over when it is continued. Images: the packaged digits, and a tenth of five
classes of Fashion-MNIST. One thread; seconds are processor time of a whole run, from loading the images to
the report. Accuracies are on validation images: no test set is opened.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file

import loupe
from loupe.runs import RunFolder

DATA = {
    "digits": ("digits", ("data.fraction=1.0",), 8),
    "Fashion-MNIST, a tenth": ("fashion-cnn", ("data.fraction=0.1",), 6),
}
SCHEDULES = {"constant": ("train.schedule=constant",), "one-cycle": ("train.schedule=one-cycle",)}


@dataclass(frozen=True)
class Trained:
    """A run, and the processor seconds it took."""

    run: RunFolder
    seconds: float

    @property
    def accuracy(self) -> float:
        result = self.run.read_result()
        assert result is not None
        assert result.best is not None
        return float(result.best.validation.accuracy)


def train(recipe: str | Path, *changes: str) -> Trained:
    started = time.process_time()
    run = loupe.train(recipe, *changes)
    return Trained(run, time.process_time() - started)


def compare(recipe: str, changes: tuple[str, ...], epochs: int, seed: int, folder: Path) -> list[Trained]:
    """Return the run from scratch, the shorter one, and what continues it."""
    quiet = ("evaluate.test=false", "evaluate.look_inside=false", "evaluate.looks=[]", "run.threads=1")
    common = (*changes, *quiet, f"run.seed={seed}", "train.early_stopping=none", f"run.folder={folder}")
    whole = train(recipe, *common, f"train.epochs={epochs}")
    half = train(recipe, *common, f"train.epochs={epochs // 2}")
    path = half.run.path
    return [whole, half, train(path / "recipe.toml", f"run.continues={path}", f"train.epochs={epochs}")]


def is_same(one: RunFolder, other: RunFolder) -> bool:
    a, b = load_file(one.best_file), load_file(other.best_file)
    return all(torch.equal(a[name], b[name]) for name in a)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    print(f"one thread, torch {torch.__version__}, {arguments.seeds} seeds; mean, smallest to largest")
    print("| images | schedule | epochs | from scratch | continued | saved | same weights | difference |")
    print("|---|---|---|---|---|---|---|---|")
    for name, (recipe, changes, epochs) in DATA.items():
        for schedule, more in SCHEDULES.items():
            with tempfile.TemporaryDirectory() as folder:
                compare(
                    recipe, (*changes, *more), 2, 0, Path(folder)
                )  # the first runs of a process take longer
                rounds = [
                    compare(recipe, (*changes, *more), epochs, seed, Path(folder))
                    for seed in range(arguments.seeds)
                ]
                describe(name, schedule, epochs, rounds)


def describe(name: str, schedule: str, epochs: int, rounds: list[list[Trained]]) -> None:
    """Print a row; the difference is the continued run's accuracy less that from scratch, seed by seed."""
    scratch, continued = ([one[place].seconds for one in rounds] for place in (0, 2))
    saved = [1 - late / whole for whole, late in zip(scratch, continued, strict=True)]
    points = [100 * (one[2].accuracy - one[0].accuracy) for one in rounds]
    same = sum(is_same(one[0].run, one[2].run) for one in rounds)
    print(
        f"| {name} | {schedule} | {epochs // 2} → {epochs} | {statistics.mean(scratch):.1f} s "
        f"| {statistics.mean(continued):.1f} s "
        f"| {statistics.mean(saved):.0%} ({min(saved):.0%} to {max(saved):.0%}) "
        f"| {same} of {len(rounds)} "
        f"| {statistics.mean(points):+.2f} points ({min(points):+.2f} to {max(points):+.2f}) |",
        flush=True,
    )


if __name__ == "__main__":
    main()
