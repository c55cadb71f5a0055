"""What the network costs where it runs now: time for one image and for many, arithmetic, size."""

import statistics
import time
from collections.abc import Callable
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from loupe.data import ImageDataset
from loupe.evaluations.finding import COUNT, Cell, Column, Finding, Table, Value, write_value
from loupe.evaluations.network import Network
from loupe.evaluations.registry import register_evaluation
from loupe.runtime import describe_device
from loupe.statistics.intervals import Interval, compute_median_interval
from loupe.training.measure import evaluating, run_model

_BATCHES = (1, 8, 32, 128, 512)
_FEWEST = 6  # passes of a size: of fewer, no interval of the median reaches 95 %
_COLUMNS = (
    Column("images at once", COUNT),
    Column("ms a batch", "ms"),
    Column("from", "ms"),
    Column("to", "ms"),
    Column("images a second", COUNT),
)


@register_evaluation(
    "cost",
    title="What it costs",
    chapter="Cost",
    order=58,
    split="validation",
    is_default=False,  # what others find is the same whenever they look; times are not
    takes_seconds=True,
)
def measure_cost(
    images: ImageDataset,
    network: Network,
    level: float,
    seconds: Annotated[float, Field(gt=0, le=600, description="Time for each size of batch, > 0.")] = 0.1,
) -> Finding:
    """Time for one image and for the best batch on this machine, multiply-adds, parameters, size.

    Costs half a second, more where a pass takes long: each size of batch is run at least six times.
    Medians, with an interval of the median by order statistics; pixels are in memory, in the network's form.
    """
    sizes = [size for size in _BATCHES if size <= len(images)] or [len(images)]
    inputs = _prepare(images, network, max(sizes))
    timed = {size: _time(network, inputs[:size], seconds) for size in sizes}
    medians = {size: statistics.median(times) for size, times in timed.items()}
    ends = {size: compute_median_interval(times, level) for size, times in timed.items()}
    best = min(medians, key=lambda size: medians[size] / size)
    table = network.layers
    where = describe_device(network.device)
    sentence = (
        f"One image takes {1000 * medians[sizes[0]] / sizes[0]:.3g} ms here ({where}), and at best "
        f"{best / medians[best]:,.0f} images a second are told apart, {best} at once; an image costs "
        f"{write_value(table.multiply_adds, COUNT)} multiply-adds, and the weights of "
        f"{write_value(table.parameters, COUNT)} parameters take {table.parameters * 4 / 2**20:.2f} MiB."
    )
    values = [
        Value("time for one image", 1000 * medians[sizes[0]] / sizes[0], "ms", _scale(ends[sizes[0]], 1000)),
        Value("images a second at best", best / medians[best], COUNT, _invert(ends[best], best)),
        Value("multiply-adds an image", table.multiply_adds, COUNT),
        Value("parameters", table.parameters, COUNT),
        Value("weights", table.parameters * 4 / 2**20, "MiB"),
    ]
    rows: list[tuple[Cell, ...]] = [
        (
            size,
            1000 * medians[size],
            1000 * ends[size].low,
            1000 * ends[size].high,
            round(size / medians[size]),
        )
        for size in sizes
    ]
    note = (
        f"Medians of {_FEWEST} to {max(map(len, timed.values()))} passes, one after another, on {where}; "
        "other work on the machine makes them longer. Reading files and normalisation are not in them."
    )
    return Finding(sentence, values, [Table("", _COLUMNS, tuple(rows), note)])


def _prepare(images: ImageDataset, network: Network, count: int) -> Tensor:
    """Return the first images as the network takes them, (count, channels, height, width) on its device."""
    some = images.take(slice(count))
    return torch.cat([batch.images for batch in network.batches(some)])


def _time(network: Network, inputs: Tensor, seconds: float) -> list[float]:
    """Return how long passes of a batch took, in seconds each, the first left out."""
    wait: Callable[[], None] = torch.cuda.synchronize if network.device.type == "cuda" else lambda: None
    times: list[float] = []
    with evaluating(network.model):
        run_model(network.model, inputs, network.precision)
        wait()
        until = time.perf_counter() + seconds
        while len(times) < _FEWEST or time.perf_counter() < until:
            started = time.perf_counter()
            run_model(network.model, inputs, network.precision)
            wait()
            times.append(time.perf_counter() - started)
    return times


def _scale(interval: Interval, factor: float) -> Interval:
    return Interval(factor * interval.low, factor * interval.high)


def _invert(interval: Interval, count: int) -> Interval:
    return Interval(count / interval.high, count / interval.low)
