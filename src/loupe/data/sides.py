"""Sides that stay: the side of an image follows from the image itself, not from what lies beside it.

For data that people keep working on. Each image draws a number in [0, 1) from its own digest and a seed;
below the part wanted it is held out. So adding, deleting, renaming or moving files moves no other image,
equal images are on one side, and a smaller part lies inside a larger one. The price: how many images a side
gets is chance, which `describe_draw` puts into numbers.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from loupe.data.identity import ImageTable, join_tables, to_keys
from loupe.errors import MissingClassError

TEST_PURPOSE = "test"  # of the draw of test images, which has no seed
_TEST_SETTING = "data.test_part"
_MOST_NAMED = 5


@dataclass(frozen=True)
class Working:
    """Amounts that give each side images of each class.

    Args:
        amount: the one nearest to what was wished; None if there is none.
        allowed: all of them, in words.
    """

    amount: float | int | None = None
    allowed: str = ""


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
        table,
        {"kept": kept, "held-out": held_out},
        class_names,
        f"{setting} = {amount:g}",
        lambda: find_working_amount(table.labels, numbers, amount),
    )
    return kept, held_out


def set_test_images_apart(
    table: ImageTable, part: float, class_names: Sequence[str]
) -> tuple[Tensor, Tensor]:
    """Return indices of the images kept and of the test images, as `hold_out_by_image`.

    Whether each class is on both sides is asked later, when it is known which classes are wanted
    (`refuse_missing_test_classes`).

    Raises:
        DataError: a side has no image at all.
    """
    is_test = draw_numbers(table.identities, TEST_PURPOSE) < part
    if 0 < int(is_test.sum()) < len(table):
        return (~is_test).nonzero().flatten(), is_test.nonzero().flatten()
    return hold_out_by_image(table, part, TEST_PURPOSE, class_names=class_names, setting=_TEST_SETTING)


def refuse_missing_test_classes(
    train: ImageTable, test: ImageTable, part: float, class_names: Sequence[str]
) -> None:
    """Check that training and test images, set apart each by its own digest, are of each class.

    Raises:
        DataError: a side has none of some class.
    """
    whole, indices = join_tables(train, test), torch.arange(len(train) + len(test))
    refuse_missing_classes(
        whole,
        {"training": indices[: len(train)], "test": indices[len(train) :]},
        class_names,
        f"{_TEST_SETTING} = {part:g}",
        lambda: find_working_amount(whole.labels, draw_numbers(whole.identities, TEST_PURPOSE), part),
    )


def find_working_amount(
    labels: Tensor, numbers: Tensor, wanted: float | int, *, is_part: bool = False
) -> Working:
    """Return the amounts that give each class images on both sides, and of these the one nearest to a wish.

    Args:
        labels: (images,) int64.
        numbers: (images,) float64, drawn; an image is held out if its number is below the amount.
        wanted: a part, or a count of the least numbers.
        is_part: whether the images held out are all that is needed, as of a fraction.
    """
    by_class = [numbers[labels == label] for label in labels.unique()]
    low = max(float(one.min()) for one in by_class)
    high = 1.0 if is_part else min(float(one.max()) for one in by_class)
    if low >= high:
        return Working()
    if isinstance(wanted, int):
        fewest, most = int((numbers <= low).sum()), int((numbers < high).sum())
        return Working(min(max(wanted, fewest), most), f"{fewest:,} to {most:,}")
    for digits in range(2, 7):
        scale = 10**digits
        least, largest = math.floor(low * scale + 1) / scale, math.floor(high * scale) / scale
        if low < least <= largest <= high:
            return Working(min(max(wanted, least), largest), f"{least:g} to {largest:g}")
    return Working()


def refuse_missing_classes(
    table: ImageTable,
    sides: Mapping[str, Tensor],
    class_names: Sequence[str],
    setting: str,
    find_working: Callable[[], Working] = Working,
) -> None:
    """Check that each side has images of each class.

    Args:
        table: the images.
        sides: indices by name of the side.
        class_names: of the labels.
        setting: what divides the images, and its value.
        find_working: returns what values would do; asked only if this one does not.

    Raises:
        MissingClassError: one has none of some class, which is named.
    """
    totals = torch.bincount(table.labels, minlength=len(class_names)).tolist()
    for side, indices in sides.items():
        counts = torch.bincount(table.labels[indices], minlength=len(class_names)).tolist()
        missing = [label for label, count in enumerate(counts) if not count]
        if missing:
            working, name = find_working(), setting.partition(" ")[0]
            hopeless = [label for label in range(len(class_names)) if _count_different(table, label) < 2]
            listed = ", ".join(f"{class_names[label]} ({totals[label]:,} in all)" for label in missing)
            named = [class_names[label] for label in hopeless or missing]
            raise MissingClassError(
                f"The {side} part would hold no image of {class_names[missing[0]]}"
                + (f" and {len(missing) - 1} more classes." if len(missing) > 1 else "."),
                setting=name,
                works=working.amount,
                class_names=class_names,
                hopeless=[class_names[label] for label in hopeless],
                got=f"{setting}; each image's side follows from its own pixels; none of: {listed}",
                allowed="images of each class on both sides"
                + (f": for these images, {working.allowed}" if working.allowed else "")
                + ("; so two different images of a class, or more" if hopeless else ""),
                next_step=_advise(name, working, named),
            )


def _count_different(table: ImageTable, label: int) -> int:
    return len(set(to_keys(table.identities[table.labels == label])))


def _advise(name: str, working: Working, class_names: Sequence[str]) -> str:
    listed = ", ".join(class_names[:_MOST_NAMED]) + (" …" if len(class_names) > _MOST_NAMED else "")
    own = "put each side's images into a folder of its own"
    if working.amount is not None and name == "data.fold":
        parts = working.amount
        return (
            f"set data.fold={{number=1, of={parts}}}, in a study folds={parts}, in an audit --folds {parts};"
            f" or add images of {listed}"
        )
    if working.amount is not None:
        return f"set {name}={working.amount:g}, add images of {listed}, or {own}"
    if name in (_TEST_SETTING, "data.validation", "data.fraction", "data.fold"):
        return f"add images of {listed}, leave the class out with data.classes, or {own}"
    return f"change {name}, or add images of {listed}"


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
