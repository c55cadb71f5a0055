"""Where the parts of a picture of a network lie: in millimetres from the upper left corner."""

import math
import textwrap
from collections.abc import Sequence

from loupe.figures.flow_columns import find_columns, find_lanes, find_levels
from loupe.figures.flow_plan import LINE, SLANT, Frame, Label, Mark, Plan, Route, Scale, Volume
from loupe.inspection.flow import Flow, Link, Station
from loupe.wording import measure_width, shorten_name

_GAP, _MARGIN = 5.5, 4.0  # between columns; around all
_DEPTH = 0.56  # what the most channels are deep, in sides of the largest map
_THINNEST, _LEAST_FACE, _BAR = 0.45, 1.3, 2.4  # nothing is drawn smaller, or it could not be seen
_LETTER = 1.2  # width of a letter at 6 points
_SHARE_LINE, _SHARE_BARS, _MOST_SHARES, _LONGEST_NAME = 2.9, 17.0, 12, 12
_GATE_LINE, _GATE_TEXT, _MOST_NAMED = 2.4, 6.5, 8  # shares of experts written beside a gate
_LEVEL = 2.6  # between shortcuts that lie above one another
_LETTERS, _MOST_LINES = 14, 4  # of what a station does
_SIGN = 1.7  # radius of a place where ways join


def lay_out(flow: Flow, width: float = 175.0, face: float = 16.0) -> Plan:
    """Return where everything lies.

    Heights follow the sides of maps, depths the numbers of channels, on scales that the plan states; what
    would be too thin to be seen is drawn as thin as can be seen.

    Args:
        flow: what is drawn.
        width: of the rows, in millimetres; at least 60.
        face: side of the largest map, in millimetres.
    """
    layout = _Layout(flow, max(width, 60.0), face)
    layout.place()
    return layout.plan


def measure_names(names: Sequence[str]) -> float:
    """Return how wide the names of classes are beside their probabilities; long ones are cut."""
    return 1.2 + 0.95 * min(_LONGEST_NAME, max(map(measure_width, names), default=1))


def cut_name(name: str) -> str:
    """Return a class name, cut where it is too long for the list."""
    return shorten_name(name, _LONGEST_NAME)


def has_named_shares(station: Station) -> bool:
    """Return whether a station is a gate whose experts are few enough to write down their shares."""
    return station.role == "gate" and len(station.shape) == 1 and station.shape[0] <= _MOST_NAMED


def choose_shares(values: Sequence[float]) -> list[int]:
    """Return which classes a list of probabilities shows, in order: all, or the most probable of many."""
    if len(values) <= _MOST_SHARES:
        return list(range(len(values)))
    order = sorted(range(len(values)), key=lambda index: (-values[index], index))
    return order[: _MOST_SHARES - 1]


def write_shape(shape: Sequence[int]) -> str:
    """Return a shape as it stands below a station."""
    return " × ".join(f"{size:,}" for size in shape)


