"""What a picture of a network consists of, and where it lies: in millimetres from the upper left corner."""

from dataclasses import dataclass, field

from loupe.inspection.flow import Flow, Link

SLANT = (0.82, 0.45)  # how a unit of depth lies on the paper
LINE = 2.75  # height of a line of text of 6 points


@dataclass(frozen=True)
class Volume:
    """Where a station's result lies: a face, and the depth behind it.

    Args:
        station: its number.
        x: left of the face.
        y: top of the face.
        width: of the face.
        height: of the face.
        depth: along the slant; 0 for a bar of units or a list.
        tail: of what is written to its right.
    """

    station: int
    x: float
    y: float
    width: float
    height: float
    depth: float = 0.0

    tail: float = 0.0

    @property
    def right(self) -> float:
        """Where a line from its middle to the right leaves it."""
        right, up = self.offset
        part = min(1.0, 0.5 * self.height / up) if up else 0.0
        return self.x + self.width + right * part + self.tail

    @property
    def offset(self) -> tuple[float, float]:
        """How far the back lies to the right of the face, and above it."""
        return self.depth * SLANT[0], self.depth * SLANT[1]


@dataclass(frozen=True)
class Mark:
    """Where ways join: a circle with a sign."""

    station: int
    x: float
    y: float
    radius: float
    sign: str


@dataclass(frozen=True)
class Route:
    """The corners of a link's line, from its source to its target."""

    link: Link
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Label:
    """What stands below a station: its middle, the top of the first line, and the lines."""

    station: int
    x: float
    y: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Frame:
    """A block's outline, with its name at the upper left; one for each row that it lies in."""

    block: str
    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Scale:
    """What sizes mean.

    Args:
        pixels: how many pixels of a map are a millimetre.
        channels: how many channels are a millimetre of depth.
        units: how many units are a millimetre of a bar's height.
    """

    pixels: float
    channels: float
    units: float


@dataclass
class Plan:
    """A picture of a network, laid out.

    Args:
        flow: what is drawn.
        scale: what sizes mean.
        width: of all, in millimetres, as are all other lengths.
        height: of all.
        line_height: of a line of text.
    """

    flow: Flow
    scale: Scale
    width: float = 0.0
    height: float = 0.0
    line_height: float = LINE
    volumes: list[Volume] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
