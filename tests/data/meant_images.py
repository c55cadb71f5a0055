"""Over a hundred forms of image files, and what each means, computed from its definition."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image

from .image_forms import (
    write_bmp,
    write_exif,
    write_fits,
    write_netpbm,
    write_png,
    write_sgi,
    write_tga,
    write_tiff,
    write_xbm,
)

HEIGHT, WIDTH = 6, 8
Expected = np.ndarray | str  # pixels, or part of the reason for refusing
Form = tuple[str, bytes, Expected, int]  # name, file, what it means, tolerance


def grey(bits: int) -> np.ndarray:
    """Return values from 0 to the largest of so many bits, in an order that no mirroring keeps."""
    values = np.linspace(0, 2**bits - 1, HEIGHT * WIDTH).round().astype(np.int64)
    return np.random.default_rng(3).permutation(values).reshape(HEIGHT, WIDTH)


def colours(channels: int, bits: int = 8) -> np.ndarray:
    return np.random.default_rng(channels).integers(0, 2**bits, (HEIGHT, WIDTH, channels))


def to_levels(values: np.ndarray, bits: int) -> np.ndarray:
    return values >> (bits - 8) if bits > 8 else values * (255 // (2**bits - 1))


def over_white(levels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return levels laid over white by what 8-bit alpha says, not rounded."""
    share = (alpha / 255)[..., None] if levels.ndim == 3 else alpha / 255
    return levels * share + 255 * (1 - share)


def blank(levels: np.ndarray, is_transparent: np.ndarray) -> np.ndarray:
    result = levels.copy()
    result[is_transparent] = 255
    return result


PALETTE = np.random.default_rng(8).integers(0, 256, (256, 3))
COLOURS, CLEAR = colours(3), colours(4)


def list_png() -> Iterator[Form]:
    for bits in (1, 2, 4, 8, 16):
        values = grey(bits)
        key = int(values[2, 3])
        yield f"png grey {bits}", write_png(values, bits, 0), to_levels(values, bits), 0
        transparent = write_png(values, bits, 0, key=key.to_bytes(2, "big"))
        yield (
            f"png grey {bits}, transparent {key}",
            transparent,
            blank(to_levels(values, bits), values == key),
            0,
        )
    for bits in (1, 2, 4, 8):
        indices, palette = grey(bits), PALETTE[: 2**bits]
        stored = palette.astype(np.uint8).tobytes()
        yield f"png palette {bits}", write_png(indices, bits, 3, palette=stored), palette[indices], 0
        alpha = np.linspace(0, 255, len(palette)).round().astype(np.uint8)
        file = write_png(indices, bits, 3, palette=stored, key=alpha.tobytes())
        yield f"png palette {bits}, alpha", file, over_white(palette[indices], alpha[indices]), 1
        one = b"\xff" * (len(palette) - 1) + b"\0"
        file = write_png(indices, bits, 3, palette=stored, key=one)
        yield f"png palette {bits}, one clear", file, blank(palette[indices], indices == len(palette) - 1), 0
    for bits in (8, 16):
        rgb, la, rgba = colours(3, bits), colours(2, bits), colours(4, bits)
        yield f"png RGB {bits}", write_png(rgb, bits, 2), to_levels(rgb, bits), 0
        alpha = to_levels(la[..., 1], bits)
        yield f"png LA {bits}", write_png(la, bits, 4), over_white(to_levels(la[..., 0], bits), alpha), 1
        alpha = to_levels(rgba[..., 3], bits)
        yield (
            f"png RGBA {bits}",
            write_png(rgba, bits, 6),
            over_white(to_levels(rgba[..., :3], bits), alpha),
            1,
        )
    key = COLOURS[1, 2].astype(">u2").tobytes()
    is_key = (COLOURS[1, 2] == COLOURS).all(axis=2)
    yield "png RGB 8, transparent", write_png(COLOURS, 8, 2, key=key), blank(COLOURS, is_key), 0
    deep = colours(3, 16)
    key = deep[1, 2].astype(">u2").tobytes()
    yield "png RGB 16, transparent", write_png(deep, 16, 2, key=key), "a transparent colour of 16 bits", 0
    for orientation in (3, 6):
        file = write_png(COLOURS, 8, 2, exif=write_exif(orientation))
        yield f"png, orientation {orientation}", file, turn(COLOURS, orientation), 0
    yield "png, cut", write_png(COLOURS, 8, 2)[:150], "", 0


def turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return pixels upright; the number is EXIF's, which names where the first row and column lie."""
    ways: dict[int, Callable[[np.ndarray], np.ndarray]] = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: p.swapaxes(0, 1)[:, ::-1],
        7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
        8: lambda p: p.swapaxes(0, 1)[::-1],
    }
    return ways[orientation](pixels)


def list_tiff() -> Iterator[Form]:
    for big in (False, True):
        order = "MM" if big else "II"
        for bits in (1, 2, 4, 8):
            values = grey(bits)
            levels = to_levels(values, bits)
            yield f"tiff {order} grey {bits}", write_tiff(values, bits, 1, big=big), levels, 0
            yield (
                f"tiff {order} grey {bits}, white is 0",
                write_tiff(values, bits, 0, big=big),
                255 - levels,
                0,
            )
        yield f"tiff {order} grey 16", write_tiff(grey(16), 16, 1, big=big), to_levels(grey(16), 16), 0
        yield f"tiff {order} RGB 8", write_tiff(COLOURS, 8, 2, big=big), COLOURS, 0
        deep = colours(3, 16)
        yield f"tiff {order} RGB 16", write_tiff(deep, 16, 2, big=big), to_levels(deep, 16), 0
        clear = over_white(CLEAR[..., :3], CLEAR[..., 3])
        yield f"tiff {order} RGBA", write_tiff(CLEAR, 8, 2, big=big, extra=[2]), clear, 1
        yield (
            f"tiff {order} RGB and something",
            write_tiff(CLEAR, 8, 2, big=big, extra=[0]),
            CLEAR[..., :3],
            0,
        )
        ink = (255 - CLEAR[..., :3]) * (255 - CLEAR[..., 3:]) / 255
        yield f"tiff {order} CMYK", write_tiff(CLEAR, 8, 5, big=big), ink, 1
        signed = write_tiff(grey(8), 8, 1, big=big, sample_format=2)
        yield f"tiff {order} signed 8", signed, "signed values, whose black is not known", 0
        signed = write_tiff(grey(16), 16, 1, big=big, sample_format=2)
        yield f"tiff {order} signed 16", signed, "signed values, whose black is not known", 0
        yield (
            f"tiff {order} float",
            write_tiff(grey(8), 32, 1, big=big, sample_format=3),
            "pixels of 32 bits",
            0,
        )
        palette = write_tiff(grey(8), 8, 3, big=big, colors=PALETTE)
        yield f"tiff {order} palette", palette, PALETTE[grey(8)], 0
    yield "tiff II grey 12", write_tiff(grey(12), 12, 1), to_levels(grey(12), 12), 0
    yield "tiff II grey 12, white is 0", write_tiff(grey(12), 12, 0), "not an image", 0
    yield "tiff MM grey 12", write_tiff(grey(12), 12, 1, big=True), "not an image", 0
    yield "tiff II grey 10", write_tiff(grey(10), 10, 1), "not an image", 0
    yield "tiff II grey 16, white is 0", write_tiff(grey(16), 16, 0), 255 - to_levels(grey(16), 16), 0
    yield "tiff MM grey 16, white is 0", write_tiff(grey(16), 16, 0, big=True), "not an image", 0
    yield "tiff grey 32", write_tiff(grey(16), 32, 1), "pixels of 32 bits", 0
    yield "tiff signed 32", write_tiff(grey(16), 32, 1, sample_format=2), "pixels of 32 bits", 0
    pair = colours(2)
    yield "tiff LA", write_tiff(pair, 8, 1, extra=[2]), over_white(pair[..., 0], pair[..., 1]), 1
    laid = np.concatenate([CLEAR[..., :3] * CLEAR[..., 3:] // 255, CLEAR[..., 3:]], axis=2)
    clear = laid[..., :3] + 255 - laid[..., 3:]
    yield "tiff RGBA, laid on black", write_tiff(laid, 8, 2, extra=[1]), clear, 2
    laid = np.stack([pair[..., 0] * pair[..., 1] // 255, pair[..., 1]], axis=2)
    yield "tiff LA, laid on black", write_tiff(laid, 8, 1, extra=[1]), laid[..., 0] + 255 - laid[..., 1], 2
    deep = colours(4, 16)
    yield (
        "tiff CMYK 16",
        write_tiff(deep, 16, 5),
        (255 - (deep[..., :3] >> 8)) * (255 - (deep[..., 3:] >> 8)) / 255,
        1,
    )
    yield "tiff planes", write_tiff(COLOURS, 8, 2, planar=True), COLOURS, 0
    yield "tiff bits turned round", write_tiff(grey(8), 8, 1, fill_order=2), grey(8), 0
    yield "tiff CIELAB", write_tiff(COLOURS, 8, 8), "CIELAB colours", 0
    for orientation in (2, 5, 8):
        file = write_tiff(COLOURS, 8, 2, orientation=orientation)
        yield f"tiff, orientation {orientation}", file, turn(COLOURS, orientation), 0
    yield "tiff five samples", write_tiff(colours(5), 8, 2, extra=[1, 2]), "not an image", 0
    yield (
        "tiff pages",
        save(COLOURS, "TIFF", save_all=True, append_images=[Image.new("RGB", (4, 4))]),
        COLOURS,
        0,
    )
    yield "tiff grey 8, packed", save(grey(8), "TIFF", compression="tiff_lzw"), grey(8), 0
    yield (
        "tiff grey 16, packed",
        save(grey(16), "TIFF", compression="tiff_deflate"),
        to_levels(grey(16), 16),
        0,
    )


def save(pixels: np.ndarray, form: str, mode: str | None = None, **options: Any) -> bytes:
    written = io.BytesIO()
    kind = np.uint16 if pixels.max() > 255 else np.uint8
    picture = Image.fromarray(np.ascontiguousarray(pixels.astype(kind)))
    (picture.convert(mode) if mode else picture).save(written, form, **options)
    return written.getvalue()


def list_netpbm() -> Iterator[Form]:
    ink = grey(1)
    for magic in ("P1", "P4"):
        yield f"{magic}", write_netpbm(magic, ink, None), 255 - 255 * ink, 0
    for magic, shape in (("P2", grey), ("P5", grey), ("P3", None), ("P6", None)):
        for highest in (100, 255, 4095, 65535):
            bits = highest.bit_length()
            values = (shape(bits) if shape else colours(3, bits)) % (highest + 1)
            yield f"{magic} up to {highest}", write_netpbm(magic, values, highest), values / highest * 255, 1
    yield "PFM", b"Pf\n2 1\n-1.0\n" + np.array([0, 1], "<f4").tobytes(), "pixels of 32 bits", 0


def list_others() -> Iterator[Form]:
    for bits in (1, 4, 8):
        file = write_bmp(grey(bits), bits, palette=PALETTE[: 2**bits])
        yield f"bmp palette {bits}", file, PALETTE[: 2**bits][grey(bits)], 0
    blue_first = COLOURS[..., ::-1]
    yield "bmp 24", write_bmp(blue_first, 24), COLOURS, 0
    yield "bmp 24, top down", write_bmp(blue_first, 24, top_down=True), COLOURS, 0
    yield "bmp 32, fourth byte unused", write_bmp(CLEAR[..., [2, 1, 0, 3]], 32), CLEAR[..., :3], 0
    fine = colours(3, 5)
    packed = fine[..., 0] << 10 | fine[..., 1] << 5 | fine[..., 2]
    yield "bmp 16", write_bmp(packed, 16), fine * 255 / 31, 1
    yield "tga 8", write_tga(grey(8), 8), grey(8), 0
    yield "tga 24", write_tga(blue_first, 24), COLOURS, 0
    yield "tga 32", write_tga(CLEAR[..., [2, 1, 0, 3]], 32), over_white(CLEAR[..., :3], CLEAR[..., 3]), 1
    yield "sgi 8", write_sgi(grey(8), 1), grey(8), 0
    yield "sgi 16", write_sgi(grey(16), 2), to_levels(grey(16), 16), 0
    yield "sgi RGB", write_sgi(COLOURS, 1), COLOURS, 0
    yield "fits 8", write_fits(grey(8), 8), grey(8), 0
    yield "fits 16", write_fits(grey(15), 16), "16-bit values of FITS, which may be signed", 0
    yield "xbm", write_xbm(grey(1)), 255 - 255 * grey(1), 0
    indices = grey(4).astype(np.uint8)
    picture = Image.frombytes("P", (WIDTH, HEIGHT), indices.tobytes())
    picture.putpalette(PALETTE[:16].astype(np.uint8).tobytes())
    meant = PALETTE[:16][indices]
    yield "gif", save_picture(picture, "GIF"), meant, 0
    yield "gif, clear", save_picture(picture, "GIF", transparency=3), blank(meant, indices == 3), 0
    film = save_picture(
        picture, "GIF", save_all=True, append_images=[picture.transpose(Image.Transpose.ROTATE_180)]
    )
    yield "gif, two frames", film, meant, 0
    yield "pcx", save(COLOURS, "PCX"), COLOURS, 0
    yield "webp", save(COLOURS, "WEBP", lossless=True), COLOURS, 0
    clear = over_white(CLEAR[..., :3], CLEAR[..., 3])
    yield "webp, clear", save(CLEAR, "WEBP", lossless=True, exact=True), clear, 1
    film = save(
        COLOURS, "WEBP", lossless=True, save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT))]
    )
    yield "webp, two frames", film, COLOURS, 0
    film = save(COLOURS, "PNG", save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT))])
    yield "png, two frames", film, COLOURS, 0
    yield "jp2 grey 8", save(grey(8), "JPEG2000", irreversible=False), grey(8), 0
    yield "jp2 grey 16", save(grey(16), "JPEG2000", irreversible=False), to_levels(grey(16), 16), 0
    yield "jp2 RGB", save(COLOURS, "JPEG2000", irreversible=False), COLOURS, 0
    yield "dds", save(CLEAR, "DDS"), clear, 1
    yield "text", b"no picture", "not an image", 0
    yield "nothing", b"", "not an image", 0
    yield "html", b"<!doctype html><p>404</p>", "not an image", 0
    yield "eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 6\n", "not an image", 0
    yield "svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image", 0
    yield "heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "not an image", 0


