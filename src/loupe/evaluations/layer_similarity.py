"""How alike two networks compute, layer by layer: linear centred kernel alignment."""

from collections.abc import Iterator
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from loupe.data import ImageDataset, pick_stratified
from loupe.data.batches import EvaluationBatches
from loupe.errors import LoupeError
from loupe.evaluations.finding import Finding, HeatMap, Value
from loupe.evaluations.network import Network
from loupe.evaluations.registry import register_evaluation
from loupe.inspection.gram_matrices import compute_gram_matrices
from loupe.statistics import Interval
from loupe.statistics.similarity import MinibatchCka

_BATCH = 100  # images whose outputs are compared at once: the estimator is unbiased, whatever the number
_FEWEST = 100
_Asked = tuple[Network, ImageDataset, list[str]]


@register_evaluation(
    "layer_similarity",
    title="What their layers compute",
    chapter="The two networks",
    order=8,
    split="validation",
)
def compare_layers(
    images: ImageDataset,
    network: Network,
    against_network: Network,
    names: tuple[str, str],
    level: float,
    seed: int,
    against_images: ImageDataset | None = None,
    most: Annotated[
        int, Field(ge=8, description="Images shown to both, ≥ 8; fewer of a costly network.")
    ] = 1000,
    layers: Annotated[int, Field(ge=1, le=40, description="Layers of each network, at most.")] = 12,
) -> Finding:
    """Linear CKA of the layers of two networks (Kornblith et al., 2019), unbiased, over minibatches.

    Costs 100 to 1,000 forward passes of both: about a second of a small network.
    """
    count = min(len(images), max(_FEWEST, min(most, network.afford(most), against_network.afford(most))))
    chosen = _draw(images.labels.cpu(), count - count % _BATCH if count > _BATCH else count, seed)
    others = against_images if against_images is not None else images
    gathered, rows, columns = _gather(
        (network, images.select(chosen), choose_layers(network, layers)),
        (against_network, others.select(chosen), choose_layers(against_network, layers)),
    )
    alike = gathered.compute()
    drawn = gathered.resample(seed, 200)
    best = alike.nan_to_num(-1).argmax(1)
    index = torch.arange(len(rows))
    if rows == columns:  # of one architecture: layer by layer
        best = index
    mean = Value(
        "mean similarity of corresponding layers",
        float(alike[index, best].nanmean().clamp(0, 1)),
        "",
        _interval(drawn[:, index, best].nanmean(1), float(alike[index, best].nanmean()), level),
    )
    ends = [
        Value(
            f"similarity of {rows[row]}",
            float(alike[row, best[row]].clamp(0, 1)),
            "",
            _interval(drawn[:, row, int(best[row])], float(alike[row, best[row]]), level),
        )
        for row in _find_ends(alike[index, best])
    ]
    cells = tuple(
        tuple(None if value != value else min(1.0, max(0.0, value)) for value in row)
        for row in alike.tolist()
    )
    note = (
        f"Linear CKA over {len(chosen):,} validation images, unbiased estimator over batches of {_BATCH} "
        "(Nguyen et al., 2021): 1 where two layers find the same images alike, up to rotation and scale."
    )
    axes = (f"layers of {names[1]}", f"layers of {names[0]}")
    heat = HeatMap("", tuple(rows), tuple(columns), cells, axes, note)
    return Finding(_say(mean, ends, rows == columns), [mean, *ends], [heat], num_images=len(chosen))


def _draw(labels: Tensor, count: int, seed: int) -> Tensor:
    """Return positions of images, classes as in the whole, in an order in which batches are mixed."""
    chosen = torch.as_tensor(pick_stratified(labels, count, seed))
    return chosen[torch.randperm(len(chosen), generator=torch.Generator().manual_seed(seed))]


def _gather(ours: _Asked, theirs: _Asked) -> tuple[MinibatchCka, list[str], list[str]]:
    """Return CKA of the layers that give one tensor an image, and their names."""
    gathered = MinibatchCka()
    rows, columns = list[str](), list[str]()
    for first, second in zip(_compute(*ours), _compute(*theirs), strict=True):
        rows = rows or [name for name in ours[2] if name in first]
        columns = columns or [name for name in theirs[2] if name in second]
        if not rows or not columns:
            raise LoupeError(
                "There are no two layers to compare.",
                got="a network none of whose layers gives one tensor an image",
                allowed="networks with layers",
                next_step="leave this look out",
            )
        gathered.add([first[name] for name in rows], [second[name] for name in columns])
    return gathered, rows, columns


def _compute(network: Network, images: ImageDataset, layers: list[str]) -> Iterator[dict[str, Tensor]]:
    batches = EvaluationBatches(images.to(network.device), network.normalization, _BATCH)
    return compute_gram_matrices(network.model, batches, layers, network.precision)


def choose_layers(network: Network, most: int) -> list[str]:
    """Return names of layers that multiply, spread evenly over the depth, first and last among them."""
    names = [row.name for row in network.layers.rows if row.multiply_adds and row.name != "(itself)"]
    if len(names) <= most:
        return names
    return [names[round(place * (len(names) - 1) / max(1, most - 1))] for place in range(most)]


def _find_ends(alike: Tensor) -> list[int]:
    """Return the rows of the most and the least alike layer."""
    most, least = int(alike.nan_to_num(-1).argmax()), int(alike.nan_to_num(2).argmin())
    return [most] if most == least else [most, least]


def _interval(drawn: Tensor, value: float, level: float) -> Interval | None:
    kept = drawn[~drawn.isnan()].double()
    if len(kept) < 2 or value != value or float(kept.max() - kept.min()) < 1e-9:
        return None
    ends = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
    low, high = kept.quantile(ends).tolist()
    return Interval(max(0.0, min(low, value)), min(1.0, max(high, value)))


def _say(mean: Value, ends: list[Value], is_one_architecture: bool) -> str:
    which = (
        "Layers at the same place" if is_one_architecture else "Each layer and the most alike of the other"
    )
    said = f"{which} have a similarity (linear CKA) of {mean.write()} on average"
    if len(ends) < 2:
        return f"{said}."
    most, least = (f"{one.name.removeprefix('similarity of ')}, {one.write()}" for one in ends)
    return f"{said}; most alike is {most}, least {least}."
