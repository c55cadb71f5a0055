"""How long a folder of small images takes from Enter to its first report, and where the time goes.

usage: python bench/first_report.py [--images N] [--epochs N] [--rounds N] [--threads N] [--ways WAY …]
                                    [--where FOLDER]

Writes PNG files of 24 to 60 pixels, stripes in colour whose direction is the class's, ten classes; then
trains the recipe of docs/tutorials/own-images.md with `loupe train` as one types it, in a process of its own:
once with nothing in the cache, once with the images decoded. Seconds by the clock from the start of the
process to its end, by what it was at, and processor seconds. Medians, with the fastest and the slowest.
Everything is removed.
"""

import argparse
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from spreads import spread

CLASSES = 10
RECIPE = """
[data]
name = "folder"
path = "my-crops"
image_size = 28
fit = "resize"
on_unreadable = "skip"
augment = [{ name = "padded-crop", padding = 2 }]

[model]
name = "cnn"
conv_layers = 4
width = 1

[train]
epochs = 8
class_weights = "balanced"
"""
PHASES = {  # what is timed: where it is called from, its name there, and what it is
    ("loupe.running", "load_recipe"): "reading and checking the recipe",
    ("loupe.running.run_under_way", "load_recipe_data"): "decoding, or finding in the cache",
    ("loupe.running.run", "begin_run"): "dividing, network, record",
    ("loupe.running.run", "fit_setup"): "training",
    ("loupe.running.evaluate", "look_at_run"): "looks at the network",
    ("loupe.running.run_under_way", "judge"): "judging on validation and test",
    ("loupe.reports.run_report", "write_run_report"): "the report",
}
START, REST, WHOLE = "Python and torch", "all else", "from Enter to the report"


def write_crops(folder: Path, count: int) -> None:
    """Write crops as they come: of many sizes, stripes under noise, a sub-folder a class."""
    random = np.random.default_rng(0)
    for index in range(count):
        label = index % CLASSES
        height, width = random.integers(24, 61, 2)
        angle = np.pi * label / CLASSES + random.normal(0, 0.12)
        rows, columns = np.mgrid[:height, :width] / 24
        waves = np.sin(9 * (rows * np.sin(angle) + columns * np.cos(angle)) + random.uniform(0, 6.3))
        tint = random.uniform(20, 60, 3)
        levels = 128 + waves[..., None] * tint + random.normal(0, 40, (height, width, 3))
        path = folder / f"class-{label}" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).save(path, compress_level=1)


class Clock:
    """Seconds of what is done inside functions, each without what is timed inside it."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.seconds: dict[str, float] = {}
        self._now = now
        self._inner = [0.0]

    def watch(self, module: str, name: str, what: str) -> None:
        """Time a function where a module calls it."""
        owner = __import__(module, fromlist=[name])
        function: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            started = self._now()
            self._inner.append(0.0)
            try:
                return function(*arguments, **named)
            finally:
                took, inner = self._now() - started, self._inner.pop()
                self._inner[-1] += took
                self.seconds[what] = self.seconds.get(what, 0.0) + took - inner

        setattr(owner, name, timed)


def train(started: float, overrides: list[str]) -> dict[str, dict[str, float]]:
    """Train in this process as the command line does, and return what took how long."""
    import loupe.cli
    import loupe.running

    clocks = {"by the clock": Clock(time.time), "of the processor": Clock(time.process_time)}
    begun = {"by the clock": started, "of the processor": 0.0}
    for way, clock in clocks.items():
        clock.seconds[START] = clock._now() - begun[way]
        for (module, name), what in PHASES.items():
            clock.watch(module, name, what)
    status = loupe.cli.main(["train", "crops.toml", *overrides])
    assert status == 0
    for way, clock in clocks.items():
        whole = clock._now() - begun[way]
        clock.seconds |= {REST: whole - sum(clock.seconds.values()), WHOLE: whole}
    return {way: clock.seconds for way, clock in clocks.items()}


def ask_child(place: Path, arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return what a process of its own measured."""
    overrides = [f"train.epochs={arguments.epochs}", f"run.threads={arguments.threads}", "name=crops"]
    command = [sys.executable, __file__, "--child", json.dumps(overrides), "--started", str(time.time())]
    done = subprocess.run(command, cwd=place, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return measured


def measure(place: Path, arguments: argparse.Namespace) -> None:
    """Print the table."""
    (place / "crops.toml").write_text(RECIPE, encoding="utf-8")
    write_crops(place / "my-crops", arguments.images)
    found: dict[str, list[dict[str, dict[str, float]]]] = {way: [] for way in arguments.ways}
    for _ in range(arguments.rounds):
        shutil.rmtree(place / "cache", ignore_errors=True)
        for way in arguments.ways:
            found[way].append(ask_child(place, arguments))
            shutil.rmtree(place / "runs")
    columns = [(way, kind) for way in found for kind in ("by the clock", "of the processor")]
    print(f"\n| seconds for | {' | '.join(f'{way} time, {kind}' for way, kind in columns)} |")
    print("|---" * (1 + len(columns)) + "|")
    for what in (START, *PHASES.values(), REST, WHOLE):
        cells = [spread([one[kind].get(what, 0.0) for one in found[way]]) for way, kind in columns]
        print(f"| {what} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ways", nargs="*", choices=("first", "second"), default=["first", "second"])
    parser.add_argument("--where", type=Path, default=None)
    parser.add_argument("--child", default=None)
    parser.add_argument("--started", type=float, default=0.0)
    arguments = parser.parse_args()
    if arguments.child is not None:
        print(json.dumps(train(arguments.started, json.loads(arguments.child))))
        return
    place = Path(tempfile.mkdtemp(dir=arguments.where, prefix="first-report-"))
    for name in ("cache", "state"):
        os.environ[f"XDG_{name.upper()}_HOME"] = str(place / name)
    print(
        f"{arguments.images:,} files, {arguments.epochs} epochs, {arguments.threads} threads, "
        f"{arguments.rounds} rounds"
    )
    try:
        measure(place, arguments)
    finally:
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
