"""Writers of image files that owe nothing to Pillow, so that a wrong reading of it shows."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np


def pack_bits(values: np.ndarray, bits: int, *, big: bool = True, reverse: bool = False) -> bytes:
    """Return rows of unsigned values packed one after the other; each row starts at a whole byte."""
    rows = values.reshape(len(values), -1).astype(np.int64)
    if bits in (8, 16, 32):
        kind = f"{'>' if big else '<'}u{bits // 8}"
        packed = rows.astype(kind).tobytes()
    else:
        shifts = np.arange(bits - 1, -1, -1)
        flat = ((rows[..., None] >> shifts) & 1).astype(np.uint8).reshape(len(rows), -1)
        packed = np.packbits(flat, axis=1).tobytes()
    return bytes(int(f"{byte:08b}"[::-1], 2) for byte in packed) if reverse else packed


def write_png(
    values: np.ndarray, bits: int, kind: int, *, palette: bytes = b"", key: bytes = b"", exif: bytes = b""
) -> bytes:
    """Return a PNG. `values`: (height, width[, channels]); `kind`: 0 grey, 2 RGB, 3 palette, 4 LA, 6 RGBA."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = values.shape[:2]
    packed = pack_bits(values, bits)
    row = len(packed) // height
    lines = b"".join(b"\0" + packed[i * row : (i + 1) * row] for i in range(height))
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    chunks = [chunk(b"IHDR", header)]
    chunks += [
        chunk(name, data) for name, data in ((b"PLTE", palette), (b"tRNS", key), (b"eXIf", exif)) if data
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [*chunks, chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b"")]
    )


def write_tiff(
    values: np.ndarray,
    bits: int,
    photometric: int,
    *,
    big: bool = False,
    sample_format: int = 1,
    extra: Sequence[int] = (),
    fill_order: int = 1,
    planar: bool = False,
    orientation: int | None = None,
    colors: np.ndarray | None = None,
    raw: bytes | None = None,
) -> bytes:
    """Return an uncompressed TIFF of one strip. `values`: (height, width[, samples]), unsigned."""
    order = ">" if big else "<"
    height, width = values.shape[:2]
    samples = values.shape[2] if values.ndim == 3 else 1
    planes = [values[..., one] for one in range(samples)] if planar and samples > 1 else [values]
    data = raw or b"".join(pack_bits(plane, bits, big=big, reverse=fill_order == 2) for plane in planes)
    size = len(data) // len(planes)
    tags: dict[int, tuple[int, list[int]]] = {  # tag: type (3 short, 4 long), values
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [bits] * samples),
        259: (3, [1]),
        262: (3, [photometric]),
        266: (3, [fill_order]),
        273: (4, [8 + size * plane for plane in range(len(planes))]),
        277: (3, [samples]),
        278: (4, [height]),
        279: (4, [size] * len(planes)),
        284: (3, [2 if len(planes) > 1 else 1]),
        339: (3, [sample_format] * samples),
    }
    if orientation:
        tags[274] = (3, [orientation])
    if colors is not None:
        tags[320] = (3, (colors.astype(int).T.ravel() * 257).tolist())
    if extra:
        tags[338] = (3, list(extra))
    place = 8 + len(data) + len(data) % 2
    directory_size = 2 + 12 * len(tags) + 4
    entries, behind = b"", b""
    for tag in sorted(tags):
        kind, numbers = tags[tag]
        content = struct.pack(f"{order}{len(numbers)}{'H' if kind == 3 else 'I'}", *numbers)
        if len(content) > 4:
            where = place + directory_size + len(behind)
            behind += content
            content = struct.pack(f"{order}I", where)
        entries += struct.pack(f"{order}HHI", tag, kind, len(numbers)) + content.ljust(4, b"\0")
    header = (b"MM" if big else b"II") + struct.pack(f"{order}HI", 42, place)
    directory = struct.pack(f"{order}H", len(tags)) + entries + bytes(4)
    return header + data + bytes(len(data) % 2) + directory + behind


