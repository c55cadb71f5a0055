"""Another process of a run: `python -m loupe.running.process_group.member`; the first one starts it."""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import IO

from loupe.errors import TrainingError
from loupe.plugins import load_plugin
from loupe.recipe import parse_recipe
from loupe.running.fitting import fit_setup
from loupe.running.process_group.checks import choose_threads
from loupe.running.process_group.gathering import READY
from loupe.running.process_group.joining import joined
from loupe.running.process_group.launched import Rendezvous
from loupe.running.training_setup import load_recipe_data, set_up
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
        setup = set_up(recipe, device, streams, load_recipe_data(recipe))
        start = RunFolder(Path(task["folder"])).read_snapshot()
        print(READY, file=answer, flush=True)  # the first process waits for it
        with joined(Rendezvous.on_this_machine(rank, recipe.run.processes, task["port"]), device) as group:
            try:
                fit_setup(recipe, setup, streams, start=start, group=group)
            except TrainingError:
                return  # all processes meet it at the same step, and the first one says so


def _end_with(line_of_life: IO[str]) -> None:
    """End this process when the first one lets go of its standard input, or is gone."""
    line_of_life.read()
    os._exit(1)


if __name__ == "__main__":
    main()
