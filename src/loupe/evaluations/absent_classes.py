"""Which classes cannot be judged, because none of the images is of them."""

from collections.abc import Sequence

from loupe.wording import list_names, quote_name

_MOST_NAMED = 5


def say_absent(counts: Sequence[int], class_names: Sequence[str]) -> str:
    """Return a sentence on the classes without images, a space before it; "" if each has some.

    Args:
        counts: images of each class.
        class_names: one name a class.
    """
    absent = [quote_name(name) for name, count in zip(class_names, counts, strict=True) if not count]
    if not absent:
        return ""
    be = "was" if len(absent) == 1 else "were"
    total = f"{len(absent):,} of {len(class_names):,} classes"
    return f" {total} {be} not judged, for want of images: {list_names(absent, _MOST_NAMED)}."