def write_netpbm(magic: str, values: np.ndarray, highest: int | None) -> bytes:
    """Return a PBM, PGM or PPM file; `highest` is its largest value, None for PBM."""
    height, width = values.shape[:2]
    head = f"{magic}\n{width} {height}\n" + (f"{highest}\n" if highest is not None else "")
    if magic in ("P1", "P2", "P3"):
        return head.encode() + "\n".join(" ".join(map(str, row.ravel())) for row in values).encode()
    bits = 1 if magic == "P4" else 8 if (highest or 0) < 256 else 16
    return head.encode() + pack_bits(values, bits)


def write_bmp(
    values: np.ndarray, bits: int, *, palette: np.ndarray | None = None, top_down: bool = False
) -> bytes:
    """Return a BMP: palette indices, 15-bit or 24-bit or 32-bit colours; `values` as packed into its rows."""
    height, width = values.shape[:2]
    rows = values if top_down else values[::-1]
    packed = pack_bits(rows, 16 if bits == 16 else 8 if bits > 8 else bits, big=False)
    row = len(packed) // height
    padded = b"".join(packed[i * row : (i + 1) * row].ljust(-(-row // 4) * 4, b"\0") for i in range(height))
    colors = b"" if palette is None else b"".join(bytes([b, g, r, 0]) for r, g, b in palette)
    start = 54 + len(colors)
    info = struct.pack(
        "<IiiHHIIiiII", 40, width, -height if top_down else height, 1, bits, 0, len(padded), 2835, 2835,
        len(colors) // 4, 0,
    )  # fmt: skip
    return b"BM" + struct.pack("<IHHI", start + len(padded), 0, 0, start) + info + colors + padded


def write_tga(values: np.ndarray, bits: int) -> bytes:
    """Return an uncompressed TGA, first row first; colours as blue, green, red, alpha."""
    height, width = values.shape[:2]
    kind, alpha = (3, 0) if bits == 8 else (2, 8 if bits == 32 else 0)
    header = struct.pack("<BBBHHBHHHHBB", 0, 0, kind, 0, 0, 0, 0, 0, width, height, bits, 0x20 | alpha)
    return header + values.astype(np.uint8).tobytes()


def write_sgi(values: np.ndarray, num_bytes: int) -> bytes:
    """Return an uncompressed SGI image, (height, width[, 3]), last row first and plane by plane."""
    height, width = values.shape[:2]
    planes = values[..., None] if values.ndim == 2 else values
    header = struct.pack(">hBBHHHHII", 474, 0, num_bytes, values.ndim, width, height, planes.shape[2], 0, 255)
    body = planes[::-1].transpose(2, 0, 1).astype(f">u{num_bytes}").tobytes()
    return header.ljust(512, b"\0") + body


def write_fits(values: np.ndarray, bits: int) -> bytes:
    """Return a FITS image, last row first; of 16 bits, its values are signed."""
    height, width = values.shape
    cards = [f"SIMPLE  = {'T':>20}", f"BITPIX  = {bits:>20}", f"NAXIS   = {2:>20}"]
    cards += [f"NAXIS1  = {width:>20}", f"NAXIS2  = {height:>20}", "END"]
    header = "".join(card.ljust(80) for card in cards).encode()
    body = values[::-1].astype(">u1" if bits == 8 else ">i2").tobytes()
    return header.ljust(2880, b" ") + body.ljust(2880, b"\0")


def write_xbm(values: np.ndarray) -> bytes:
    """Return an XBM; `values` 1 is ink (black), as X draws it."""
    height, width = values.shape
    packed = pack_bits(values, 1, reverse=True)
    listed = ", ".join(f"0x{byte:02x}" for byte in packed)
    head = f"#define p_width {width}\n#define p_height {height}\n"
    return f"{head}static char p_bits[] = {{\n{listed} }};\n".encode()


def write_exif(orientation: int) -> bytes:
    """Return EXIF data that says how the picture lies, without the word before it."""
    return b"MM\0*\0\0\0\x08\0\1" + struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0) + bytes(4)
