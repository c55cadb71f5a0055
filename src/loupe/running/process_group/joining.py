"""Joining a process group with Lightning Fabric; imported only where there is one."""

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from torch import Tensor

from loupe.training.process_group import LostProcessError

ADDRESS = "127.0.0.1"
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
    """Tells Fabric that all processes of this machine are started already, and which this is."""

    def __init__(self, rank: int, size: int, port: int) -> None:
        self._rank, self._size, self._port = rank, size, port

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return ADDRESS

    @property
    def main_port(self) -> int:
        return self._port

    @staticmethod
    def detect() -> bool:
        return False

    def world_size(self) -> int:
        return self._size

    def set_world_size(self, size: int) -> None:
        pass

    def global_rank(self) -> int:
        return self._rank

    def set_global_rank(self, rank: int) -> None:
        pass

    def local_rank(self) -> int:
        return self._rank

    def node_rank(self) -> int:
        return 0


@contextlib.contextmanager
def joined(rank: int, size: int, port: int, device: torch.device) -> Iterator[FabricGroup]:
    """Join a process group inside the block; returns when all its processes have.

    Fabric chooses how they talk (gloo between CPUs, NCCL between GPUs) and each process's GPU.

    Args:
        rank: which process this is.
        size: how many there are.
        port: where the first one listens.
        device: what kind of device all of them compute on.
    """
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it greets on the terminal
    before = {name: os.environ.get(name) for name in _SET_BY_FABRIC}
    fabric = Fabric(
        accelerator=device.type, devices=size, strategy="ddp", plugins=[_Started(rank, size, port)]
    )
    try:
        fabric.launch()
        yield FabricGroup(rank, size)
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
