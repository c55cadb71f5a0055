"""Starting the other processes of a run, and ending them whatever happens.

The process that was asked for the run is the first of the group: it alone writes the run folder, shows
progress and opens the test set. The others are started by it and end with it, unless somebody else has
started all of them (`launched.py`).
"""

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO, Any

import torch

from loupe.errors import TrainingError
from loupe.recipe import Recipe
from loupe.running.process_group.launched import Rendezvous, find_rendezvous
from loupe.runs import RunFolder
from loupe.training import ProcessGroup
from loupe.training.process_group import LostProcessError

READY = "ready"
_PATIENCE_SECONDS = 10.0  # for a process that has done its work to end


@contextlib.contextmanager
def launch_process_group(
    recipe: Recipe, folder: RunFolder, device: torch.device
) -> Iterator[ProcessGroup | None]:
    """Gather the processes of a recipe for the block, and end them afterwards; None for a single one.

    Args:
        recipe: of the run; its data has been loaded here, so that the others find it in place.
        folder: the run's folder, with the checkpoint to go on from.
        device: what this process computes on.

    Raises:
        TrainingError: another process died.
    """
    if recipe.run.processes == 1:
        yield None
        return
    from loupe.running.process_group.joining import joined

    rendezvous = find_rendezvous()
    if rendezvous is not None and rendezvous.size == recipe.run.processes:
        from loupe.running.process_group.meeting import lead

        with lead(recipe, folder, rendezvous, device) as group:
            yield group
        return
    size, port = recipe.run.processes, find_free_port()
    task = {"recipe": recipe.to_dict(), "folder": str(folder.path), "device": device.type, "port": port}
    members = [Member(rank) for rank in range(1, size)]
    try:
        for member in members:
            member.set_to_work(task)
        for member in members:
            member.wait_until_ready()
        with joined(Rendezvous.on_this_machine(0, size, port), device) as group:
            try:
                yield group
            except LostProcessError as error:
                _explain_deaths(members, error)
                raise
        for member in members:
            member.let_end()
    finally:
        for member in members:
            member.end()


def _explain_deaths(members: list["Member"], error: LostProcessError) -> None:
    """Raise what is to be said of the process that died."""
    for member in members:
        if member.is_dead():
            raise member.explain_death() from error


def find_free_port() -> int:
    """Return a port on this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Member:
    """Another process of a group.

    Its standard input is its line of life: it ends when that is closed, so also when this process is killed.

    Args:
        rank: which process of the group, ≥ 1.
    """

    def __init__(self, rank: int) -> None:
        self.rank = rank
        self._errors: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  # lives as long as its process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "loupe.running.process_group.member"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def set_to_work(self, task: dict[str, Any]) -> None:
        """Tell it what to train."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it died already: that is found out when it is waited for
            self._process.stdin.write(json.dumps({**task, "rank": self.rank}) + "\n")
            self._process.stdin.flush()

    def wait_until_ready(self) -> None:
        """Wait until it has built what it needs.

        Raises:
            TrainingError: it died before.
        """
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != READY:
            raise self.explain_death()

    def is_dead(self) -> bool:
        """Return whether it ended otherwise than well; one about to do so is given a moment."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout=1.0) != 0
        return False

    def explain_death(self) -> TrainingError:
        """Return what to say of a process that died: the last thing it said."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_PATIENCE_SECONDS)
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors if line.strip()]
        said = f": {lines[-1][:160]}" if lines else ""
        return TrainingError(
            f"Process {self.rank + 1} of this run died.",
            got=f"exit status {self._process.poll()}{said}",
            allowed="processes that live as long as the run",
            next_step="`loupe resume` goes on from the last checkpoint; with `--processes 1` in one process",
        )

    def let_end(self) -> None:
        """Wait for it to end by itself, its work done."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_PATIENCE_SECONDS)

    def end(self) -> None:
        """End it at once if it still runs."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
