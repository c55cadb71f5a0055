"""Which class spoilt images break first, as far as the images can tell it from the others."""

import numpy as np
from numpy.typing import NDArray

from loupe.data.corruptions import CORRUPTIONS
from loupe.evaluations.damage import Damage
from loupe.evaluations.finding import POINTS, write_value
from loupe.statistics.standouts import adjust_standouts
from loupe.wording import count_of, list_names, quote_name

_Floats = NDArray[np.float64]

_BREAKS = 0.1  # of a class's images lost on average over severities: it breaks
_TIE = 1e-9  # losses that differ by less are equal up to rounding


def name_broken_class(damage: Damage, class_names: tuple[str, ...], level: float) -> str:
    """Return which class breaks first, and under what, as a sentence.

    A class is named where it loses ten points or more, and more than the other classes under the same
    corruption beyond chance, adjusted for all classes and corruptions that were tried (`adjust_standouts`);
    of several the one that loses most, and all that lose as much. It has no interval: that of a loss picked
    as the largest would not hold the true one as often as it says.
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
        return "Whether other classes would break first cannot be told: all images are of one class."
    p_values = adjust_standouts(lost, groups.numpy(), 1 - level)
    shown = breaks & (p_values <= 1 - level + _TIE)
    if not shown.any():
        return _say_untold(lost.mean(1), by_class, called, len(damage.labels))
    return _say_told(by_class, counts, p_values, shown, called)


def _say_told(
    by_class: _Floats,
    counts: NDArray[np.int64],
    p_values: _Floats,
    shown: NDArray[np.bool_],
    called: list[str],
) -> str:
    """Return the largest loss that is shown, what the other classes lose, and the larger ones passed over.

    Args:
        by_class: (corruptions, classes) lost, a share; `p_values` likewise, and `shown`.
        counts: (classes,) images.
        p_values: of a loss against those of the other classes.
        shown: which losses are more than others' beyond chance, at least one.
        called: (classes,) names as they are written.
    """
    most = float(by_class[shown].max())
    first = shown & (by_class >= most - _TIE)
    larger = np.where(shown, -np.inf, by_class)
    is_first = float(larger.max()) < most - _TIE
    at_once = first[first.any(1)]  # a row each corruption under which one of them breaks
    weights = np.where(at_once, 0, counts)
    rest = float(((by_class[first.any(1)] * weights).sum(1) / weights.sum(1)).max())
    unlike = by_class[:, first.any(0)][~first[:, first.any(0)]]  # of these classes, under the rest
    under = "only under" if is_first and float(unlike.max(initial=0)) < most / 3 else "under"
    bound = "at most " if len(at_once) > 1 else ""
    others = f"{bound}{_write(rest).removesuffix(' points')}" if rest >= 0.0005 else "nothing"
    which = "the largest loss" if first.sum() == 1 else "one of the largest losses"
    head = _name_first(first, called, is_first, under)
    said = (
        f"{head} loses {_write(most)}, the other classes {others}; it is {which} shown to be more than other "
        f"classes' (p = {float(p_values[first].max()):.2g}, adjusted for {by_class.size:,} losses)."
    )
    if not is_first:
        size = "Losses as large" if float(larger.max()) <= most + _TIE else "Larger losses"
        said += f" {size}, such as {_name_largest(larger, called)}, are not shown to be more than others'."
    later = [called[label] for label in np.flatnonzero(shown.any(0) & ~first.any(0)).tolist()]
    if later:
        verb = "is" if len(later) == 1 else "are"
        said += f" {list_names(later)} {verb} shown to lose more than others too, but less."
    return said


def _name_first(first: NDArray[np.bool_], called: list[str], is_first: bool, under: str) -> str:
    """Return who breaks and under what, up to the verb: "Class a breaks first, under blur: it"."""
    names = list(CORRUPTIONS)
    broken = {
        called[label]: list_names([names[index] for index in np.flatnonzero(first[:, label])])
        for label in np.flatnonzero(first.any(0)).tolist()
    }
    ways = list(broken.values())
    if len(broken) == 1:
        verb = "breaks first" if is_first else "stands out"
        return f"Class {next(iter(broken))} {verb}, {under} {ways[0]}: it"
    verb = "break first" if is_first else "stand out"
    if len(set(ways)) == 1:
        return f"Classes {list_names(list(broken))} {verb}, {under} {ways[0]}: each"
    return f"Classes {list_names([f'{name} under {way}' for name, way in broken.items()])} {verb}: each"


def _say_untold(of_all: _Floats, by_class: _Floats, called: list[str], num_images: int) -> str:
    """Return that classes lose much, but none more than the others beyond chance."""
    worst = int(of_all.argmax())
    largest = _name_largest(by_class, called)
    cannot = f"which class breaks first cannot be told from {count_of(num_images, 'image')}."
    if float(of_all[worst]) >= _BREAKS - _TIE:
        losses = f"All classes together lose {_write(float(of_all[worst]))} under {list(CORRUPTIONS)[worst]}"
        return f"{losses}, and none is shown to lose more than the others: {cannot}"
    return f"The largest of {by_class.size:,} losses by class, {largest}, may be chance: {cannot}"


def _name_largest(by_class: _Floats, called: list[str]) -> str:
    index, label = np.unravel_index(by_class.argmax(), by_class.shape)
    return f"{_write(float(by_class[index, label]))} of {called[label]} under {list(CORRUPTIONS)[index]}"


def _write(loss: float) -> str:
    return write_value(loss, POINTS, 1).removeprefix("+")
