"""Which classes spoilt images break, as far as the images can tell them from the others."""

import numpy as np
from numpy.typing import NDArray

from loupe.data.corruptions import CORRUPTIONS
from loupe.evaluations.damage import Damage
from loupe.evaluations.finding import POINTS, write_value
from loupe.statistics.standouts import FEWEST_ROWS, adjust_standouts
from loupe.wording import count_of, list_names, quote_name

_Floats = NDArray[np.float64]

_BREAKS = 0.1  # of a class's images lost on average over severities: it breaks
_TIE = 1e-9  # losses that differ by less are equal up to rounding


def name_broken_class(damage: Damage, class_names: tuple[str, ...], level: float) -> str:
    """Return which classes break, and under what, as a sentence.

    A class is named where it loses ten points or more, and more than the other classes under the same
    corruption beyond chance, adjusted for all classes and corruptions that were tried (`adjust_standouts`);
    of those that are named, none is shown to lose more than another. The largest loss has no interval: that
    of a picked maximum would not hold the true one as often as it says. Classes of fewer than five images
    are not named.
    """
    present, groups = damage.labels.unique(return_inverse=True)
    called = [quote_name(class_names[label]) for label in present.tolist()]
    lost = damage.lose().numpy()
    counts = groups.bincount().numpy()
    by_class: _Floats = np.stack([np.bincount(groups.numpy(), one) for one in lost]) / counts
    breaks = by_class >= _BREAKS - _TIE  # (corruptions, classes)
    if not breaks.any():
        return "No class breaks: none loses 10 points."
    if len(called) == 1:
        return "Whether other classes would break less cannot be told: all images are of one class."
    p_values = adjust_standouts(lost, groups.numpy(), 1 - level)
    shown = breaks & (p_values <= 1 - level + _TIE)
    if shown.any():
        said = _say_told(by_class, counts, p_values, shown, called)
    else:
        said = _say_untold(lost.mean(1), by_class, called, len(damage.labels))
    few = np.flatnonzero(breaks.any(0) & (counts < FEWEST_ROWS)).tolist()
    return said + (f" Not judged, of fewer than five images: {_list(few, called)}." if few else "")


def _say_told(
    by_class: _Floats,
    counts: NDArray[np.int64],
    p_values: _Floats,
    shown: NDArray[np.bool_],
    called: list[str],
) -> str:
    """Return who is shown to break, the largest of these losses, and larger ones that are not shown.

    Args:
        by_class: (corruptions, classes) lost, a share; `p_values` likewise, and `shown`.
        counts: (classes,) images.
        p_values: of a loss against those of the other classes.
        shown: which losses are more than others' beyond chance, at least one.
        called: (classes,) names as they are written.
    """
    most = float(by_class[shown].max())
    largest = shown & (by_class >= most - _TIE)
    before = np.flatnonzero(largest.any(0)).tolist()
    labels = [*before, *np.flatnonzero(shown.any(0) & ~largest.any(0)).tolist()]
    head = f"Class {called[labels[0]]} is" if len(labels) == 1 else f"Classes {_list(labels, called)} are"
    places = ""
    if len(labels) == 1:
        under = shown[:, labels[0]]
        left = by_class[~under, labels[0]]  # what the class loses under the other corruptions
        only = "only " if len(left) and float(left.max()) < most / 3 else ""
        places = f", {only}under {_list_corruptions(under)}" if len(left) else ", under every corruption"
    elsewhere = by_class * counts
    rests = (elsewhere.sum(1, keepdims=True) - elsewhere) / (counts.sum() - counts)
    rest = float(rests[largest].max())
    bound = "at most " if largest.sum() > 1 else ""
    others = f"{bound}{_write(rest).removesuffix(' points')}" if rest >= 0.0005 else "nothing"
    which = _write(most) if shown.sum() == 1 else f"largest: {_describe_largest(largest, most, called)}"
    num_tried = len(by_class) * int((counts >= FEWEST_ROWS).sum())
    said = (
        f"{head} shown to lose more than the other classes{places} ({which}, the other classes {others}; "
        f"p = {float(p_values[largest].max()):.2g}, adjusted for {num_tried:,} losses)."
    )
    larger = np.where(shown | (counts < FEWEST_ROWS), -np.inf, by_class)
    if float(larger.max()) >= most - _TIE:
        size = "Losses as large" if float(larger.max()) <= most + _TIE else "Larger losses"
        said += f" {size}, such as {_name_largest(larger, called)}, are not shown to be more than others'."
    return said


def _describe_largest(largest: NDArray[np.bool_], most: float, called: list[str]) -> str:
    """Return the largest loss, and whose it is: "a, 80.0 points under blur"; of equal ones all."""
    labels = np.flatnonzero(largest.any(0)).tolist()
    ways = [_list_corruptions(largest[:, label]) for label in labels]
    each = " each" if largest.sum() > 1 else ""
    if len(set(ways)) == 1:
        return f"{_list(labels, called)}, {_write(most)}{each} under {ways[0]}"
    names = [f"{called[label]} under {way}" for label, way in zip(labels, ways, strict=True)]
    return f"{list_names(names)}, {_write(most)} each"


def _list(labels: list[int], called: list[str]) -> str:
    return list_names([called[label] for label in labels])


def _list_corruptions(chosen: NDArray[np.bool_]) -> str:
    return list_names([name for name, one in zip(CORRUPTIONS, chosen, strict=True) if one])


def _say_untold(of_all: _Floats, by_class: _Floats, called: list[str], num_images: int) -> str:
    """Return that classes lose much, but none more than the others beyond chance."""
    worst = int(of_all.argmax())
    largest = _name_largest(by_class, called)
    cannot = f"which class breaks cannot be told from {count_of(num_images, 'image')}."
    if float(of_all[worst]) >= _BREAKS - _TIE:
        losses = f"All classes together lose {_write(float(of_all[worst]))} under {list(CORRUPTIONS)[worst]}"
        return f"{losses}, and none is shown to lose more than the others: {cannot}"
    return f"The largest of {by_class.size:,} losses by class, {largest}, may be chance: {cannot}"


def _name_largest(by_class: _Floats, called: list[str]) -> str:
    index, label = np.unravel_index(by_class.argmax(), by_class.shape)
    return f"{_write(float(by_class[index, label]))} of {called[label]} under {list(CORRUPTIONS)[index]}"


def _write(loss: float) -> str:
    return write_value(loss, POINTS, 1).removeprefix("+")