class _Layout:
    """Columns from the longest ways, lanes for what lies beside the main way, rows where the width ends."""

    def __init__(self, flow: Flow, width: float, face: float) -> None:
        self.flow, self.width, self.face = flow, width, face  # what there is; the plan takes what it needs
        self.scale = _choose_scale(flow.stations, face)
        self.plan = Plan(flow, self.scale, width)
        self.column = find_columns(flow)
        self.lane = find_lanes(flow, self.column)
        self.sizes = [self._measure(one) for one in flow.stations]
        self.lines = [_write_lines(one) for one in flow.stations]
        self.num_columns = max(self.column) + 1
        self.column_width = [self._measure_column(column) for column in range(self.num_columns)]
        self.rows = self._break_rows()
        self.row_of = {column: row for row, columns in enumerate(self.rows) for column in columns}
        self.left: dict[int, float] = {}
        self.axis: dict[tuple[int, int], float] = {}
        self.top: dict[int, float] = {}  # above which a row's shortcuts lie
        self.gap_above: dict[int, float] = {}  # where lines from other rows come in
        self.volume_of: dict[int, Volume] = {}

    def _measure(self, station: Station) -> tuple[float, float, float]:
        """Return width and height of a station's face, and its depth."""
        shape = station.shape
        if station.role == "softmax":
            count = min(shape[0], _MOST_SHARES)
            return measure_names(self.flow.class_names) + _SHARE_BARS, count * _SHARE_LINE, 0.0
        if station.role == "gate" and has_named_shares(station):
            return _BAR, shape[0] * _GATE_LINE, 0.0
        if len(shape) == 3:
            height, width = (max(_LEAST_FACE, side / self.scale.pixels) for side in shape[1:])
            return width, height, max(_THINNEST, shape[0] / self.scale.channels)
        if len(shape) == 2:  # tokens, and what each holds
            return max(_LEAST_FACE, self.face * shape[1] / self._widest_token), self.face, 0.0
        units = math.prod(shape)
        return _BAR, max(_LEAST_FACE, units / self.scale.units), 0.0

    @property
    def _widest_token(self) -> int:
        return max(one.shape[1] for one in self.flow.stations if len(one.shape) == 2)

    def _measure_column(self, column: int) -> float:
        wide = 0.0
        for station, own in enumerate(self.column):
            if own != column:
                continue
            width, _, depth = self.sizes[station]
            sign = 2 * _SIGN + 1.4 if self.flow.stations[station].sign else 0.0
            text = _LETTER * max(len(line) for line in self.lines[station])
            tail = _GATE_TEXT if has_named_shares(self.flow.stations[station]) else 0.0
            wide = max(wide, sign + max(width + depth * SLANT[0] + 2 * tail, text))
        return wide

    def _break_rows(self) -> list[range]:
        """Return the columns of each row, even, in as few rows and cuts as there have to be."""
        room = self.width - 2 * _MARGIN
        rows = self._fill_rows(room)
        while len(rows) > 1:
            room -= 4.0
            tighter = self._fill_rows(room)
            if (len(tighter), self._count_cuts(tighter)) > (len(rows), self._count_cuts(rows)):
                break
            rows = tighter
        return rows

    def _count_cuts(self, rows: Sequence[range]) -> int:
        return sum(self._count_cut(row.start) for row in rows[1:])

    def _fill_rows(self, room: float) -> list[range]:
        """Return rows broken where the room ends, at the last place that cuts the fewest links."""
        rows, first = [], 0
        while first < self.num_columns:
            end, used = first, 0.0
            while end < self.num_columns and (end == first or used + self.column_width[end] <= room):
                used += self.column_width[end] + _GAP
                end += 1
            if end < self.num_columns:
                earliest = first + max(1, round(0.3 * (end - first)))
                end = min(range(end, earliest - 1, -1), key=lambda one: (self._count_cut(one), -one))
            rows.append(range(first, end))
            first = end
        return rows

    def _count_cut(self, column: int) -> int:
        return sum(self.column[link.source] < column <= self.column[link.target] for link in self.flow.links)

    def place(self) -> None:
        """Fill the plan, row by row."""
        self.levels = find_levels(self.flow, self.column, self.lane, self.rows)
        y = _MARGIN
        has_frames = bool(self.flow.blocks)
        for row, columns in enumerate(self.rows):
            self.gap_above[row] = y
            y += 4.0 if row else 0.0
            here = [number for number, column in enumerate(self.column) if column in columns]
            arcs = any(self.flow.stations[number].has_shortcut for number in here)
            height = max((level for (_, own), level in self.levels.items() if own == row), default=int(arcs))
            y += (LINE + 1.0 if has_frames else 0.0) + height * _LEVEL
            self.top[row] = y
            bottom = self._place_row(columns, here, y)
            self._place_frames(columns, row, y - height * _LEVEL - 0.8, bottom)
            y = bottom + 2.5
        self.plan.height = y + _MARGIN - 2.0
        self.plan.width = max(self._end_row(columns) for columns in self.rows) + (
            _MARGIN if len(self.rows) > 1 else 1.0
        )
        for link in self.flow.links:
            self.plan.routes.append(Route(link, tuple(self._route(link))))
        for number, station in enumerate(self.flow.stations):
            if station.has_shortcut:
                self.plan.routes.append(self._arch_over(number))

    def _end_row(self, columns: range) -> float:
        return self.left[columns[-1]] + self.column_width[columns[-1]] + 1.5

    def _arch_over(self, number: int) -> Route:
        """Return the way around a whole block, from before it to behind it."""
        volume, row = self.volume_of[number], self._row(number)
        axis, top = self.axis[row, self.lane[number]], self.top[row] - _LEVEL + 0.8
        left, right = volume.x - 2.4, volume.x + volume.width + volume.offset[0] + 1.6
        corners = ((left, axis), (left, axis), (left, top), (right, top), (right, axis - 0.4))
        return Route(Link(number, number, is_shortcut=True), corners)

    def _row(self, station: int) -> int:
        return self.row_of[self.column[station]]

    def _place_row(self, columns: range, here: Sequence[int], y: float) -> float:
        """Place what lies in a row; returns its lower end."""
        x = _MARGIN
        for column in columns:
            self.left[column] = x
            x += self.column_width[column] + _GAP
        row = self.row_of[columns[0]]
        for lane in sorted({self.lane[number] for number in here}):
            mine = [number for number in here if self.lane[number] == lane]
            high = max(self.sizes[one][1] / 2 + self.sizes[one][2] * SLANT[1] for one in mine)
            low = max((self.sizes[one][1] / 2 for one in mine if not self._is_list(one)), default=0.0)
            self.axis[row, lane] = axis = y + max(high, _SIGN) + 1.0
            ends = []
            for number in mine:
                text = axis + (self.sizes[number][1] / 2 if self._is_list(number) else low) + 1.2
                self._place_station(number, axis, text)
                ends.append(text + LINE * len(self.lines[number]))
            y = max(ends) + 1.6
        return y

    def _is_list(self, number: int) -> bool:
        return self.flow.stations[number].role == "softmax"

    def _place_station(self, number: int, axis: float, text: float) -> None:
        station, (width, height, depth) = self.flow.stations[number], self.sizes[number]
        x = self.left[self.column[number]]
        room = self.column_width[self.column[number]]
        if station.sign:
            self.plan.marks.append(Mark(number, x + _SIGN, axis, _SIGN, station.sign))
            x, room = x + 2 * _SIGN + 1.4, room - 2 * _SIGN - 1.4
        whole = width + depth * SLANT[0]
        tail = _GATE_TEXT if has_named_shares(station) else 0.0
        volume = Volume(number, x + (room - whole) / 2, axis - height / 2, width, height, depth, tail)
        self.volume_of[number] = volume
        self.plan.volumes.append(volume)
        self.plan.labels.append(Label(number, x + room / 2, text, tuple(self.lines[number])))

    def _place_frames(self, columns: range, row: int, top: float, bottom: float) -> None:
        for block, members in self.flow.blocks.items():
            mine = [number for number in members if self._row(number) == row]
            if len(members) < 2 or not mine:
                continue
            first = min(self.column[number] for number in mine)
            last = max(self.column[number] for number in mine)
            x = self.left[first] - 1.5
            right = self.left[last] + self.column_width[last] + 1.5
            kind = self.flow.stations[mine[0]].block_kind
            self.plan.frames.append(
                Frame(block, kind, x, top - LINE - 0.2, right - x, bottom - top + LINE - 0.4)
            )

    def _route(self, link: Link) -> list[tuple[float, float]]:
        """Return the corners of a link's line."""
        source, target = self.volume_of[link.source], self.volume_of[link.target]
        row, end_row = self._row(link.source), self._row(link.target)
        start_axis = self.axis[row, self.lane[link.source]]
        end_axis = self.axis[end_row, self.lane[link.target]]
        out = self.left[self.column[link.source]] + self.column_width[self.column[link.source]] + 1.9
        start = (source.right, start_axis)
        arrival = self._arrive(link, target, end_axis)
        if row != end_row:
            return [start, *self._change_rows(link, (out, start_axis), arrival)]
        level = self.levels.get((link, row))
        if level is not None:
            y = self.top[row] - level * _LEVEL + 0.8
            above = arrival["above"]
            return [start, (out, start_axis), (out, y), (above[0][0], y), *above]
        if self.lane[link.source] == self.lane[link.target]:
            return [start, *arrival["left"]]
        if self.lane[link.target] > self.lane[link.source]:  # a way turns off
            return [start, (out, start_axis), (out, end_axis), *arrival["left"]]
        below = arrival["below"]
        return [start, (below[0][0], start_axis), *below]

    def _arrive(self, link: Link, target: Volume, axis: float) -> dict[str, list[tuple[float, float]]]:
        """Return the last corners of a line that comes to a station from the left, from above, from below."""
        into = self.left[self.column[link.target]]
        if self.flow.stations[link.target].sign:
            middle = into + _SIGN
            return {
                "left": [(into, axis)],
                "above": [(middle, axis - _SIGN)],
                "below": [(middle, axis + _SIGN)],
            }
        end = (target.x - 0.6, axis)
        return {"left": [end], "above": [(into - 1.2, axis), end], "below": [(into - 1.2, axis), end]}

    def _change_rows(
        self, link: Link, out: tuple[float, float], arrival: dict[str, list[tuple[float, float]]]
    ) -> list[tuple[float, float]]:
        """Return the corners of a line to a lower row, around the right end of its own."""
        row, end_row = self._row(link.source), self._row(link.target)
        level, end_level = self.levels.get((link, row)), self.levels.get((link, end_row))
        is_over = level is not None or end_level is not None or link.is_shortcut
        edge = self.plan.width - (2.6 if is_over else 1.4)
        gap = self.gap_above[end_row] + (2.6 if is_over else 1.2)
        corners = [out]
        if level is not None:
            y = self.top[row] - level * _LEVEL + 0.8
            corners = [out, (out[0], y), (edge, y)]
        else:
            corners = [out, (edge, out[1])]
        if is_over:
            above = arrival["above"]
            return [*corners, (edge, gap), (above[0][0], gap), *above]
        into = self.left[self.column[link.target]] - 2.6
        axis = arrival["left"][-1][1]
        return [*corners, (edge, gap), (into, gap), (into, axis), *arrival["left"]]


