"""Sides that stay: the side of an image follows from the image itself, not from what lies beside it.

For data that people keep working on. Each image draws a number in [0, 1) from its own digest and a seed;
below the part wanted it is held out. So adding, deleting, renaming or moving files moves no other image,
equal images are on one side, and a smaller part lies inside a larger one. The price: how many images a side
gets is chance, which `describe_draw` puts into numbers.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from loupe.data.identity import ImageTable, join_tables, to_keys
from loupe.errors import MissingClassError
from loupe.wording import quote_name

TEST_PURPOSE = "test"  # of the draw of test images, which has no seed
_TEST_SETTING = "data.test_part"
_MOST_NAMED = 5
_MANY_CLASSES = 20


@dataclass(frozen=True)
class Working:
    """Amounts that give each side images of each class.

    Args:
        amount: the one nearest to what was wished; None if there is none.
        allowed: all of them, in words.
    """

    amount: float | int | None = None
    allowed: str = ""


@dataclass(frozen=True, eq=False)
class Side:
    """Images of one side.

    Args:
        name: as messages call it.
        indices: (images,) int64.
        only_judges: whether nothing is learned from it. Of twenty classes and more such a side may be without
            some, up to half: of hundreds a few nearly always draw no image, and the others judge well.
    """

    name: str
    indices: Tensor
    only_judges: bool = False

    def may_lack(self, num_missing: int, num_classes: int) -> bool:
        """Return whether the side will do without so many of the classes."""
        return self.only_judges and may_go_unjudged(num_missing, num_classes)


def may_go_unjudged(num_missing: int, num_classes: int) -> bool:
    """Return whether figures that say nothing of so many of the classes are still worth having."""
    return num_classes >= _MANY_CLASSES and 2 * num_missing <= num_classes


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
        class_names: each class must be among the kept, and nearly all among those held out (`Side`).
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
        [Side("kept", kept), Side("held-out", held_out, only_judges=True)],
        class_names,
        f"{setting} = {amount:g}",
        lambda: find_working_amount(table.labels, numbers, amount),
    )
    return kept, held_out


def set_test_images_apart(
    table: ImageTable, part: float, class_names: Sequence[str], *, num_kept: int
) -> tuple[Tensor, Tensor]:
    """Return indices of the images kept and of the test images, as `hold_out_by_image`.

    Whether each class is on both sides is asked later, when it is known which classes are wanted
    (`refuse_missing_test_classes`).

    Args:
        table: the images.
        part: share of test images, in (0, 1).
        class_names: of the labels.
        num_kept: as of `refuse_missing_test_classes`.

    Raises:
        DataError: a side has no image at all.
    """
    is_test = draw_numbers(table.identities, TEST_PURPOSE) < part
    kept, test = (~is_test).nonzero().flatten(), is_test.nonzero().flatten()
    if not 0 < len(test) < len(table):
        _refuse_missing_test_classes(table, kept, test, part, class_names, num_kept)
    return kept, test


def refuse_missing_test_classes(
    train: ImageTable, test: ImageTable, part: float, class_names: Sequence[str], *, num_kept: int
) -> None:
    """Check that training images, and nearly all test images, set apart by their digests, are of each class.

    Args:
        train: images kept.
        test: test images.
        part: share of test images that divided them, in (0, 1).
        class_names: of the labels.
        num_kept: different images of a class that have to be kept by a share that is named as working: 2 if
            validation images are still to be taken from these.

    Raises:
        DataError: a side has none of some class.
    """
    whole, indices = join_tables(train, test), torch.arange(len(train) + len(test))
    kept, held_out = indices[: len(train)], indices[len(train) :]
    _refuse_missing_test_classes(whole, kept, held_out, part, class_names, num_kept)


def _refuse_missing_test_classes(
    whole: ImageTable, kept: Tensor, test: Tensor, part: float, class_names: Sequence[str], num_kept: int
) -> None:
    refuse_missing_classes(
        whole,
        [Side("training", kept), Side("test", test, only_judges=True)],
        class_names,
        f"{_TEST_SETTING} = {part:g}",
        lambda: _find_working_test_part(whole, part, num_kept),
        num_needed=num_kept + 1,
    )


def refuse_too_few_beside_test(
    train: ImageTable, test: ImageTable, part: float, class_names: Sequence[str]
) -> None:
    """Check that the share of test images left two different images of each class, to train and to validate.

    Where it did not, no share of validation images helps, and another share of test images may.

    Raises:
        MissingClassError: one image or none is left of some class.
    """
    poor = [label for label in range(len(class_names)) if _count_different(train, label) < 2]
    if not poor:
        return
    whole = join_tables(train, test)
    working = _find_working_test_part(whole, part, 2)
    hopeless = [class_names[label] for label in range(len(class_names)) if _count_different(whole, label) < 3]
    left = ", ".join(
        f"{quote_name(class_names[label])} "
        f"({_count_different(train, label)} of {_count_different(whole, label)})"
        for label in poor
    )
    raise MissingClassError(
        f"Beside the test part too few images of {quote_name(class_names[poor[0]])} are left to train and "
        "to validate.",
        setting=_TEST_SETTING,
        works=working.amount,
        class_names=class_names,
        hopeless=hopeless,
        got=f"{_TEST_SETTING} = {part:g}; each image's side follows from its own pixels; left: {left}",
        allowed="two different images of each class beside those of test"
        + _describe_allowed(working, bool(hopeless), 3),
        next_step=_advise(_TEST_SETTING, working, hopeless or [class_names[label] for label in poor]),
    )


def _find_working_test_part(whole: ImageTable, part: float, num_kept: int) -> Working:
    numbers = draw_numbers(whole.identities, TEST_PURPOSE)
    return find_working_amount(whole.labels, numbers, part, num_kept=num_kept)


def find_working_amount(
    labels: Tensor, numbers: Tensor, wanted: float | int, *, is_part: bool = False, num_kept: int = 1
) -> Working:
    """Return the amounts that give each class images on both sides, and of these the one nearest to a wish.

    Args:
        labels: (images,) int64.
        numbers: (images,) float64, drawn; an image is held out if its number is below the amount.
        wanted: a part, or a count of the least numbers.
        is_part: whether the images held out are all that is needed, as of a fraction.
        num_kept: different images of each class that are not to be held out, ≥ 1.
    """
    by_class = [numbers[labels == label].unique() for label in labels.unique()]  # equal images: one number
    if not is_part and min(map(len, by_class)) <= num_kept:
        return Working()
    low = max(float(one[0]) for one in by_class)
    high = 1.0 if is_part else min(float(one[-num_kept]) for one in by_class)
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
    sides: Sequence[Side],
    class_names: Sequence[str],
    setting: str,
    find_working: Callable[[], Working] = Working,
    *,
    num_needed: int = 2,
) -> None:
    """Check that each side has images of each class, or of enough of them (`Side`).

    Args:
        table: the images.
        sides: that they were divided into.
        class_names: of the labels.
        setting: what divides the images, and its value.
        find_working: returns what values would do; asked only if this one does not.
        num_needed: different images without which no value does for a class.

    Raises:
        MissingClassError: one has none of some class, which is named.
    """
    totals = torch.bincount(table.labels, minlength=len(class_names)).tolist()
    for side in sides:
        counts = torch.bincount(table.labels[side.indices], minlength=len(class_names)).tolist()
        missing = [label for label, count in enumerate(counts) if not count]
        if not missing or side.may_lack(len(missing), len(class_names)):
            continue
        working, name = find_working(), setting.partition(" ")[0]
        hopeless = [label for label in range(len(class_names)) if _count_different(table, label) < num_needed]
        listed = ", ".join(
            f"{quote_name(class_names[label])} ({totals[label]:,} in all)" for label in missing
        )
        named = [class_names[label] for label in hopeless or missing]
        raise MissingClassError(
            f"The {side.name} part would hold no image of {quote_name(class_names[missing[0]])}"
            + (f" and {len(missing) - 1} more classes." if len(missing) > 1 else "."),
            setting=name,
            works=working.amount,
            class_names=class_names,
            hopeless=[class_names[label] for label in hopeless],
            got=f"{setting}; each image's side follows from its own pixels; none of: {listed}",
            allowed="images of each class on both sides"
            + _describe_allowed(working, bool(hopeless), num_needed),
            next_step=_advise(name, working, named),
        )


def _describe_allowed(working: Working, is_hopeless: bool, num_needed: int) -> str:
    number = {2: "two", 3: "three"}[num_needed]
    sides = ", to train, to validate and to test" if num_needed == 3 else ""
    return (f": for these images, {working.allowed}" if working.allowed else "") + (
        f"; so {number} different images of a class, or more{sides}" if is_hopeless else ""
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
