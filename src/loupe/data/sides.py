"""Sides that stay: the side of an image follows from the image itself, not from what lies beside it.

For data that people keep working on. Each image draws a number in [0, 1) from its own digest and a seed;
below the part wanted it is held out. So adding, deleting, renaming or moving files moves no other image,
equal images are on one side, and a smaller part lies inside a larger one. The price: how many images a side
gets is chance, which `describe_draw` puts into numbers.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from loupe.data.identity import ImageTable, to_keys
from loupe.errors import DataError


def draw_numbers(identities: Tensor, purpose: str) -> Tensor:
    """Return a number in [0, 1) for each image, (images,) float64; other images do not matter.

    Args:
        identities: (images, 16) uint8.
        purpose: what is drawn for, with its seed; other purposes give independent numbers.
    """
    start = hashlib.sha256(purpose.encode() + b"\0")
    numbers = []
    for key in to_keys(identities):
        sha = start.copy()
        sha.update(key)
        numbers.append(int.from_bytes(sha.digest()[:6], "big") / 2**48)  # exact in a float
    return torch.tensor(numbers, dtype=torch.float64)


def hold_out_by_image(
    table: ImageTable, amount: int | float, purpose: str, *, class_names: Sequence[str], setting: str
) -> tuple[Tensor, Tensor]:
    """Split images into those kept and those held out, each by its own digest.

    Args:
        table: the images.
        amount: a part in (0, 1), which keeps every image on its side for good; or a count ≥ 1, which takes
            those with the least numbers, so that the last of them change sides as files come and go.
        purpose: of the draw, with its seed.
        class_names: each class must be present on both sides.
        setting: where the amount was set, for the error message.

    Returns:
        Indices kept and indices held out, (kept,) and (held out,) int64, each sorted.

    Raises:
        DataError: a side has no image of some class.
    """
    numbers = draw_numbers(table.identities, purpose)
    if isinstance(amount, int):
        limit = numbers.sort().values[amount] if amount < len(numbers) else math.inf
        is_held_out = numbers < limit
    else:
        is_held_out = numbers < amount
    kept, held_out = (~is_held_out).nonzero().flatten(), is_held_out.nonzero().flatten()
    refuse_missing_classes(
        table, {"kept": kept, "held-out": held_out}, class_names, f"{setting} = {amount:g}"
    )
    return kept, held_out


def refuse_missing_classes(
    table: ImageTable, sides: dict[str, Tensor], class_names: Sequence[str], setting: str
) -> None:
    """Check that each side has images of each class.

    Raises:
        DataError: one has none of some class, which is named.
    """
    totals = torch.bincount(table.labels, minlength=len(class_names)).tolist()
    for side, indices in sides.items():
        counts = torch.bincount(table.labels[indices], minlength=len(class_names)).tolist()
        missing = [label for label, count in enumerate(counts) if not count]
        if missing:
            listed = ", ".join(f"{class_names[label]} ({totals[label]:,} in all)" for label in missing)
            name = setting.partition(" ")[0]
            raise DataError(
                f"The {side} part would hold no image of {class_names[missing[0]]}"
                + (f" and {len(missing) - 1} more classes." if len(missing) > 1 else "."),
                got=f"{setting}; each image's side follows from its own pixels; none of: {listed}",
                allowed="images of each class on both sides",
                next_step=f"change {name}, add images, or put each side's images into a folder of its own",
            )


def describe_draw(table: ImageTable, part: float, drawn: int, name: str) -> str:
    """Return in a sentence how many images a side was to get, and how many it got.

    Args:
        table: the images drawn from.
        part: of them, in (0, 1).
        drawn: how many were.
        name: of the side.
    """
    copies = Counter(to_keys(table.identities)).values()
    spread = math.sqrt(part * (1 - part) * sum(count**2 for count in copies))
    return (
        f"Each image is a {name} image with probability {100 * part:g} %, by its own pixels, so that no file "
        f"that comes or goes moves another: {part * len(table):,.0f} ± {2 * spread:,.0f} of {len(table):,} "
        f"expected (two standard deviations), {drawn:,} drawn."
    )
