"""Images as PNG data addresses, to stand inside a page."""

import base64
import io

from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from loupe.figures.style import save_figure

_USUAL_DPI = 110
_READABLE = 72 * 11 / 9  # pixels an inch


def encode_png(image: Tensor) -> str:
    """Return a (channels, height, width) uint8 image as a `data:image/png` address."""
    pixels = image.cpu().numpy()
    picture = Image.fromarray(pixels[0] if len(pixels) < 3 else pixels[:3].transpose(1, 2, 0))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return encode_bytes(buffer.getvalue())


def encode_figure(figure: Figure, dpi: int) -> str:
    """Return a figure as a `data:image/png` address."""
    buffer = io.BytesIO()
    save_figure(figure, buffer, dpi)
    return encode_bytes(buffer.getvalue())


def measure_readable(address: str) -> int:
    """Return how wide, in pixels of a page, a figure is whose usual type (9 points) is 11 pixels high.

    Args:
        address: of a PNG, as `encode_figure` has it.
    """
    with Image.open(io.BytesIO(base64.b64decode(address.split(",", 1)[1]))) as picture:
        dots = float(picture.info.get("dpi", (_USUAL_DPI,))[0])
        return round(_READABLE * picture.width / dots)


def encode_bytes(png: bytes) -> str:
    """Return the bytes of a PNG file as a `data:image/png` address."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
