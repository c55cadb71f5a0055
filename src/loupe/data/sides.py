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

from loupe.data.identity import ImageTable, join_tables, to_keys
from loupe.data.missing_classes import (
    TEST_SETTING,
    Side,
    Working,
    advise,
    count_different,
    describe_allowed,
    find_working_amount,
    refuse_missing_classes,
)
from loupe.errors import MissingClassError
from loupe.wording import quote_name

TEST_PURPOSE = "test"  # of the draw of test images, which has no seed


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
        f"{TEST_SETTING} = {part:g}",
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
    poor = [label for label in range(len(class_names)) if count_different(train, label) < 2]
    if not poor:
        return
    whole = join_tables(train, test)
    working = _find_working_test_part(whole, part, 2)
    hopeless = [class_names[label] for label in range(len(class_names)) if count_different(whole, label) < 3]
    left = ", ".join(
        f"{quote_name(class_names[label])} "
        f"({count_different(train, label)} of {count_different(whole, label)})"
        for label in poor
    )
    raise MissingClassError(
        f"Beside the test part too few images of {quote_name(class_names[poor[0]])} are left to train and "
        "to validate.",
        setting=TEST_SETTING,
        works=working.amount,
        class_names=class_names,
        hopeless=hopeless,
        got=f"{TEST_SETTING} = {part:g}; each image's side follows from its own pixels; left: {left}",
        allowed="two different images of each class beside those of test"
        + describe_allowed(working, bool(hopeless), 3),
        next_step=advise(TEST_SETTING, working, hopeless or [class_names[label] for label in poor]),
    )


def _find_working_test_part(whole: ImageTable, part: float, num_kept: int) -> Working:
    numbers = draw_numbers(whole.identities, TEST_PURPOSE)
    return find_working_amount(whole.labels, numbers, part, num_kept=num_kept)


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
