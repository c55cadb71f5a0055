"""Many small pictures in one: each is stored once in a page and shown as often as wished."""

import base64
import io
from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F
from markupsafe import Markup
from PIL import Image
from torch import Tensor

from loupe.data import ImageDataset
from loupe.reports.pictures import encode_bytes

_COLUMNS = 40
_LARGEST = 64  # pixels a side; larger images are shown smaller
_MOST_PNG = 900_000  # bytes; beyond that the sheet becomes a JPEG, half the size or less
_SHOWN, _SHOWN_SMALL = 96, 32  # pixels on the screen, about


@dataclass(frozen=True)
class Picture:
    """A place on the sheet: style of an element with the class `pic`, and what it shows in words."""

    style: str
    alt: str


class PictureSheet:
    """Pictures of one size, filled one by one, then encoded as a single PNG or JPEG.

    Args:
        image_size: height and width of the images in pixels.
    """

    def __init__(self, image_size: tuple[int, int]) -> None:
        shrink = min(1.0, _LARGEST / max(image_size))
        self._size = (max(1, round(image_size[0] * shrink)), max(1, round(image_size[1] * shrink)))
        self._places: dict[tuple[str, int], int] = {}
        self._tiles: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self._tiles)

    @property
    def pixels_of_one(self) -> int:
        """Pixels a picture takes on the sheet."""
        return self._size[0] * self._size[1]

    def show(self, split: str, index: int, image: Tensor, alt: str) -> Picture:
        """Return how to show an image, which is put on the sheet unless it is there already.

        Args:
            split: with `index`, what the image is known by.
            index: place in the split.
            image: (channels, height, width) uint8.
            alt: what it shows, in words.
        """
        place = self._places.setdefault((split, index), len(self._tiles))
        if place == len(self._tiles):
            self._tiles.append(self._shrink(image))
        return Picture(f"--c:{place % _COLUMNS};--r:{place // _COLUMNS}", alt)

    def show_from(self, dataset: ImageDataset, index: int, alt: str) -> Picture:
        """Return how to show one of the validation images."""
        return self.show("validation", index, dataset.images[index], alt)

    def _shrink(self, image: Tensor) -> np.ndarray:
        if image.shape[1:] != self._size:
            image = F.interpolate(image[None].float(), self._size, mode="area")[0].round().byte()
        channels = image[:3] if len(image) >= 3 else image[:1]
        return channels.cpu().permute(1, 2, 0).numpy()

    def render_style(self) -> Markup:
        """Return the style rules of the class `pic`, the pictures inside; nothing for an empty sheet."""
        if not self._tiles:
            return Markup("")
        (height, width), columns = self._size, min(_COLUMNS, len(self._tiles))
        rows = -(-len(self._tiles) // columns)
        # whole multiples of a pixel: a neighbour on the sheet never shows at an edge
        zoom, small = (max(1, round(side / max(self._size))) for side in (_SHOWN, _SHOWN_SMALL))
        return Markup(  # nothing here comes from outside
            f'.pic{{--z:{zoom};background-image:url("{self._encode(columns, rows)}");'
            f"width:calc(var(--z)*{width}px);height:calc(var(--z)*{height}px);"
            f"background-size:calc(var(--z)*{columns * width}px) calc(var(--z)*{rows * height}px);"
            f"background-position:calc(var(--c)*var(--z)*-{width}px) calc(var(--r)*var(--z)*-{height}px)}}"
            f".small .pic,.pic.small{{--z:{small}}}"
        )

    def _encode(self, columns: int, rows: int) -> str:
        height, width, channels = self._tiles[0].shape
        sheet = np.zeros((rows * height, columns * width, channels), np.uint8)
        for place, tile in enumerate(self._tiles):
            top, left = place // columns * height, place % columns * width
            sheet[top : top + height, left : left + width] = tile
        picture = Image.fromarray(sheet[:, :, 0] if channels == 1 else sheet)
        buffer = io.BytesIO()
        picture.save(buffer, format="PNG", optimize=True)
        if buffer.tell() <= _MOST_PNG:
            return encode_bytes(buffer.getvalue())
        buffer = io.BytesIO()
        picture.save(buffer, format="JPEG", quality=88, subsampling=0)
        return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
