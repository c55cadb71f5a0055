"""Names in a study that have to be names of something else in it."""

from collections.abc import Collection, Iterable, Iterator

from loupe.checking import name_place
from loupe.errors import Mistake, suggest
from loupe.studies.schema import Skip, Study, name_value


def find_unknown_names(study: Study, lost: Collection[str] = ()) -> Iterator[Mistake]:
    """Yield a mistake for each name that nothing in the study bears, and for a fit without its axis.

    Args:
        study: the study, or what could be read of it.
        lost: what of it could not be, as `keep_sound` names it; such names are not said to be unknown.
    """
    if study.reference is not None:
        yield from find_unknown("reference", [study.reference], study.arms, "arms", lost)
    for name, stage in study.stages.items():
        place = name_place("stages", name, "axes")
        yield from find_unknown(place, stage.axes, study.axes, "axes", lost)
    for index, skip in enumerate(study.skip):
        yield from _check_skip(name_place("skip", index), skip, study, lost)
    is_whole = not any(one.partition(".")[0] == "axes" for one in lost)
    if is_whole and study.fit is not None and not any(axis.numbers for axis in study.axes.values()):
        yield Mistake("fit", repr(study.fit), "a fit where an axis has ascending numbers")


def _check_skip(place: str, skip: Skip, study: Study, lost: Collection[str]) -> Iterator[Mistake]:
    yield from find_unknown(f"{place}.arm", skip.arm, study.arms, "arms", lost)
    yield from find_unknown(f"{place}.at", skip.at, study.axes, "axes", lost)
    for axis, values in skip.at.items():
        if axis in study.axes:
            names = study.axes[axis].names
            where = f"{place}.at.{name_place(axis)}"
            yield from find_unknown(where, values, names, f"values of {axis}")


def find_unknown(
    place: str, named: Iterable[object], known: Iterable[str], what: str, lost: Collection[str] = ()
) -> Iterator[Mistake]:
    """Yield a mistake for each value or name that is not known, nor lost with all or one of them."""
    known = list(known)
    allowed = ", ".join(known) or f"none: there are no {what}"
    for one in named:
        if name_value(one) not in known and not {what, f"{what}.{one}"}.intersection(lost):
            yield Mistake(place, repr(one), allowed, suggest(one, known) if isinstance(one, str) else None)
