"""The bytes of a file, packed or not."""

import bz2
import gzip
import lzma
import zlib
from pathlib import Path

from loupe.errors import DataFileError

_PACKINGS = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ": lzma.decompress}
"""How files begin that are packed, and what unpacks them: gzip, bzip2, xz."""

_DAMAGED = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)


def read_unpacked(path: Path) -> bytes:
    """Return a file's content, unpacked if it is packed by gzip, bzip2 or xz, whatever it is called.

    Raises:
        DataFileError: it begins as a packed file does, and cannot be unpacked.
    """
    data = path.read_bytes()
    unpack = next((unpack for start, unpack in _PACKINGS.items() if data.startswith(start)), None)
    if unpack is None:
        return data
    try:
        return unpack(data)
    except _DAMAGED as error:
        raise DataFileError(
            f"{path} cannot be unpacked.",
            got=f"{type(error).__name__}: {str(error)[:100]}",
            allowed="a whole file",
            next_step="fetch it again",
        ) from None
