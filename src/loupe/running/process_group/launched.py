"""Processes that somebody else started, on one machine or several: what torchrun's variables say of one."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from loupe.errors import LoupeError
from loupe.recipe import Recipe

_NAMES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_NEXT_STEP = (
    "start it with torchrun (python -m torch.distributed.run), which sets them; or unset WORLD_SIZE, "
    "to train on this machine alone"
)


@dataclass(frozen=True)
class Rendezvous:
    """A process's place in a process group.

    Args:
        rank: which process this is: 0, 1, …
        size: how many there are, ≥ 2.
        address: the machine of the first one.
        port: where the first one listens.
        local_rank: which process of its machine this is.
        local_size: how many its machine has.
    """

    rank: int
    size: int
    address: str
    port: int
    local_rank: int
    local_size: int

    @classmethod
    def on_this_machine(cls, rank: int, size: int, port: int) -> "Rendezvous":
        """Return the rendezvous of a process whose group is all on this machine."""
        return cls(rank, size, "127.0.0.1", port, rank, size)


def find_rendezvous(environment: Mapping[str, str] = os.environ) -> Rendezvous | None:
    """Return this process's place among those that torchrun or its like started; None if it is alone.

    RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT say it, LOCAL_RANK and LOCAL_WORLD_SIZE which processes
    share the machine.

    Raises:
        LoupeError: there are several, and the variables do not say which this is.
    """
    if environment.get("WORLD_SIZE", "1").strip() in ("", "1"):
        return None
    try:
        rank, size, port = (int(environment[name]) for name in ("RANK", "WORLD_SIZE", "MASTER_PORT"))
        local_rank = int(environment.get("LOCAL_RANK", "0"))
        local_size = max(int(environment.get("LOCAL_WORLD_SIZE", "1")), local_rank + 1)
        rendezvous = Rendezvous(rank, size, environment["MASTER_ADDR"], port, local_rank, local_size)
    except (KeyError, ValueError):
        raise _refuse(environment) from None
    if not (0 <= rank < size and local_rank >= 0 and local_size <= size and 0 < port < 2**16):
        raise _refuse(environment)
    return rendezvous


def _refuse(environment: Mapping[str, str]) -> LoupeError:
    names = (*_NAMES, "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    said = [f"{name}={environment[name]}" for name in names if name in environment]
    missing = [f"no {name}" for name in _NAMES if name not in environment]
    return LoupeError(
        "WORLD_SIZE says that several processes train together, but not which one this is.",
        got=", ".join([*said, *missing]),
        allowed="RANK from 0 to WORLD_SIZE - 1, another one in each process; MASTER_ADDR and MASTER_PORT of "
        "the first, the same in all",
        next_step=_NEXT_STEP,
    )


def settle_processes(recipe: Recipe) -> Recipe:
    """Return a recipe with as many processes as were started; as it is if nobody started several.

    Raises:
        LoupeError: it wants another number of them, or several runs.
    """
    rendezvous = find_rendezvous()
    if rendezvous is None:
        return recipe
    if recipe.run.processes not in (1, rendezvous.size):
        raise LoupeError(
            "The recipe wants another number of processes than were started.",
            got=f"run.processes={recipe.run.processes}, WORLD_SIZE={rendezvous.size}",
            allowed="the same number, or run.processes left out",
            next_step=f"leave run.processes out, or set run.processes={rendezvous.size}",
        )
    if recipe.run.seeds:
        raise LoupeError(
            "Processes that were started together train one run, not several.",
            got=f"run.seeds={list(recipe.run.seeds)}, WORLD_SIZE={rendezvous.size}",
            allowed="one seed: run.seed",
            next_step="start them once for each seed; or let a study's runs go over machines: "
            "loupe study … --engine ray",
        )
    return recipe.model_copy(update={"run": recipe.run.model_copy(update={"processes": rendezvous.size})})
