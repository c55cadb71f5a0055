"""A network as one picture: the stations an image comes through, from pixels to the answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from loupe.inspection.flow_words import SIGNS, Role, find_role, say_step
from loupe.inspection.tracing import TracedStep, find_block, trace_steps

_MOST_SIDE = 128  # pixels of a map that is kept to be drawn


@dataclass(frozen=True, eq=False)
class Station:
    """Something the image comes through: a layer with what only works on its result, or where ways join.

    Args:
        name: of its first layer; of a function where it stands in the network's code.
        role: what it is, for whoever draws it.
        words: what happens, in order: "conv 5 × 5", "ReLU".
        layers: names of the layers in it, in order.
        shape: of what it gives for one image: (channels, height, width), (tokens, width) or (units,).
        block: name of the part of the network it belongs to; "" outside any.
        block_kind: class of that part.
        parameters: numbers it holds.
        values: what is shown of its output: (height, width) of one channel, (tokens, width), (units,); of
            an image all its pixels as uint8, (channels, height, width).
        channel: which channel is shown, from 0: the one that varies most; None if there is no choice.
        sign: of a place where ways join: "+", "×", "‖"; "" elsewhere.
        experts: how many experts lie side by side in it; 0 if none do.
        has_shortcut: whether a whole block stands here that adds what it is given.
    """

    name: str
    role: Role
    words: tuple[str, ...]
    layers: tuple[str, ...]
    shape: tuple[int, ...]
    block: str = ""
    block_kind: str = ""
    parameters: int = 0
    values: Tensor | None = None
    channel: int | None = None
    sign: str = ""
    experts: int = 0
    has_shortcut: bool = False

    @property
    def title(self) -> str:
        """Its name inside its block."""
        inside = self.name.removeprefix(f"{self.block}.") if self.block else self.name
        return inside.removesuffix("()").removeprefix("layers.").replace("()#", " #")


@dataclass(frozen=True)
class Link:
    """What goes from one station to another.

    Args:
        source: number of the station it comes from.
        target: number of the station it goes to.
        is_shortcut: whether it goes around other stations.
        is_assumed: whether it only follows from the order of the calls.
    """

    source: int
    target: int
    is_shortcut: bool = False
    is_assumed: bool = False


@dataclass(frozen=True, eq=False)
class Flow:
    """A network as one picture.

    Args:
        stations: in the order an image comes through; the first is the image.
        links: between them.
        class_names: of the units of the last station; empty if it names no classes.
    """

    stations: tuple[Station, ...]
    links: tuple[Link, ...]
    class_names: tuple[str, ...] = ()

    @property
    def blocks(self) -> dict[str, list[int]]:
        """The numbers of the stations of each block, in order."""
        found: dict[str, list[int]] = {}
        for number, station in enumerate(self.stations):
            if station.block:
                found.setdefault(station.block, []).append(number)
        return found

    @property
    def main_way(self) -> list[int]:
        """The stations on the way from the image to the end that carries most; the others lie beside it."""
        return _find_main_way(self.stations, self.links)


def trace_flow(
    model: nn.Module,
    image: Tensor,
    picture: Tensor,
    *,
    class_names: Sequence[str] = (),
    probabilities: Tensor | None = None,
) -> Flow:
    """Return a network as one picture of what it makes of an image.

    Args:
        model: any network.
        image: (channels, height, width) float, as the network takes it, on its device.
        picture: (channels, height, width) uint8, the same for people.
        class_names: of a classifier; adds the softmax as the last station.
        probabilities: (classes,), what the softmax gives; computed from the last output if left out.
    """
    steps = trace_steps(model, image)
    merged = _merge(steps)
    place = {number: station for station, numbers in enumerate(merged) for number in numbers}
    stations = [_describe_image(picture)]
    for numbers in merged[1:]:
        stations.append(_describe(model, [steps[number] for number in numbers]))
    links = [
        Link(place[source], index, is_assumed=steps[numbers[0]].is_assumed)
        for index, numbers in enumerate(merged)
        for source in steps[numbers[0]].sources
    ]
    last = steps[-1].output
    if class_names and last.shape == (len(class_names),):
        shares = last.softmax(0) if probabilities is None else probabilities
        stations.append(
            Station("softmax", "softmax", ("softmax",), (), tuple(last.shape), values=shares.float().cpu())
        )
        links.append(Link(len(stations) - 2, len(stations) - 1))
    else:
        class_names = ()
    stations = _mark_experts(stations, links)
    return Flow(tuple(stations), mark_shortcuts(stations, links), tuple(class_names))


def _merge(steps: Sequence[TracedStep]) -> list[list[int]]:
    """Return the numbers of the steps of each station: a step that only works on one result joins it."""
    users: dict[int, set[int]] = {}
    for number, step in enumerate(steps):
        for source in step.sources:
            users.setdefault(source, set()).add(number)
    stations: list[list[int]] = []
    place: dict[int, int] = {}
    for number, step in enumerate(steps):
        source = step.sources[0] if len(step.sources) == 1 else 0
        joins = (
            source > 0
            and users[source] == {number}
            and stations[place[source]][-1] == source
            and _works_in_place(step, steps[source])
        )
        if joins:
            place[number] = place[source]
            stations[place[number]].append(number)
        else:
            place[number] = len(stations)
            stations.append([number])
    return stations


def _works_in_place(step: TracedStep, before: TracedStep) -> bool:
    """Return whether a step only works on the numbers of a result: a norm, an activation, dropout."""
    weight = getattr(step.module, "weight", None)
    multiplies = isinstance(weight, Tensor) and weight.ndim > 1
    is_own = step.module is None and step.kind in ("convolution", "dense", "attention", "concatenate")
    is_pool = "pool" in step.kind.casefold() or step.kind == "Softmax"
    is_gate = step.module is not None and bool(list(step.module.children()))
    return step.output.shape == before.output.shape and not (multiplies or is_own or is_pool or is_gate)


def _describe_image(picture: Tensor) -> Station:
    return Station("image", "image", (), (), tuple(picture.shape), values=picture.cpu())


def _describe(model: nn.Module, steps: Sequence[TracedStep]) -> Station:
    first, last = steps[0], steps[-1]
    where = first.name if first.module is not None else f"{first.container}.{first.kind}"
    block = find_block(model, where)
    modules = [one.module for one in steps if one.module is not None]
    values, channel = _choose_values(last.output)
    return Station(
        name=first.name,
        role=find_role(first),
        words=tuple(filter(None, (say_step(one) for one in steps))),
        layers=tuple(_list_layers(steps)),
        shape=tuple(last.output.shape),
        block=block,
        block_kind=type(model.get_submodule(block)).__name__ if block else "",
        parameters=sum(one.numel() for module in modules for one in module.parameters()),
        values=values,
        channel=channel,
        sign=SIGNS.get(first.kind, "∘") if first.module is None and len(first.sources) > 1 else "",
    )


def _list_layers(steps: Iterable[TracedStep]) -> Iterable[str]:
    for step in steps:
        if step.module is None:
            continue
        children = [name for name, one in step.module.named_modules() if name and not list(one.children())]
        yield from [f"{step.name}.{name}" for name in children] or [step.name]


def _choose_values(output: Tensor) -> tuple[Tensor | None, int | None]:
    """Return what is shown of an output: the channel that varies most, no larger than can be seen."""
    if output.ndim == 3:
        channel = int(torch.nan_to_num(output.flatten(1)).std(1, correction=0).argmax())
        step = -(-max(output.shape[1:]) // _MOST_SIDE)
        return output[channel, ::step, ::step].clone(), channel if len(output) > 1 else None
    if output.ndim == 2 and output.numel():
        rows, columns = (-(-size // _MOST_SIDE) for size in output.shape)
        return output[::rows, ::columns].clone(), None
    if output.ndim == 1 and output.numel():
        return output.clone(), None
    return None, None


def _mark_experts(stations: list[Station], links: Sequence[Link]) -> list[Station]:
    """Say of the layer that a gate weighs how many experts lie side by side in it."""
    marked = list(stations)
    for gate, station in enumerate(stations):
        if station.role != "gate" or len(station.shape) != 1:
            continue
        joins = {link.target for link in links if link.source == gate}
        for link in links:
            other = stations[link.source]
            is_weighed = (
                link.target in joins and link.source != gate and other.role in ("convolution", "dense")
            )
            if is_weighed and other.shape and other.shape[0] % station.shape[0] == 0:
                marked[link.source] = replace(other, experts=station.shape[0])
    return marked


def mark_shortcuts(stations: Sequence[Station], links: Sequence[Link]) -> tuple[Link, ...]:
    """Say of each link into a join whether a longer way leads there too."""
    depth = _measure_depth(len(stations), links)
    is_longest = [depth[link.target] == depth[link.source] + 1 for link in links]
    return tuple(
        replace(link, is_shortcut=stations[link.target].role == "join" and not longest)
        for link, longest in zip(links, is_longest, strict=True)
    )


def _measure_depth(count: int, links: Sequence[Link]) -> list[int]:
    """Return the most links from the image to each station."""
    depth = [0] * count
    for link in sorted(links, key=lambda one: one.target):
        depth[link.target] = max(depth[link.target], depth[link.source] + 1)
    return depth


def _find_main_way(stations: Sequence[Station], links: Sequence[Link]) -> list[int]:
    depth = _measure_depth(len(stations), links)
    way = [len(stations) - 1]
    while way[-1]:
        before = [link.source for link in links if link.target == way[-1]]
        if not before:
            break
        way.append(
            max(before, key=lambda one: (stations[one].role != "gate",
                                         _count(stations[one].shape), depth[one], -one))
        )  # fmt: skip
    return way[::-1]


def _count(shape: Sequence[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count
