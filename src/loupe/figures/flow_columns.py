"""Which column and lane a station of a network's picture has, and how high a shortcut lies."""

from collections.abc import Sequence

from loupe.inspection.flow import Flow, Link


def find_columns(flow: Flow) -> list[int]:
    """Return the column of each station: behind all that it is made of."""
    columns = [0] * len(flow.stations)
    for link in sorted(flow.links, key=lambda one: one.target):
        columns[link.target] = max(columns[link.target], columns[link.source] + 1)
    return columns


def find_lanes(flow: Flow, columns: Sequence[int]) -> list[int]:
    """Return the lane of each station: 0 on the main way, else the first that is free until its way joins."""
    lanes = [0] * len(flow.stations)
    main = set(flow.main_way)
    taken: list[list[tuple[int, int]]] = []
    for number in range(len(flow.stations)):
        if number in main:
            continue
        targets = [columns[link.target] for link in flow.links if link.source == number]
        sources = [link.source for link in flow.links if link.target == number]
        first, last = columns[number], max(targets, default=columns[number] + 1) - 1
        follows = [lanes[one] for one in sources if lanes[one]]
        lane = follows[0] if follows and _is_free(taken[follows[0] - 1], first, last) else 1
        while lane <= len(taken) and not _is_free(taken[lane - 1], first, last):
            lane += 1
        if lane > len(taken):
            taken.append([])
        taken[lane - 1].append((first, last))
        lanes[number] = lane
    return lanes


def _is_free(taken: Sequence[tuple[int, int]], first: int, last: int) -> bool:
    return all(last < begin or first > end for begin, end in taken)


def find_levels(
    flow: Flow, columns: Sequence[int], lanes: Sequence[int], rows: Sequence[range]
) -> dict[tuple[Link, int], int]:
    """Return for each link that has to pass over stations of a row how high it lies there, from 1."""
    passing = []
    for link in flow.links:
        first, end = columns[link.source], columns[link.target]
        if lanes[link.source] != lanes[link.target] or end <= first + 1:
            continue
        for row, own in enumerate(rows):
            if first not in own and end not in own:  # it goes around the row
                continue
            between = range(max(first + 1, own.start), min(end, own.stop))
            if any(
                columns[one] in between and lanes[one] == lanes[link.source] for one in range(len(columns))
            ):
                passing.append((link, row, max(first, own.start - 1), min(end, own.stop)))
    levels: dict[tuple[Link, int], int] = {}
    spans: dict[tuple[Link, int], tuple[int, int]] = {}
    for link, row, first, end in sorted(passing, key=lambda one: one[3] - one[2]):
        below = [
            level
            for (other, other_row), level in levels.items()
            if other_row == row and first < spans[other, row][1] and spans[other, row][0] < end
        ]
        levels[link, row], spans[link, row] = max(below, default=0) + 1, (first, end)
    return levels
