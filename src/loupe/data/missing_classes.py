"""Classes that a side of a division would be without: refused, with the amounts that would do."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from loupe.data.identity import ImageTable, to_keys
from loupe.errors import MissingClassError
from loupe.wording import quote_name

TEST_SETTING = "data.test_part"
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
        hopeless = [label for label in range(len(class_names)) if count_different(table, label) < num_needed]
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
            + describe_allowed(working, bool(hopeless), num_needed),
            next_step=advise(name, working, named),
        )


def describe_allowed(working: Working, is_hopeless: bool, num_needed: int) -> str:
    """Return what a message adds to what is allowed: amounts that work, and how many images a class needs."""
    number = {2: "two", 3: "three"}[num_needed]
    sides = ", to train, to validate and to test" if num_needed == 3 else ""
    return (f": for these images, {working.allowed}" if working.allowed else "") + (
        f"; so {number} different images of a class, or more{sides}" if is_hopeless else ""
    )


def count_different(table: ImageTable, label: int) -> int:
    """Return how many images of a class differ from each other."""
    return len(set(to_keys(table.identities[table.labels == label])))


def advise(name: str, working: Working, class_names: Sequence[str]) -> str:
    """Return what to do about classes that a side is without: another amount, more images, or folders.

    Args:
        name: of the setting that divides the images.
        working: amounts that would do.
        class_names: of the classes that are lacking.
    """
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
    if name in (TEST_SETTING, "data.validation", "data.fraction", "data.fold"):
        return f"add images of {listed}, leave the class out with data.classes, or {own}"
    return f"change {name}, or add images of {listed}"
