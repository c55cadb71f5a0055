"""What the interface says of a network as one picture: typed, so that its description writes itself."""

from pydantic import BaseModel, Field

from loupe.web.inside_answers import Numbers

Point = tuple[float, float]


class FlowStation(BaseModel):
    """Something the image comes through, and where it lies; lengths are millimetres of the picture."""

    name: str
    title: str
    role: str = Field(description="image, convolution, dense, pooling, gate, join, softmax, block or other.")
    words: list[str]
    layers: list[str] = Field(description="Names of the layers in it.")
    shape: list[int]
    block: str
    parameters: int
    channel: int | None = Field(description="Which channel is shown: the one that varies most.")
    experts: int = Field(description="How many experts lie side by side in it.")
    values: Numbers | None = Field(description="What is shown of its output; None of the image.")
    x: float
    y: float
    width: float
    height: float
    depth: Point = Field(description="How far its back lies to the right, and above.")
    label: Point = Field(description="Middle and top of what stands below it.")
    lines: list[str]


class FlowMark(BaseModel):
    """Where ways join."""

    station: int
    x: float
    y: float
    radius: float
    sign: str


class FlowRoute(BaseModel):
    """The line of a link."""

    source: int
    target: int
    kind: str = Field(description="way, shortcut or gate.")
    is_assumed: bool = Field(description="Whether it only follows from the order of the calls.")
    points: list[Point]


class FlowFrame(BaseModel):
    """A block's outline."""

    block: str
    kind: str
    x: float
    y: float
    width: float
    height: float


class FlowAnswer(BaseModel):
    """A network as one picture, laid out."""

    image: str
    width: float
    height: float
    line_height: float
    scale: str = Field(description="What sizes mean.")
    class_names: list[str]
    names_width: float = Field(description="What the names take of the list of probabilities.")
    shown: list[int] = Field(description="Which classes the list of probabilities shows, in order.")
    stations: list[FlowStation]
    marks: list[FlowMark]
    routes: list[FlowRoute]
    frames: list[FlowFrame]
