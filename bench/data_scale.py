"""What data sets cost as they grow: memory of a run's own, seconds to decode, to start and an epoch.

usage: python bench/data_scale.py [--counts N …] [--side N] [--epochs N] [--rounds N] [--processes N]
                                  [--decode N …] [--where FOLDER]

Writes generated colour images (noise, each class with a pattern of its own) as arrays, and trains a tiny
network on them in processes of their own, from memory and from disk in turn (`data_steps.py`: step by step);
`--decode` writes them as PNG files and has the folder decoded, then found in the cache. Memory of its own is
RssAnon of /proc/PID/status, sampled 20 times a second: without pages of files, which the system takes back
when it needs them. Everything is removed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from generated_sets import write_arrays, write_folder
from own_memory import Sampler, read_anonymous_bytes
from spreads import spread

WAYS = {"true": "memory", "false": "disk"}
NETWORK = 'model={name="mlp", widths=[8]}'


def train(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train once in this process, and return what it took."""
    import loupe
    from loupe.training import Observer, TrainingState

    sampler = Sampler()
    marks, memory = [sampler.clock()], [(read_anonymous_bytes("self"),) * 2]
    computed = [time.process_time()]

    class Marks(Observer):
        def on_fit_start(self, state: TrainingState, *, num_epochs: int, steps_per_epoch: int) -> None:
            self.note()

        def on_epoch_end(self, state: TrainingState) -> None:
            self.note()

        def note(self) -> None:
            computed.append(time.process_time())
            marks.append(sampler.clock())
            memory.append(sampler.take())

    source = "arrays" if not arguments.is_folder else "folder"
    settings = [
        f'data.name="{source}"',
        f"data.path={arguments.data}",
        f"data.in_memory={arguments.way}",
        f"run.folder={arguments.where}/runs",
        f"run.processes={arguments.processes}",
        f"train.epochs={arguments.epochs}",
        f"run.threads={arguments.threads}",
        "train.batch_size=256",
        *(() if arguments.looks else ("evaluate.looks=[]", "evaluate.look_inside=false")),
    ]
    observer = Marks()
    run = loupe.train("digits", NETWORK, *settings, observers=[observer])
    observer.note()
    result = run.read_result()
    seconds = [after - before for before, after in pairwise(marks)]
    return {
        "start": seconds[0],
        "epochs": seconds[1:-1],
        "end": seconds[-1],
        "computed": [after - before for before, after in pairwise(computed)],
        "memory": [one[0] for one in memory],
        "together": max(one[1] for one in memory),
        "validation": repr(result.best.validation) if result and result.best else None,
    }


def load(arguments: argparse.Namespace) -> dict[str, Any]:
    """Load a folder once in this process, and return what it took."""
    from loupe.data import load_dataset

    sampler = Sampler()
    started = sampler.clock()
    dataset = load_dataset("folder", path=arguments.data, in_memory=False)
    seconds = sampler.clock() - started
    return {"seconds": seconds, "memory": sampler.take()[0], "images": len(dataset.train)}


def ask_child(kind: str, arguments: argparse.Namespace, **settings: Any) -> dict[str, Any]:
    """Return what a process of its own measured."""
    given = {**vars(arguments), **settings}
    command = [sys.executable, __file__, "--child", json.dumps({"kind": kind, **given}, default=str)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def measure_training(arguments: argparse.Namespace) -> None:
    """Print the table of training from memory and from disk."""
    print(
        "\n| images | GB | way | s to start | s an epoch | CPU s to start | CPU s an epoch "
        "| CPU s, disk / memory | GB to start | GB in training | GB at the end |"
        "\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for count in arguments.counts:
        data = Path(arguments.where) / f"arrays-{count}"
        write_arrays(data, count, arguments.side)
        found: dict[str, list[dict[str, Any]]] = {way: [] for way in arguments.ways}
        for _ in range(arguments.rounds):
            for way in arguments.ways:
                found[way].append(ask_child("train", arguments, data=data, way=way, is_folder=False))
        shutil.rmtree(data)
        shutil.rmtree(Path(arguments.where) / "runs", ignore_errors=True)
        ratios = [
            ours / theirs
            for one, other in zip(found.get("false", ()), found.get("true", ()), strict=False)
            for ours, theirs in zip(one["computed"][1:-1], other["computed"][1:-1], strict=True)
        ]
        assert len({one["validation"] for each in found.values() for one in each}) == 1
        for way, each in found.items():
            epochs = [seconds for one in each for seconds in one["epochs"]]
            peaks = [[one["memory"][1] for one in each], [max(one["memory"][2:-1]) for one in each]]
            peaks.append([one["memory"][-1] for one in each])
            most = " | ".join(f"{max(one) / 1e9:.2f}" for one in peaks)
            computed = [seconds for one in each for seconds in one["computed"][1:-1]]
            print(
                f"| {count:,} | {count * 3 * arguments.side**2 / 1e9:.2f} | {WAYS[way]} "
                f"| {spread([one['start'] for one in each])} | {spread(epochs)} "
                f"| {spread([one['computed'][0] for one in each])} | {spread(computed, 2)} "
                f"| {spread(ratios, 2) if way == 'false' and ratios else ''} | {most} |",
                flush=True,
            )
        if arguments.processes > 1:
            for way, each in found.items():
                print(
                    f"{WAYS[way]}: {max(one['together'] for one in each) / 1e9:.2f} GB all processes together"
                )


def measure_decoding(arguments: argparse.Namespace) -> None:
    """Print the table of decoding a folder, and of finding it in the cache."""
    print("\n| files | s to decode | ms a file | s from the cache | GB decoding | GB from the cache |")
    print("|---|---|---|---|---|---|")
    for count in arguments.decode:
        data = Path(arguments.where) / f"folder-{count}"
        write_folder(data, count, arguments.side)
        cold, warm = (ask_child("load", arguments, data=data) for _ in range(2))
        shutil.rmtree(data)
        shutil.rmtree(Path(arguments.where) / "cache", ignore_errors=True)
        print(
            f"| {count:,} | {cold['seconds']:.1f} | {1000 * cold['seconds'] / count:.2f} | "
            f"{warm['seconds']:.1f} | {cold['memory'] / 1e9:.2f} | {warm['memory'] / 1e9:.2f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="*", default=[10_000, 30_000])
    parser.add_argument("--decode", type=int, nargs="*", default=[])
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--looks", action="store_true", help="with the evaluations of a usual run")
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=[*WAYS], help="data.in_memory")
    parser.add_argument("--where", type=Path, default=None)
    parser.add_argument("--child", default=None)
    arguments = parser.parse_args()
    if arguments.child is not None:
        given = argparse.Namespace(**json.loads(arguments.child))
        print(json.dumps(train(given) if given.kind == "train" else load(given)))
        return
    place = Path(tempfile.mkdtemp(dir=arguments.where, prefix="data-scale-"))
    arguments.where = place
    os.environ["XDG_CACHE_HOME"] = str(place / "cache")
    print(
        f"{arguments.threads} threads, torch {torch.__version__}, images of {arguments.side} x "
        f"{arguments.side} in colour, {arguments.epochs} epochs, {arguments.rounds} rounds in turn"
    )
    try:
        if arguments.counts:
            measure_training(arguments)
        if arguments.decode:
            measure_decoding(arguments)
    finally:
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
