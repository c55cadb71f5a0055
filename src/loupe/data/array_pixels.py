"""Arrays of numbers as pixels: which axis is which, and what range the values have."""

import numpy as np

from loupe.data.mapped_rows import is_mapped
from loupe.errors import DataError

_CHANNELS = (1, 3)


def to_pixels(values: np.ndarray, *, bit_range: int | None, what: str) -> tuple[np.ndarray, list[str]]:
    """Return an array as (images, channels, height, width) uint8, and what was assumed.

    Of a file that is mapped and holds uint8 nothing is read: its axes are put in order, and that is all.

    Args:
        values: (images, height, width), or with 1 or 3 channels before or after these; uint8, booleans,
            uint16, whole numbers from 0 to 255, or fractions from 0 to 1.
        bit_range: bits that values of 16 bits use; 16 if left out.
        what: the array, for messages.

    Raises:
        DataError: no images, or values of unknown range.
    """
    levels, notes = _to_levels(values, bit_range, what)
    if levels.ndim == 3:
        return lay_out(levels[:, None]), notes
    first = levels.ndim == 4 and levels.shape[1] in _CHANNELS
    last = levels.ndim == 4 and levels.shape[3] in _CHANNELS
    if first == last:
        raise DataError(
            f"{what} have no shape of images."
            if not first
            else f"{what} could have their channels first or last.",
            got=f"shape {values.shape}",
            allowed="(images, height, width), or with 1 or 3 channels before or after height and width",
            next_step=_advise_shape(levels.shape)
            if not first
            else "move the axis and add a border, or drop an axis",
        )
    return lay_out(levels if first else levels.transpose(0, 3, 1, 2)), notes


def _advise_shape(shape: tuple[int, ...]) -> str:
    if len(shape) == 4 and 4 in (shape[1], shape[3]):
        return "lay what is transparent over a colour, and leave out the fourth channel: images[..., :3]"
    return "reshape the array"


def lay_out(levels: np.ndarray) -> np.ndarray:
    """Return an array with its images one after the other in memory; one that is mapped as it is."""
    return levels if is_mapped(levels) else np.ascontiguousarray(levels)


def _to_levels(values: np.ndarray, bit_range: int | None, what: str) -> tuple[np.ndarray, list[str]]:
    """Return values as levels from 0 to 255, uint8."""
    kind = values.dtype.kind
    if values.dtype == np.uint8 or values.size == 0:
        return values.astype(np.uint8, copy=False), []
    if kind == "b":
        return values.astype(np.uint8) * 255, []
    low, high = (float(values.min()), float(values.max())) if kind in "iuf" else (np.nan, np.nan)
    if kind == "u" and values.dtype.itemsize == 2 and (high > 255 or bit_range):
        bits = bit_range or 16
        if high >= 2**bits:
            raise _refuse(what, low, high, values, f"0 to {2**bits - 1} with data.bit_range={bits}")
        note = [] if bit_range or high >= 2**14 else [describe_unused_range(what, int(high))]
        return (values >> (bits - 8)).astype(np.uint8), note
    if kind in "iu" and low >= 0 and high <= 255:
        return values.astype(np.uint8), []
    if kind == "f" and low >= 0 and high <= 1 and high > 0:
        return np.rint(values * 255).astype(np.uint8), [
            f"{what} are fractions: 0 was read as black, 1 as white."
        ]
    if kind == "f" and low >= 0 and high <= 255 and bool(np.equal(values, np.rint(values)).all()):
        return values.astype(np.uint8), []
    raise _refuse(what, low, high, values, "0 to 255, fractions from 0 to 1, or uint16")


def describe_unused_range(what: str, highest: int) -> str:
    """Return a warning that values of 16 bits use a part of their range only."""
    return (
        f"{what} have 16 bits a value, but reach only {highest:,} of 65,535: they are nearly black. "
        f"data.bit_range={max(8, highest.bit_length())} reads them in the range they use."
    )


def _refuse(what: str, low: float, high: float, values: np.ndarray, allowed: str) -> DataError:
    return DataError(
        f"{what} hold values whose range is not known.",
        got=f"{values.dtype} from {low:g} to {high:g}",
        allowed=allowed,
        next_step="scale them before saving; what is black and what is white is for you to say",
    )
