"""Several processes that train one network: each on its share of every batch, with sums over all of them."""

from typing import Protocol

import torch
from torch import Tensor, nn


class LostProcessError(RuntimeError):
    """A sum failed: another process of the group is gone."""


class ProcessGroup(Protocol):
    """The processes that train one network together, as one of them sees it."""

    @property
    def rank(self) -> int:
        """Which one this is: 0, 1, …"""

    @property
    def size(self) -> int:
        """How many there are, ≥ 2."""

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """Return the sum of the tensors that all processes call this with, the same to the bit for each.

        Raises:
            LostProcessError: another process is gone.
        """


def reduce_step(
    group: ProcessGroup, model: nn.Module, mean_loss: Tensor, correct: Tensor | None, share: float
) -> tuple[Tensor, Tensor | None]:
    """Return mean loss and right answers of a whole batch, and leave its gradients in the network.

    Losses and gradients are means over images, so those of the whole batch are the sum of each process's,
    weighted by its share. The running statistics of batch norm are averaged in the same way, while each
    process normalises its own images by their own mean and deviation. All of it goes through one sum a step,
    after which the network is the same to the bit in all processes.

    Args:
        group: the processes of the group.
        model: with the gradients of this process's images.
        mean_loss: over this process's images, a scalar.
        correct: how right each of its answers is, (images,); None where nothing is right or wrong.
        share: part of the batch's images that this process has, in (0, 1).
    """
    tensors = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    tensors += [*find_running_statistics(model), mean_loss.detach().clone()]
    weighted = [share * tensor.flatten() for tensor in tensors]
    if correct is not None:
        weighted.append(correct.sum(dtype=mean_loss.dtype).view(1))
    total = group.all_reduce(torch.cat(weighted))
    *parts, rest = total.split([*(tensor.numel() for tensor in tensors), 0 if correct is None else 1])
    for tensor, part in zip(tensors, parts, strict=True):
        tensor.copy_(part.view(tensor.shape))
    return tensors[-1], None if correct is None else rest


def broadcast_weights(group: ProcessGroup, model: nn.Module) -> None:
    """Give the network of every process the weights and statistics of the first one's, in place."""
    tensors = [tensor for tensor in model.state_dict().values() if tensor.is_floating_point()]
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    total = group.all_reduce(flat if group.rank == 0 else torch.zeros_like(flat))
    parts = total.split([tensor.numel() for tensor in tensors])
    with torch.no_grad():
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))


def gather_rows(group: ProcessGroup, tensor: Tensor) -> Tensor:
    """Return the rows of all processes, those of the first one first, the same for each.

    Args:
        group: the processes.
        tensor: (rows, …) of this process, numbers; the others may have other numbers of rows.
    """
    own = [len(tensor) if rank == group.rank else 0 for rank in range(group.size)]
    counts = group.all_reduce(torch.tensor(own, device=tensor.device)).tolist()
    whole = tensor.new_zeros((sum(counts), *tensor.shape[1:]))
    start = sum(counts[: group.rank])
    whole[start : start + len(tensor)] = tensor
    return group.all_reduce(whole)


def gather_texts(group: ProcessGroup, text: str, device: torch.device) -> list[str]:
    """Return what each process says, that of the first one first, the same for each."""
    rows = [broadcast_bytes(group, text.encode(), device, rank) for rank in range(group.size)]
    return [row.decode() for row in rows]


def broadcast_bytes(group: ProcessGroup, content: bytes, device: torch.device, sender: int = 0) -> bytes:
    """Return the bytes of one process, the same for each; what the others bring does not matter."""
    is_sender = group.rank == sender
    length = torch.tensor([len(content) if is_sender else 0], device=device)
    total = torch.zeros(int(group.all_reduce(length)), dtype=torch.uint8, device=device)
    if is_sender and content:
        total.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
    return group.all_reduce(total).cpu().numpy().tobytes() if len(total) else b""


def find_running_statistics(model: nn.Module) -> list[Tensor]:
    """Return the running statistics that training moves: buffers called `running_…` of layers that train."""
    return [
        buffer
        for module in model.modules()
        if module.training
        for name, buffer in module.named_buffers(recurse=False)
        if name.startswith("running_") and buffer.is_floating_point()
    ]


def name_network_stream(group: ProcessGroup | None) -> str:
    """Return the stream of the randomness inside the network: the first process's is that of a single one."""
    return "network" if group is None or group.rank == 0 else f"network of process {group.rank}"
