"""Two ways to compute an expert block: add the experts' maps, or add their kernels and convolve once.

usage: python bench/expert_mixing.py [--rounds N] [--device NAME]

One block, forward and backward, on 32 x 32 maps. The results are equal up to rounding; this says what each
costs in time and in memory kept for the backward pass (every tensor once). Rounds alternate;
milliseconds are medians, the ratio is taken round by round.
"""

import argparse
import statistics
import time

import torch
from torch import Tensor, nn

from loupe.models.expert_net import ExpertBlock
from loupe.runtime import choose_device, describe_device

WAYS = ("maps", "kernels")
SHAPES = [(1, 64, 32), (2, 64, 32), (4, 64, 32), (8, 32, 32), (2, 256, 8)]
SHAPES += [(1, 164, 8), (2, 164, 8), (3, 164, 8), (4, 164, 8), (2, 100, 16)]


def time_step(block: nn.Module, maps: Tensor) -> float:
    """Return the milliseconds of one step, forward and backward."""
    started = time.perf_counter()
    block(maps).sum().backward()
    if maps.device.type == "cuda":
        torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - started)


def count_kept_bytes(block: nn.Module, maps: Tensor) -> int:
    """Return the size of all tensors that the forward pass keeps for the backward pass."""
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        output = block(maps)
    del output
    return sum(kept.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    print(f"{describe_device(device)}, torch {torch.__version__}, {arguments.rounds} rounds in turn")
    print("| experts, channels, batch | maps | kernels | maps / kernels | kept: maps | kept: kernels |")
    print("|---|---|---|---|---|---|")
    for experts, channels, batch in SHAPES:
        blocks = {way: ExpertBlock(channels, experts, way).to(device) for way in WAYS}
        maps = torch.randn(batch, channels, 32, 32, device=device, requires_grad=True)
        rows = []
        for _ in range(arguments.rounds + 1):
            rows.append({way: time_step(block, maps) for way, block in blocks.items()})
        rows = rows[1:]  # the first warms up
        medians = " | ".join(f"{statistics.median(row[way] for row in rows):.0f} ms" for way in WAYS)
        ratios = [row["maps"] / row["kernels"] for row in rows]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        kept = " | ".join(f"{count_kept_bytes(block, maps) / 2**20:.1f} MiB" for block in blocks.values())
        print(f"| {experts}, {channels}, {batch} | {medians} | {spread} | {kept} |")


if __name__ == "__main__":
    main()