def _choose_scale(stations: Sequence[Station], face: float) -> Scale:
    maps = [one.shape for one in stations if len(one.shape) == 3]
    vectors = [
        math.prod(one.shape) for one in stations if len(one.shape) not in (2, 3) and one.role != "softmax"
    ]
    side = max((max(shape[1:]) for shape in maps), default=1)
    channels = max((shape[0] for shape in maps), default=1)
    return Scale(side / face, max(channels / (_DEPTH * face), 1.0), max(vectors, default=1) / face)


def _write_lines(station: Station) -> list[str]:
    """Return what stands below a station: its name, what it does, its shape."""
    title = station.title if len(station.title) <= 17 else f"…{station.title[-16:]}"
    if station.role == "softmax":
        return [title]
    return [title, *_fill_lines(station.words), write_shape(station.shape)]


def _fill_lines(words: Sequence[str]) -> list[str]:
    """Return words in short lines, broken between them where that can be."""
    lines: list[str] = []
    for number, word in enumerate(words):
        text = word + ("," if number < len(words) - 1 else "")
        if lines and len(f"{lines[-1]} {text}") <= _LETTERS:
            lines[-1] = f"{lines[-1]} {text}"
        elif len(text) <= _LETTERS + 3:
            lines.append(text)
        else:
            solid = text.replace(" × ", "\u00a0×\u00a0")
            lines += [one.replace("\u00a0", " ") for one in textwrap.wrap(solid, _LETTERS)]
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], f"{lines[_MOST_LINES - 1].rstrip(',')} …"]
    return lines
