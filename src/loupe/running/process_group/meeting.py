"""Processes on several machines that begin together, or not at all, and what is said when one is lost.

All of them were started with the same command (`launched.py`). Each loads its data by itself; then they tell
each other what they have, so that none trains something else, and none waits for one that cannot begin. The
first one has the run folder; a checkpoint to go on from reaches the others from there, so that they need no
disk in common.
"""

import contextlib
import json
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from loupe.data import Splits
from loupe.errors import LoupeError, TrainingError
from loupe.recipe import Recipe
from loupe.running.fitting import fit_setup
from loupe.running.process_group.checks import choose_threads
from loupe.running.process_group.launched import Rendezvous, find_rendezvous
from loupe.running.recipe_digest import digest_recipe
from loupe.running.training_setup import load_recipe_data, set_up
from loupe.runs import RunFolder
from loupe.runtime import Streams, choose_device, computing
from loupe.training import ProcessGroup, Snapshot
from loupe.training.process_group import LostProcessError, broadcast_bytes, gather_texts

_SECONDS_TO_TELL = 30.0  # that a first process which cannot begin waits for the others, to say so
_MOST_CHARACTERS = 400  # of what another process says

Made = TypeVar("Made")


@contextlib.contextmanager
def lead(
    recipe: Recipe, folder: RunFolder, rendezvous: Rendezvous, device: torch.device
) -> Iterator[ProcessGroup]:
    """Meet the other processes as the first one, and train with them inside the block.

    Args:
        recipe: of the run, with its layout settled.
        folder: the run's folder, with its record open and the checkpoint to go on from, if there is one.
        rendezvous: this process's, of rank 0.
        device: what this process computes on.

    Raises:
        TrainingError: another process is lost, cannot begin, or would train something else.
    """
    from loupe.running.process_group.joining import joined

    with _explaining_loss(rendezvous, folder.path), joined(rendezvous, device) as group:
        said = {
            "recipe": digest_recipe(recipe),
            "folder": str(folder.path),
            "channels_last": recipe.train.channels_last is True,
        }
        hosts = [one["host"] for one in _exchange(group, said, device)]
        folder.log(f"processes 1 to {rendezvous.size} on {', '.join(hosts)}")
        is_resumed = folder.checkpoint_file.is_file()
        broadcast_bytes(group, folder.checkpoint_file.read_bytes() if is_resumed else b"", device)
        _exchange(group, {"data": folder.read_environment()["data_digests"]}, device)
        yield group


@contextlib.contextmanager
def telling_others(recipe: Recipe) -> Iterator[None]:
    """Tell the other processes of a run if the first one cannot begin it, so that they do not wait."""
    try:
        yield
    except LoupeError as error:
        rendezvous = find_rendezvous() if recipe.run.processes > 1 else None
        if rendezvous is not None and rendezvous.size == recipe.run.processes:
            from loupe.running.process_group.joining import joined

            device = choose_device(recipe.run.device)
            with (
                contextlib.suppress(LostProcessError, TrainingError),
                joined(rendezvous, device, patience_seconds=_SECONDS_TO_TELL) as group,
            ):
                _exchange(group, {"error": str(error)}, device)
        raise


def follow(recipe: Recipe, rendezvous: Rendezvous) -> Path:
    """Train one process's share of a run that the first process writes, and return its folder there.

    Args:
        recipe: of the run.
        rendezvous: this process's, of rank ≥ 1.

    Raises:
        TrainingError: another process is lost, cannot begin, or would train something else.
        LoupeError: this one cannot begin.
    """
    from loupe.running.process_group.joining import joined

    device = choose_device(recipe.run.device)
    if device.type == "cuda":
        device = torch.device("cuda", rendezvous.local_rank)
    with computing(choose_threads(recipe)):
        dataset, error = _try(lambda: load_recipe_data(recipe))
        with _explaining_loss(rendezvous, None), joined(rendezvous, device) as group:
            first, *_ = _exchange(group, {"recipe": digest_recipe(recipe)}, device, error)
            assert dataset is not None
            start = _read_checkpoint(broadcast_bytes(group, b"", device))
            train = recipe.train.model_copy(update={"channels_last": first["channels_last"]})
            settled = recipe.model_copy(update={"train": train})
            streams = Streams(recipe.run.seed)
            setup, error = _try(lambda: set_up(settled, device, streams, dataset))
            _exchange(group, {"data": _digest(setup.splits)} if setup is not None else {}, device, error)
            assert setup is not None
            fit_setup(settled, setup, streams, start=start, group=group)
    return Path(first["folder"])


