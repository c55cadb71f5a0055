"""What a run costs as one thing grows: images, pixels, classes, parameters, seeds; and what breaks first.

usage: python bench/cost_curves.py [AXIS …] [--rounds N] [--threads N] [--minutes N] [--where FOLDER]

Each point is a whole run of its own process on generated images (noise, each class with a pattern of its
own): two epochs, then all that a report has by itself. From point to point one thing grows, by the largest
last; what fails is printed with its reason, and ends its axis, as does a point that takes longer than
`--minutes`. Seconds are of the processor, by phase; memory is the process's own at its most (RssAnon, without
pages of files); the folder is the run's. Medians of the rounds, with smallest and largest.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from generated_sets import write_arrays
from own_memory import Sampler, read_anonymous_bytes
from spreads import spread

CNN = '{name="cnn", conv_layers=4, dense_layers=1}'
THIN = '{name="mlp", widths=[8]}'


@dataclass(frozen=True)
class Point:
    """A run to be measured: what grows, as text, and all that is needed."""

    label: str
    images: int = 4_000
    side: int = 32
    classes: int = 10
    model: str = CNN
    seeds: int = 1


AXES: dict[str, Sequence[Point]] = {
    "images": [
        Point(f"{n:,}", images=n, model=THIN) for n in (300, 1_000, 10_000, 100_000, 300_000, 1_000_000)
    ],
    "pixels": [Point(f"{n} x {n}", side=n, images=1_000) for n in (8, 16, 32, 64, 128, 224)],
    "classes": [
        Point(f"{n:,}", classes=n, images=max(10_000, 60 * n), side=16) for n in (2, 10, 100, 1_000, 3_000)
    ],
    "parameters": [
        Point(f"mlp, {n:,} wide", model=f'{{name="mlp", widths=[{n}]}}', side=16)
        for n in (8, 64, 512, 4_096, 32_768)
    ],
    "seeds": [Point(f"{n}", seeds=n, images=2_000, side=16) for n in (1, 2, 4, 8, 16, 32)],
}


def measure(point: Point, place: Path, threads: int) -> dict[str, Any]:
    """Carry out a point in this process, and return what it took."""
    import loupe
    from loupe.training import Observer, TrainingState

    data = place / "arrays"
    write_arrays(data, point.images, point.side, point.classes)
    sampler = Sampler()
    computed, memory = [time.process_time()], [read_anonymous_bytes("self")]

    class Marks(Observer):
        def on_fit_start(self, state: TrainingState, *, num_epochs: int, steps_per_epoch: int) -> None:
            self.note()

        def on_fit_end(self, state: TrainingState) -> None:
            self.note()

        def note(self) -> None:
            computed.append(time.process_time())
            memory.append(sampler.take()[0])

    settings = [
        'data.name="arrays"',
        f"data.path={data}",
        f"model={point.model}",
        f"run.folder={place}/runs",
        f"run.threads={threads}",
        "train.epochs=2",
        "data.test_part=0.3",
        f"data.validation={point.images // 5}",
    ]
    if point.seeds > 1:
        settings.append(f"run.seeds={list(range(point.seeds))}")
    marks = Marks()
    loupe.train("digits", *settings, observers=[marks] if point.seeds == 1 else ())
    marks.note()
    spent = [after - before for before, after in pairwise(computed)]
    (folder,) = (place / "runs").iterdir()
    return {
        "phases": spent if point.seeds == 1 else [sum(spent)],
        "memory": max(memory),
        "folder": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
    }


def ask_child(point: Point, arguments: argparse.Namespace) -> dict[str, Any] | str:
    """Return what a process of its own measured, or why it did not."""
    place = Path(tempfile.mkdtemp(dir=arguments.where, prefix="cost-curves-"))
    given = {"point": asdict(point), "place": str(place), "threads": arguments.threads}
    command = [sys.executable, __file__, "--child", json.dumps(given)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(place / "cache")}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60 * arguments.minutes,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"not done after {arguments.minutes:g} minutes"
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return f"ended with {done.returncode}: {lines[-1][:200] if lines else 'nothing said'}"
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def measure_axis(name: str, arguments: argparse.Namespace) -> None:
    """Print the table of an axis, until a point fails."""
    phases = ["run, with its report"] if name == "seeds" else ["start", "two epochs", "judging and report"]
    heads = [name, *(f"CPU s, {phase}" for phase in phases), "GB at most", "MB of the run"]
    print(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}", flush=True)
    for point in AXES[name]:
        found = []
        for _ in range(arguments.rounds):
            one = ask_child(point, arguments)
            if isinstance(one, str):
                print(f"| {point.label} | {one} |{' |' * (len(heads) - 2)}", flush=True)
                return
            found.append(one)
        times = [spread([one["phases"][index] for one in found]) for index in range(len(phases))]
        if name == "seeds" and point.seeds == 1:
            times = [spread([sum(one["phases"]) for one in found])]
        most = max(one["memory"] for one in found) / 1e9
        size = max(one["folder"] for one in found) / 1e6
        print(f"| {point.label} | {' | '.join(times)} | {most:.2f} | {size:.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("axes", nargs="*", metavar="AXIS", help=f"of {', '.join(AXES)}; all if left out")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=15, help="that a point may take")
    parser.add_argument("--where", type=Path, default=None)
    parser.add_argument("--child", default=None)
    arguments = parser.parse_args()
    if arguments.child is not None:
        given = json.loads(arguments.child)
        print(json.dumps(measure(Point(**given["point"]), Path(given["place"]), given["threads"])))
        return
    if unknown := [name for name in arguments.axes if name not in AXES]:
        parser.error(f"{', '.join(unknown)}: not one of {', '.join(AXES)}")
    print(f"{arguments.threads} threads, torch {torch.__version__}, {arguments.rounds} rounds")
    for name in arguments.axes or AXES:
        measure_axis(name, arguments)


if __name__ == "__main__":
    main()
