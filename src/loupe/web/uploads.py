"""Images that come with requests: read in memory, checked before they are unpacked, kept as a few pixels.

Nothing of a request is written to disk, and nothing but pixels is taken from it.
"""

import io
import secrets
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any

from PIL import Image
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from torch import Tensor

from loupe.data.image_files import Fit
from loupe.errors import DataError, LoupeError
from loupe.using.opened_run import OpenedRun
from loupe.web.guards import MOST_BYTES

MOST_IMAGES = 64  # in one request
MOST_PIXELS = 16_000_000  # of one image, unpacked
_MOST_PIXELS_TOGETHER = 64_000_000  # of one request: a few seconds of unpacking
_MOST_KEPT = 512  # prepared images, a few kilobytes each
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")  # decoders that have seen the world; a closed list


class _InMemoryParser(MultiPartParser):
    spool_max_size = MOST_BYTES + 1  # never rolls over to a file


async def read_images(request: Request) -> tuple[list[bytes], dict[str, str]]:
    """Return the image files and the fields of a request: multipart, or one file as the body itself.

    Raises:
        DataError: no image, too many, or a form that cannot be read.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "multipart/form-data":
            parser = _InMemoryParser(
                request.headers, request.stream(), max_files=MOST_IMAGES, max_fields=16, max_part_size=2**16
            )
            form = await parser.parse()
            files, fields = [], {}
            try:
                for name, value in form.multi_items():
                    if isinstance(value, UploadFile):
                        files.append(await value.read())
                    else:
                        fields[name] = value
            finally:
                await form.close()
        else:
            files, fields = [await request.body()], dict(request.query_params)
    except (MultiPartException, KeyError, UnicodeDecodeError, ClientDisconnect) as error:
        message = getattr(error, "message", "") or str(error) or type(error).__name__
        raise DataError(
            "This form cannot be read.",
            got=message[:120],
            allowed=f"multipart/form-data with up to {MOST_IMAGES} files, or one image file as the body",
            next_step="curl -F image=@picture.png … sends such a form",
        ) from None
    if not files or not all(files):
        raise DataError(
            "There is no image in this request.",
            got=kind or "no content type",
            allowed=f"an image file ({', '.join(_FORMATS)}) as the body, or in a form's field `image`",
            next_step="curl -F image=@picture.png … sends one",
        )
    return files, fields


def open_picture(content: bytes) -> Image.Image:
    """Return the image in a file's bytes, not unpacked yet but known to be small enough.

    Raises:
        DataError: no image, of another format, or with too many pixels.
    """
    try:
        with warnings.catch_warnings():  # of Pillow's own limit, which is above this one
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=_FORMATS)
        width, height = picture.size
    except Image.DecompressionBombError as error:
        raise _make_too_large(f"more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels") from error
    except Exception:  # a decoder given arbitrary bytes can fail in any way
        raise DataError(
            "This is no image that can be read.",
            got=f"{len(content):,} bytes that begin with {content[:8]!r}",
            allowed=", ".join(_FORMATS),
            next_step="save it as PNG or JPEG",
        ) from None
    if picture.format == "TIFF" and any(tile[0] != "raw" for tile in picture.tile):
        raise DataError(
            "This TIFF is packed, and the page unpacks none.",
            got="a packed TIFF",
            allowed=f"{', '.join(_FORMATS)}; TIFF unpacked",
            next_step="`loupe predict RUN FILE` reads it; or save it as PNG",
        )
    if width * height > MOST_PIXELS:
        raise _make_too_large(f"{width:,} × {height:,} pixels")
    return picture


def _make_too_large(got: str) -> DataError:
    return DataError(
        "This image is too large.",
        got=got,
        allowed=f"up to {MOST_PIXELS:,} pixels",
        next_step="make it smaller first; the network sees few pixels in any case",
    )


def prepare_uploads(opened: OpenedRun, contents: Sequence[bytes], fit: Fit | None) -> list[Tensor]:
    """Return the files of a request as the network takes them, as `prepare_upload` does with one.

    Raises:
        DataError: as there; or they have too many pixels together, which is found before one is unpacked.
    """
    total = 0
    for content in contents:
        width, height = open_picture(content).size
        total += width * height
    if total > _MOST_PIXELS_TOGETHER:
        raise DataError(
            "These images are too large together.",
            got=f"{len(contents)} images of {total:,} pixels",
            allowed=f"up to {_MOST_PIXELS_TOGETHER:,} pixels in one request",
            next_step="send fewer at once, or smaller ones",
        )
    return [prepare_upload(opened, content, fit) for content in contents]


def choose_fit(text: str | None) -> Fit | None:
    """Return how an image of another size is to be fitted.

    Raises:
        DataError: the word is not known.
    """
    known: dict[str, Fit] = {"resize": "resize", "crop": "crop", "pad": "pad"}
    if not text:
        return None
    if text not in known:
        raise DataError(
            f"{text[:40]!r} is no way to fit an image.",
            got=text[:40],
            allowed=", ".join(known),
            next_step="leave `fit` out to take the way of the training images",
        )
    return known[text]


def prepare_upload(opened: OpenedRun, content: bytes, fit: Fit | None) -> Tensor:
    """Return an uploaded file as the network takes it, (channels, height, width) uint8.

    Raises:
        DataError: no image, too large, or of another size with nothing said on how to fit it.
    """
    picture = open_picture(content)
    try:
        return opened.prepare(picture, fit)
    except LoupeError as error:
        if error.got is not None and "size" in error.message:
            error.next_step = "send `fit` with it: resize, crop or pad"
        raise
    except Exception as error:  # as above: unpacking runs over bytes that somebody else made
        raise DataError(
            "This image is damaged.",
            got=f"{type(error).__name__}: {str(error)[:80]}",
            allowed="a whole image file",
            next_step="save it again as PNG or JPEG",
        ) from None


class ImageStore:
    """Prepared images by name, the oldest forgotten first."""

    def __init__(self) -> None:
        self._images: OrderedDict[str, Tensor] = OrderedDict()
        self._lock = Lock()

    def keep(self, image: Tensor) -> str:
        """Keep an image and return its name."""
        name = f"upload-{secrets.token_hex(8)}"
        with self._lock:
            self._images[name] = image
            while len(self._images) > _MOST_KEPT:
                self._images.popitem(last=False)
        return name

    def find(self, name: str, opened: OpenedRun) -> Tensor:
        """Return the image with a name: `validation-N` of the run's images, or an uploaded one.

        Raises:
            LoupeError: there is none, or it does not fit the network.
        """
        kind, _, number = name.partition("-")
        if kind == "validation" and number.isdecimal() and len(number) < 10:
            index = int(number)
            if index < len(opened.validation):
                return opened.validation.images[index]
            raise LoupeError(
                f"There is no validation image {index}.",
                got=index,
                allowed=f"0 to {len(opened.validation) - 1}",
                next_step="choose a number in that range",
            )
        with self._lock:
            image: Any = self._images.get(name)
        if image is None or tuple(image.shape) != opened.shape:
            raise LoupeError(
                f"There is no image {name[:60]!r} for this run.",
                got=name[:60],
                allowed="validation-N, or the name an upload to this run was given; the oldest are forgotten",
                next_step="upload it again",
            )
        found: Tensor = image
        return found
