"""How to use an exported file: code of a few lines, for Python without Loupe."""

from collections.abc import Iterator

from loupe.data.image_files import Fit
from loupe.exporting import Use


def show_use(
    name: str,
    runtime: str,
    use: Use,
    *,
    is_classifier: bool,
    in_channels: int,
    image_size: tuple[int, int],
    fit: Fit | None,
) -> Iterator[str]:
    """Yield Markdown that shows how to ask an exported file about an image.

    Args:
        name: of the file.
        runtime: the package that runs it.
        use: Python that asks it about images.
        is_classifier: whether it says classes.
        in_channels: 1 for grey images, 3 for colour.
        image_size: height and width in pixels.
        fit: how training images came to that size; None if they were of it.
    """
    yield f"`{name}` needs {runtime}, and no Loupe. It takes uint8 images, as many at once as there are:"
    yield ""
    yield "```python"
    yield from use.imports
    yield "from PIL import Image, ImageOps"
    yield ""
    yield from _read_image(in_channels, image_size, fit)
    yield ""
    yield from use.lines
    if is_classifier:
        yield "best = int(probabilities[0].argmax())"
        yield "print(class_names[best], float(probabilities[0, best]))"
    else:
        yield "print(reconstruction[0].shape)  # pixels in [0, 1]"
    yield "```"
    yield ""
    if fit is None:
        height, width = image_size
        yield (
            f"Images have to be of {width} x {height} pixels: the training images were, so no way to resize "
            "them is part of the network."
        )
    else:
        yield f"Images of another size are brought to it as the training images were (`{fit}`)."
    yield (
        "Lay transparent images over white first, and divide 16-bit levels by 256. Normalisation is inside "
        "the file: hand over levels from 0 to 255 as they are."
    )


def _read_image(in_channels: int, image_size: tuple[int, int], fit: Fit | None) -> Iterator[str]:
    height, width = image_size
    size = f"({width}, {height})"
    yield 'image = ImageOps.exif_transpose(Image.open("image.png")).convert("RGB")'
    if fit == "resize":
        yield f"image = image.resize({size}, Image.Resampling.BILINEAR)"
    elif fit == "crop":
        yield f"image = ImageOps.fit(image, {size}, Image.Resampling.BILINEAR)"
    elif fit == "pad":
        yield f"scale = min({width} / image.width, {height} / image.height)"
        yield "inner = max(1, round(image.width * scale)), max(1, round(image.height * scale))"
        yield f'canvas = Image.new("RGB", {size})'
        yield f"corner = ({width} - inner[0]) // 2, ({height} - inner[1]) // 2"
        yield "canvas.paste(image.resize(inner, Image.Resampling.BILINEAR), corner)"
        yield "image = canvas"
    if in_channels == 1:
        yield 'images = np.array(image.convert("L"))[None, None]  # (1, 1, height, width), uint8'
    else:
        yield "images = np.array(image).transpose(2, 0, 1)[None]  # (1, 3, height, width), uint8"
