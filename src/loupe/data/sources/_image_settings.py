"""Settings that all sources of image files share, with their ranges and what they mean."""

from typing import Annotated

from pydantic import Field

from loupe.data.image_decoding import Colour, OnUnreadable
from loupe.data.image_files import Fit

ImageSize = Annotated[
    int | None,
    Field(ge=1, description="Side in pixels of the square images; the files' own if left out."),
]
FitChoice = Annotated[
    Fit | None,
    Field(
        description="How an image comes to that size: resize (proportions change), crop (scale the short "
        "side, cut the middle), pad (scale the long side, black border)."
    ),
]
ColourChoice = Annotated[
    Colour, Field(description="Channels: auto (grey if every image is grey), grey, colour.")
]
TestPart = Annotated[
    float, Field(gt=0, lt=1, description="Part set apart as test images where there are none of their own.")
]
BitRange = Annotated[
    int | None,
    Field(ge=8, le=16, description="Bits that grey values of 16 bits use, such as 12; all 16 if left out."),
]
UnreadableChoice = Annotated[
    OnUnreadable,
    Field(description="Files that cannot be read: refuse the whole, or skip them and list them in the run."),
]
