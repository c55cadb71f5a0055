"""What the evaluations and figures that every report has by itself cost, beside the training.

usage: LOUPE_DATA=FOLDER python bench/cost_of_looks.py [RECIPE ...]

Each recipe is trained for one epoch and judged on its validation images: no test set is opened. An epoch's
seconds times the recipe's epochs stand for its training; what it costs to look does not depend on how long
it was trained. Seconds of the looks are as each run keeps them (`evaluations.json`). Two threads, wall-clock
seconds, one run a recipe: shares are good to a fifth.
"""

import sys
import tempfile
import time
from pathlib import Path

import torch

import loupe
from loupe.reports.run_report import render_figures, render_findings
from loupe.running.training_setup import load_validation_images


def measure(recipe: str, folder: Path) -> None:
    full = loupe.load_recipe(recipe)
    changes = ("train.epochs=1", "evaluate.test=false", f"run.folder={folder}")
    run = loupe.train(recipe, *changes)
    result, history, looks = run.require_result(), run.read_history(), run.read_evaluations()
    assert looks is not None
    training = history[0].seconds * full.train.epochs
    validation = load_validation_images(run)
    started = time.perf_counter()
    render_findings(run, result, validation)
    drawn = time.perf_counter() - started
    started = time.perf_counter()
    render_figures(run, validation)
    inside = time.perf_counter() - started
    of_looks = sum(one.seconds for one in looks.looks)
    whole = of_looks + drawn + inside
    print(
        f"\n{recipe}: {full.train.epochs} epochs of {history[0].seconds:.1f} s, {training:.0f} s of training"
    )
    for one in sorted(looks.looks, key=lambda one: -one.seconds):
        if one.seconds >= 0.05:
            print(f"  {one.name:24s} {one.split:11s} {one.seconds:7.2f} s")
    print(f"  {'drawing all of these':36s} {drawn:7.2f} s")
    print(f"  {'the inside: filters, maps, layers':36s} {inside:7.2f} s")
    size = run.report_file.stat().st_size / 2**20
    print(f"  together {whole:.1f} s, {100 * whole / training:.1f} % of the training; report {size:.2f} MiB")


def main() -> None:
    torch.set_num_threads(2)
    for recipe in sys.argv[1:] or ("digits", "fashion-cnn", "fast-cifar10"):
        with tempfile.TemporaryDirectory() as folder:
            measure(recipe, Path(folder))


if __name__ == "__main__":
    main()
