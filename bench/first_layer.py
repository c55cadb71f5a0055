"""What `FastStack` and `FastMaxPool2d` gain on this machine: one training step, layer by layer and as one.

usage: python bench/first_layer.py [--rounds N]

A convolution of one or three channels, 2 x 2 max-pooling and ReLU, forward and backward, at batch 100.
Rounds alternate; milliseconds are medians, the ratio is taken round by round.
"""

import argparse
import statistics
import time
from collections import OrderedDict

import torch
from torch import Tensor, nn

from loupe.models.layers.fast_max_pool import FastMaxPool2d
from loupe.models.layers.fast_stack import FastStack
from loupe.runtime import describe_device

SHAPES = [(1, 6, 28), (1, 24, 28), (3, 24, 32), (3, 64, 32)]
STEPS = 40


def build_ways(in_channels: int, channels: int) -> dict[str, nn.Module]:
    """Return the same layers in three ways."""
    conv = nn.Conv2d(in_channels, channels, 5)

    def stack(kind: type[nn.Sequential], pool: nn.Module) -> nn.Module:
        return kind(OrderedDict(conv=conv, pool=pool, relu=nn.ReLU()))

    return {
        "torch": stack(nn.Sequential, nn.MaxPool2d(2)),
        "fast pool": stack(nn.Sequential, FastMaxPool2d()),
        "as one": stack(FastStack, FastMaxPool2d()),
    }


def time_steps(network: nn.Module, images: Tensor) -> float:
    """Return the milliseconds of one step, forward and backward."""
    started = time.perf_counter()
    for _ in range(STEPS):
        network(images).sum().backward()
    return 1000 * (time.perf_counter() - started) / STEPS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print(f"{describe_device(torch.device('cpu'))}, torch {torch.__version__}, {rounds} rounds in turn")
    print("| channels in, out | image | torch | fast pool | as one | torch / as one |")
    print("|---|---|---|---|---|---|")
    for in_channels, channels, size in SHAPES:
        ways, images = build_ways(in_channels, channels), torch.randn(100, in_channels, size, size)
        rows = []
        for _ in range(rounds + 1):
            rows.append({name: time_steps(network, images) for name, network in ways.items()})
        rows = rows[1:]  # the first warms up
        medians = " | ".join(f"{statistics.median(row[name] for row in rows):.2f} ms" for name in ways)
        ratios = [row["torch"] / row["as one"] for row in rows]
        spread = f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
        print(f"| {in_channels}, {channels} | {size} x {size} | {medians} | {spread} |")


if __name__ == "__main__":
    main()