def _try(make: Callable[[], Made]) -> tuple[Made | None, LoupeError | None]:
    """Return what a function makes, or the mistake that keeps it from that."""
    try:
        return make(), None
    except LoupeError as error:
        return None, error


def _digest(splits: Splits) -> dict[str, str]:
    named = (("train", splits.train), ("validation", splits.validation), ("test", splits.test))
    return {name: part.digest for name, part in named}


def _read_checkpoint(content: bytes) -> Snapshot | None:
    """Return the checkpoint that the first process goes on from; None if it begins."""
    if not content:
        return None
    with tempfile.TemporaryDirectory(prefix="loupe-checkpoint-") as place:
        folder = RunFolder(Path(place))
        folder.checkpoint_file.parent.mkdir(parents=True)
        folder.checkpoint_file.write_bytes(content)
        return folder.read_snapshot()


def _exchange(
    group: ProcessGroup, said: Mapping[str, Any], device: torch.device, error: LoupeError | None = None
) -> list[dict[str, Any]]:
    """Return what all processes say, that of the first one first.

    Args:
        group: the processes.
        said: what this one says of itself.
        device: what it computes on.
        error: what keeps it from beginning; it is raised when the others have heard of it.

    Raises:
        TrainingError: another one cannot begin, or says something else where all have to say the same.
    """
    own = {"host": socket.gethostname(), **said, **({"error": str(error)} if error is not None else {})}
    told: list[dict[str, Any]] = [json.loads(text) for text in gather_texts(group, json.dumps(own), device)]
    if error is not None:
        raise error
    for rank, one in enumerate(told):
        if "error" in one and rank != group.rank:
            raise TrainingError(
                f"Process {rank + 1} of this run, on {one['host']}, cannot begin.",
                got=" ".join(one["error"].split())[:_MOST_CHARACTERS],
                allowed="the recipe's data, plugins and weights at the same place on every machine",
                next_step="mend it there, and start the same command on every machine again",
            )
    if "error" not in said:
        for what in ("recipe", "data"):
            _refuse_others(told, what)
    return told


def _refuse_others(told: list[dict[str, Any]], what: str) -> None:
    if what not in told[0]:
        return
    others = [
        f"process {rank + 1} on {one['host']}"
        for rank, one in enumerate(told)
        if one.get(what) != told[0][what]
    ]
    if others:
        advice = {
            "recipe": "the same recipe and changes on every machine",
            "data": "the same image files on every machine, and the same run or list in data.sides_of",
        }
        raise TrainingError(
            f"The processes of this run do not have the same {what}.",
            got=f"another {what} than the first process: {', '.join(others)}",
            allowed=advice[what],
            next_step="make them alike, and start the same command on every machine again",
        )


@contextlib.contextmanager
def _explaining_loss(rendezvous: Rendezvous, folder: Path | None) -> Iterator[None]:
    """Say what to do where another process is lost.

    Args:
        rendezvous: of this process.
        folder: of the run, where it is this process that has it.
    """
    try:
        yield
    except LostProcessError as error:
        said = next((line.strip() for line in str(error).splitlines() if line.strip()), "no answer")
        run = folder or "RUN"
        raise TrainingError(
            "Another process of this run is gone, or cannot be reached.",
            got=f"{said[:_MOST_CHARACTERS]} (this is process {rendezvous.rank + 1} of {rendezvous.size}, on "
            f"{socket.gethostname()})",
            allowed=f"{rendezvous.size} processes (WORLD_SIZE) that live as long as the run, each with a "
            f"RANK of its own, that all reach {rendezvous.address}:{rendezvous.port}",
            next_step="see what the other machines said. Then start `loupe resume "
            f"{run}` on every machine as before; or go on with this machine alone: unset WORLD_SIZE and "
            f"`loupe resume {run} --processes 1`",
        ) from error
