"""Joining a process group with Lightning Fabric; imported only where there is one."""

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor

from loupe.errors import LoupeError
from loupe.running.process_group.launched import Rendezvous
from loupe.training.process_group import LostProcessError

PATIENCE_SECONDS = 1800.0  # torch's own: machines may decode images for long
_used: set[tuple[str, int]] = set()  # what listened there may still do so, or be another's by now
_SET_BY_FABRIC = ("MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class FabricGroup:
    """A process's rank in a process group that Fabric has joined.

    Args:
        rank: which process this is.
        size: how many there are.
    """

    rank: int
    size: int

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """Return the sum over all processes; the tensor itself becomes it.

        Raises:
            LostProcessError: another process is gone.
        """
        try:
            # Fabric's own sum has all processes wait for one another first, which a step need not pay for
            torch.distributed.all_reduce(tensor)
        except RuntimeError as error:
            raise LostProcessError(str(error)) from error
        return tensor


class _Started(ClusterEnvironment):
    """Tells Fabric that all processes are started already, and which this is."""

    def __init__(self, rendezvous: Rendezvous) -> None:
        self._rendezvous = rendezvous

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return self._rendezvous.address

    @property
    def main_port(self) -> int:
        return self._rendezvous.port

    @staticmethod
    def detect() -> bool:
        return False

    def world_size(self) -> int:
        return self._rendezvous.size

    def set_world_size(self, size: int) -> None:
        pass

    def global_rank(self) -> int:
        return self._rendezvous.rank

    def set_global_rank(self, rank: int) -> None:
        pass

    def local_rank(self) -> int:
        return self._rendezvous.local_rank

    def node_rank(self) -> int:
        return 0


@contextlib.contextmanager
def joined(
    rendezvous: Rendezvous, device: torch.device, *, patience_seconds: float = PATIENCE_SECONDS
) -> Iterator[FabricGroup]:
    """Join a process group inside the block; returns when all its processes have.

    Fabric chooses how they talk (gloo between CPUs, NCCL between GPUs) and each process's GPU.

    Args:
        rendezvous: which process this is, and where the first one listens.
        device: what kind of device all of them compute on.
        patience_seconds: how long the others are waited for, here and at every step.

    Raises:
        LostProcessError: the others did not come in time.
        LoupeError: these processes have trained together before.
    """
    if (rendezvous.address, rendezvous.port) in _used:
        raise LoupeError(
            "These processes have trained a run together already.",
            got=f"another training over {rendezvous.address}:{rendezvous.port}",
            allowed="one run each time they are started",
            next_step="start them again for the next run",
        )
    _used.add((rendezvous.address, rendezvous.port))
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it greets on the terminal
    before = {name: os.environ.get(name) for name in _SET_BY_FABRIC}
    strategy = DDPStrategy(timeout=timedelta(seconds=patience_seconds))
    fabric = Fabric(
        accelerator=device.type,
        devices=rendezvous.local_size,
        strategy=strategy,
        plugins=[_Started(rendezvous)],
    )
    try:
        try:
            fabric.launch()
        except RuntimeError as error:  # torch's own errors of a rendezvous are
            raise LostProcessError(str(error)) from error
        yield FabricGroup(rendezvous.rank, rendezvous.size)
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
