"""What is left of the accuracy where pixels are changed on purpose, by a little each."""

from collections.abc import Iterator
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from loupe.data import ImageDataset, pick_stratified
from loupe.data.batches import limit_batch
from loupe.evaluations.finding import Cell, Chart, Column, Finding, Gallery, Line, ShownImage, Table, Value
from loupe.evaluations.network import Network
from loupe.evaluations.registry import register_evaluation
from loupe.inspection.attacks import attack_by_steps, attack_once
from loupe.statistics import compute_wilson_interval

BUDGETS = (1, 2, 4, 8)
"""Largest change of a pixel, in levels of 255."""
_SHOWN = 8
_FEWEST = 50


@register_evaluation(
    "adversarial", title="Attacked", chapter="Robustness", order=58, split="validation", is_default=False
)
def measure_adversarial(
    images: ImageDataset,
    network: Network,
    level: float,
    seed: int,
    steps: Annotated[int, Field(ge=1, le=1000, description="Steps of PGD, 1 to 1000.")] = 10,
    most: Annotated[int, Field(ge=1, description="Images attacked, ≥ 1; fewer of a costly network.")] = 200,
) -> Finding:
    """Accuracy where each pixel may change by 1 to 8 of 255 levels: FGSM (one step) and PGD (ten).

    An image counts as right if it is right as it is and under the attack. Costs four times as many steps,
    each a pass forward and back, for 50 to 200 images.
    """
    passes = 1 + len(BUDGETS) * 3 * (2 + steps)
    count = max(_FEWEST, min(most, network.afford(most * passes) // passes))
    some = images.select(pick_stratified(images.labels.cpu(), count, seed))
    plain = network.predict(some).is_right.cpu()
    right = {
        name: torch.stack([is_right for _, is_right in _attack_all(network, some, name, steps, seed)]) & plain
        for name in ("FGSM", "PGD")
    }
    total = len(plain)
    values = [_measure("accuracy of these images as they are", plain, level)]
    rows: list[tuple[Cell, ...]] = []
    for name, by_budget in right.items():
        for budget, is_right in zip(BUDGETS, by_budget, strict=True):
            value = _measure(f"accuracy under {name}, {budget}/255", is_right, level)
            assert value.interval is not None
            values.append(value)
            rows.append((name, f"{budget}/255", value.value, value.interval.low, value.interval.high))
    lines = tuple(
        Line(name, (float(plain.double().mean()), *by_budget.double().mean(1).tolist()))
        for name, by_budget in right.items()
    )
    x = (0.0, *(float(one) for one in BUDGETS))
    note = "The budget is the largest change of any pixel. 0 is the image as it is."
    columns = (
        Column("attack"),
        Column("budget"),
        *(Column(one, "percent") for one in ("right", "from", "to")),
    )
    strip, made = _show_strip(network, some, plain, right["PGD"][-1], steps, seed)
    blocks: list[Chart | Table | Gallery] = [
        Chart("Accuracy under attack", x, lines, "budget (levels of 255)", "right", True, note),
        Table(
            "", columns, tuple(rows), f"{total:,} of {len(images):,} validation images; PGD in {steps} steps."
        ),
        *([strip] if strip.images else []),
    ]
    by_name = {one.name: one for one in values}
    least, worst = (by_name[f"accuracy under PGD, {one}/255"] for one in (BUDGETS[0], BUDGETS[-1]))
    sentence = (
        f"Of {total:,} images {values[0].write()} are right as they are; where each pixel may change by one "
        f"level of 255, {least.write()}, by eight, {worst.write()} (PGD)."
    )
    return Finding(sentence, values, blocks, made, len(plain))


def _measure(name: str, is_right: Tensor, level: float) -> Value:
    correct, total = int(is_right.sum()), len(is_right)
    return Value(name, correct / total, "percent", compute_wilson_interval(correct, total, level))


def _attack_all(
    network: Network, some: ImageDataset, name: str, steps: int, seed: int, budgets: tuple[int, ...] = BUDGETS
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield for each budget the images attacked, float in [0, 255], and whether each is still right."""
    pixels, labels = some.pixels.to(network.device).float(), some.labels.to(network.device)
    size = limit_batch(network.batch_size, some.image_size)
    for budget in budgets:
        generator = torch.Generator().manual_seed(seed)
        changed = []
        for start in range(0, len(pixels), size):
            part = slice(start, start + size)
            if name == "FGSM":
                one = attack_once(network.model, network.normalization, pixels[part], labels[part], budget)
            else:
                one = attack_by_steps(
                    network.model,
                    network.normalization,
                    pixels[part],
                    labels[part],
                    budget,
                    steps=steps,
                    generator=generator,
                )
            changed.append(one)
        attacked = torch.cat(changed)
        yield attacked, (_predict(network, attacked) == labels).cpu()


def _predict(network: Network, pixels: Tensor) -> Tensor:
    """Return the class named for each image, (images,) int64."""
    scale, shift = network.normalization.scale_and_shift(pixels.device)
    size = limit_batch(network.batch_size, (pixels.shape[2], pixels.shape[3]))
    with torch.no_grad():
        return torch.cat([network.model(part * scale + shift).argmax(1) for part in pixels.split(size)])


def _show_strip(
    network: Network, some: ImageDataset, plain: Tensor, still: Tensor, steps: int, seed: int
) -> tuple[Gallery, Tensor | None]:
    """Return some images that the largest attack turned, each beside what it was turned into."""
    turned = (plain & ~still).nonzero().flatten()[:_SHOWN]
    title = f"Turned by {BUDGETS[-1]}/255"
    if not len(turned):
        return Gallery(title, ()), None
    few = some.select(turned)
    ((attacked, _),) = _attack_all(network, few, "PGD", steps, seed, BUDGETS[-1:])
    named, names = _predict(network, attacked).tolist(), some.class_names
    pixels = torch.stack([few.pixels.cpu(), attacked.round().to(torch.uint8).cpu()], 1).flatten(0, 1)
    shown = []
    for index, label in enumerate(few.labels.tolist()):
        shown.append(ShownImage(2 * index, names[label], split="made"))
        shown.append(
            ShownImage(2 * index + 1, names[named[index]], is_right=named[index] == label, split="made")
        )
    return Gallery(title, tuple(shown), note="Each image as it is, and as the attack left it."), pixels
