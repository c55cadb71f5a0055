"""Blocks in the picture of a network: each folded into one station, or one of them taken out."""

import re
from collections.abc import Sequence
from dataclasses import replace

from loupe.inspection.flow import Flow, Link, Station, mark_shortcuts

_TELLING = r"\bconv|depthwise|^dense$|attention"  # what a block is known by


def fold_blocks(flow: Flow) -> Flow:
    """Return the picture with each block of several stations as one, for where there is little room."""
    place: list[int] = []
    stations: list[Station] = []
    folded: dict[str, int] = {}
    for station in flow.stations:
        members = flow.blocks.get(station.block, [])
        if len(members) < 2:
            place.append(len(stations))
            stations.append(station)
            continue
        inside = [flow.stations[number] for number in members]
        if station.block not in folded:
            folded[station.block] = len(stations)
            stations.append(_fold(station, inside))
        place.append(folded[station.block])
    links = dict.fromkeys(
        (place[link.source], place[link.target], link.is_assumed)
        for link in flow.links
        if place[link.source] != place[link.target]
    )
    plain = [Link(source, target, is_assumed=assumed) for source, target, assumed in links]
    return Flow(tuple(stations), mark_shortcuts(stations, plain), flow.class_names)


def _fold(first: Station, inside: Sequence[Station]) -> Station:
    """Return the stations of a block as one."""
    last = inside[-1]
    layers = [word for one in inside for word in one.words if re.search(_TELLING, word)]
    counts = {word: layers.count(word) for word in dict.fromkeys(layers)}
    words = [f"{count} × ({word})" if count > 1 else word for word, count in counts.items()]
    signs = dict.fromkeys(one.sign for one in inside if one.sign)
    has_gate = any(one.role == "gate" for one in inside)
    joined = "gated experts" if has_gate else "+ shortcut" if "+" in signs else ""
    return Station(
        name=first.block,
        role="block",
        words=tuple(filter(None, (first.block_kind, *words[:3], joined))),
        layers=tuple(name for one in inside for name in one.layers),
        shape=last.shape,
        parameters=sum(one.parameters for one in inside),
        values=last.values,
        channel=last.channel,
        has_shortcut=joined == "+ shortcut",
    )


def take_block(flow: Flow, block: str) -> Flow:
    """Return the part of a picture that shows one block, with what it is given as the first station."""
    members = flow.blocks[block]
    before = [link.source for link in flow.links if link.target in members and link.source not in members]
    given = min(before)
    numbers = [given, *members]
    place = {number: index for index, number in enumerate(numbers)}
    stations = [replace(flow.stations[given], block="", block_kind="", sign="", words=("what it is given",)),
                *(flow.stations[number] for number in members)]  # fmt: skip
    links = [
        replace(link, source=place[link.source], target=place[link.target])
        for link in flow.links
        if link.source in place and link.target in members
    ]
    return Flow(tuple(stations), tuple(links))
