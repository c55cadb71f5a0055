"""What it is worth to pass frozen layers once: a new head on a frozen network, trained both ways.

usage: LOUPE_DATA=FOLDER python bench/frozen_layers.py [--epochs N] [--rounds N]

Trainings of the packaged Fashion-MNIST recipe, 25,000 images of five classes, all layers but the last frozen
as a short training left them: what is learnt does not matter here. One thread; seconds are processor time,
from the first step to the last epoch's validation, passing the frozen layers included. Rounds alternate; the
ratio is taken round by round.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

import loupe
from loupe.recipe import Recipe
from loupe.running import fitting
from loupe.running.run_under_way import begin_run
from loupe.running.training_setup import TrainingSetup
from loupe.runs import RunFolder
from loupe.runtime import computing

NETWORKS = {
    "mlp 128-64-32": "model={name='mlp', widths=[128, 64, 32]}",
    "cnn, 2 convolutions": "model.conv_layers=2",
    "cnn, 4 convolutions": "model.conv_layers=4",
}


def make_recipe(network: str, epochs: int, source: Path | None) -> Recipe:
    changes = [network, f"train.epochs={epochs}", "train.early_stopping=none", "evaluate.test=false"]
    if source is not None:
        changes.append(f"transfer={{run='{source}', freeze='all', head='new'}}")
    return loupe.load_recipe("fashion-cnn", changes)


def time_training(recipe: Recipe, folder: Path) -> float:
    """Return the processor seconds of a training."""
    run = begin_run(recipe, RunFolder(folder))
    started = time.process_time()
    fitting.fit_setup(run.recipe, run.setup, run.streams)
    return time.process_time() - started


def stay(recipe: Recipe, setup: TrainingSetup) -> TrainingSetup:
    return setup


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(f"one thread, torch {torch.__version__}, {arguments.rounds} rounds in turn")
    print(f"| network | {arguments.epochs} epochs, every time | passed once | ratio |")
    print("|---|---|---|---|")
    passing = fitting.cache_features
    for name, network in NETWORKS.items():
        rows = []
        with tempfile.TemporaryDirectory() as scratch, computing(1):
            source = loupe.train(
                make_recipe(network, 1, None), "data.fraction=0.05", f"run.folder={scratch}/source"
            )
            recipe = make_recipe(network, arguments.epochs, source.path)
            for number in range(arguments.rounds):
                fitting.cache_features = stay
                usual = time_training(recipe, Path(scratch) / f"usual{number}")
                fitting.cache_features = passing
                rows.append((usual, time_training(recipe, Path(scratch) / f"once{number}")))
        medians = " | ".join(f"{statistics.median(column):.3g} s" for column in zip(*rows, strict=True))
        ratios = [usual / once for usual, once in rows]
        spread = f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
        print(f"| {name} | {medians} | {spread} |", flush=True)


if __name__ == "__main__":
    main()
