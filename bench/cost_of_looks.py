"""What the evaluations and figures that every report has by itself cost beside the training, and the limits.

usage: LOUPE_DATA=FOLDER python bench/cost_of_looks.py [--threads N] [--fraction F] [RECIPE ...]

Three limits: what is on by default adds under 20 % to the time of `fast-cifar10` and under ten seconds to
`digits`; a report with every look a run can take by name, too, stays under 5 MB.

Each recipe is trained for one epoch and judged on its validation images: no test set is opened. What it costs
to look does not depend on how long a network was trained. An epoch (training and validation) times the
recipe's epochs stands for its training; with --fraction, an epoch of that part of the training images, over
the part. Seconds are processor seconds of this process, all threads added up, which other work on the machine
disturbs less than the clock; the clock's stand beside. One run a recipe: shares are good to a fifth.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import loupe
from loupe.data.sources import is_mirrorable
from loupe.observers import register_observer
from loupe.reports.run_report import render_figures, render_findings
from loupe.running.looks import choose_looks
from loupe.running.training_setup import load_validation_images
from loupe.training import Observer
from loupe.using.evaluate_run import evaluate_run

BY_NAME = ("adversarial", "cost", "prior_shift")
MIRRORING = ("mirror_consistency", "test_time_augmentation")  # not of images of signs
MOST_SHARE, MOST_SECONDS, MOST_BYTES = 0.20, 10.0, 5_000_000


@dataclass(frozen=True)
class Seconds:
    """Processor seconds, and seconds of the clock."""

    processor: float
    clock: float

    def __add__(self, other: "Seconds") -> "Seconds":
        return Seconds(self.processor + other.processor, self.clock + other.clock)

    def __str__(self) -> str:
        return f"{self.processor:7.2f} s ({self.clock:.1f} s by the clock)"


def measure(task: Callable[[], Any]) -> tuple[Any, Seconds]:
    """Return what a task returns, and how long it took."""
    started = time.process_time(), time.perf_counter()
    found = task()
    return found, Seconds(time.process_time() - started[0], time.perf_counter() - started[1])


fits: list[Seconds] = []


@register_observer("bench-clock")
class Clock(Observer):
    """Notes how long the training took, without what is loaded before and judged afterwards."""

    def on_fit_start(self, state: Any, *, num_epochs: int, steps_per_epoch: int) -> None:
        self._started = time.process_time(), time.perf_counter()

    def on_fit_end(self, state: Any) -> None:
        fits.append(Seconds(time.process_time() - self._started[0], time.perf_counter() - self._started[1]))


def measure_recipe(recipe: str, folder: Path, fraction: float) -> None:
    full = loupe.load_recipe(recipe)
    changes = ["train.epochs=1", "evaluate.test=false", "evaluate.looks=[]", "evaluate.look_inside=false"]
    changes += [f"run.folder={folder}", 'run.observers=["bench-clock"]', f"data.fraction={fraction}"]
    run = loupe.train(recipe, *changes)
    epochs = full.train.epochs
    training = Seconds(*(one * epochs / fraction for one in (fits[-1].processor, fits[-1].clock)))
    part = "" if fraction == 1 else f", from an epoch of {100 * fraction:g} % of the images"
    print(f"\n{recipe}: {epochs} epochs, {training} of training{part}")

    by_default = [one.name for one in choose_looks(full) if "examples" not in one.required]
    _, idle = measure(lambda: evaluate_run(run.path, looks=[]))  # opening the run, and its metrics
    found, looked = measure(lambda: evaluate_run(run.path, looks=by_default))
    looked = Seconds(
        *(max(0.0, a - b) for a, b in zip(vars(looked).values(), vars(idle).values(), strict=True))
    )
    seconds = {one.name: one.seconds for one in found.looks.looks}
    for name in sorted(seconds, key=lambda name: -seconds[name])[:6]:
        print(f"  {name:36s} {seconds[name]:7.2f} s by the clock")
    print(f"  {'all looks that are on by default':36s} {looked}")

    everything = [*by_default, *BY_NAME]
    if is_mirrorable(full.data.name):
        everything += MIRRORING
    whole = loupe.train(recipe, *changes[:2], f"evaluate.looks={everything}".replace("'", '"'), *changes[4:5],
                        f"data.fraction={fraction}", "name=whole")  # fmt: skip
    validation = load_validation_images(whole)
    _, drawn = measure(lambda: render_findings(whole, whole.require_result(), validation))
    _, inside = measure(lambda: render_figures(whole, validation))
    print(f"  {'drawing them':36s} {drawn}")
    print(f"  {'the inside: filters, maps, layers':36s} {inside}")
    together = looked + drawn + inside
    share, size = together.processor / training.processor, whole.report_file.stat().st_size
    print(
        f"  together {together}: {100 * share:.1f} % of the training; {len(everything)} looks, {size:,} bytes"
    )
    if recipe == "fast-cifar10":
        judge(f"under {100 * MOST_SHARE:g} % of its training", share < MOST_SHARE)
    if recipe == "digits":
        judge(f"under {MOST_SECONDS:g} s", together.processor < MOST_SECONDS)
    judge(f"a report under {MOST_BYTES:,} bytes", size < MOST_BYTES)


def judge(limit: str, is_held: bool) -> None:
    print(f"  {'held' if is_held else 'NOT HELD'}: {limit}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipes", nargs="*", default=["digits", "fashion-cnn", "fast-cifar10"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fraction", type=float, default=1.0)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    for recipe in chosen.recipes:
        with tempfile.TemporaryDirectory() as folder:
            measure_recipe(recipe, Path(folder), chosen.fraction)


if __name__ == "__main__":
    main()