def save_picture(picture: Image.Image, form: str, **options: Any) -> bytes:
    written = io.BytesIO()
    picture.save(written, form, **options)
    return written.getvalue()


def list_jpeg() -> Iterator[Form]:
    smooth = np.linspace(0, 255, HEIGHT * 8)[:, None] + np.linspace(0, 100, WIDTH * 8)[None] - 50
    smooth = smooth.clip(0, 255).round().astype(np.int64)
    yield "jpeg grey", save(smooth, "JPEG", quality=95), smooth, 4
    warm = np.stack([smooth, smooth // 2, 255 - smooth], axis=2)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        file = save(warm, "JPEG", quality=98, subsampling=0, exif=exif)
        yield f"jpeg, orientation {orientation}", file, turn(warm, orientation), 6
    # what Pillow writes as CMYK has Adobe's mark and is the other way round in the file, as Photoshop's are
    cmyk = np.stack([smooth, 255 - smooth, smooth // 2, smooth // 4], axis=2)
    picture = Image.frombytes("CMYK", (smooth.shape[1], smooth.shape[0]), cmyk.astype(np.uint8).tobytes())
    ink = (255 - cmyk[..., :3]) * (255 - cmyk[..., 3:]) / 255
    yield "jpeg CMYK", save_picture(picture, "JPEG", quality=98, subsampling=0), ink, 8


FORMS = [*list_png(), *list_tiff(), *list_netpbm(), *list_others(), *list_jpeg()]
