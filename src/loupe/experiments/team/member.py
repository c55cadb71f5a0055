"""The life of another process of a team: `python -m loupe.experiments.team.member`, started by the first."""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import IO

from loupe.errors import TrainingError
from loupe.experiments.bench import load_recipe_data, set_up
from loupe.experiments.fitting import fit_bench
from loupe.experiments.team.checks import choose_threads
from loupe.experiments.team.gathering import READY
from loupe.experiments.team.joining import joined
from loupe.plugins import load_plugin
from loupe.recipe import parse_recipe
from loupe.runs import RunFolder
from loupe.runtime import Streams, choose_device, computing


def main() -> None:
    """Train one process's share of what the first one says on standard input; write nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the first one decides what to do
    first_line = sys.stdin.readline()
    if not first_line:
        return
    threading.Thread(target=_end_with, args=(sys.stdin,), daemon=True).start()
    task = json.loads(first_line)
    for plugin in task["recipe"]["run"].get("plugins", ()):
        load_plugin(plugin)
    recipe, rank = parse_recipe(task["recipe"]), task["rank"]
    device = choose_device("cpu" if task["device"] == "cpu" else f"{task['device']}:{rank}")
    streams = Streams(recipe.run.seed)
    answer, sys.stdout = sys.stdout, sys.stderr  # what plugins print is no answer
    with computing(choose_threads(recipe)):
        bench = set_up(recipe, device, streams, load_recipe_data(recipe))
        start = RunFolder(Path(task["folder"])).read_snapshot()
        print(READY, file=answer, flush=True)  # the first process waits for it
        with joined(rank, recipe.run.processes, task["port"], device) as team:
            try:
                fit_bench(recipe, bench, streams, start=start, team=team)
            except TrainingError:
                return  # all processes meet it at the same step, and the first one says so


def _end_with(line_of_life: IO[str]) -> None:
    """End this process when the first one lets go of its standard input, or is gone."""
    line_of_life.read()
    os._exit(1)


if __name__ == "__main__":
    main()
