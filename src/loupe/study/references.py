"""Names that have to be names of something else: in a study, and in claims about studies."""

from collections.abc import Iterable, Iterator, Mapping

from loupe.checking import name_place
from loupe.errors import Mistake, suggest
from loupe.study.reproduction import Effect, Reproduction, Runs
from loupe.study.schema import Skip, Study, name_value


def find_unknown_names(study: Study) -> Iterator[Mistake]:
    """Yield a mistake for each name that nothing in the study bears, and for a fit without its axis."""
    if study.reference is not None:
        yield from _want("reference", [study.reference], study.arms, "arms")
    for name, stage in study.stages.items():
        yield from _want(name_place("stages", name, "axes"), stage.axes, study.axes, "axes")
    for index, skip in enumerate(study.skip):
        yield from _check_skip(name_place("skip", index), skip, study)
    if study.fit is not None and not any(axis.numbers for axis in study.axes.values()):
        yield Mistake("fit", repr(study.fit), "a fit where an axis has ascending numbers")


def _check_skip(place: str, skip: Skip, study: Study) -> Iterator[Mistake]:
    yield from _want(f"{place}.arm", skip.arm, study.arms, "arms")
    yield from _want(f"{place}.at", skip.at, study.axes, "axes")
    for axis, values in skip.at.items():
        if axis in study.axes:
            names = study.axes[axis].names
            where = f"{place}.at.{name_place(axis)}"
            yield from _want(where, values, names, f"values of {axis}")


def find_unknown_claims(reproduction: Reproduction, studies: Mapping[str, Study]) -> Iterator[Mistake]:
    """Yield a mistake for each name in a reproduction that its studies do not bear.

    Args:
        reproduction: the claims.
        studies: its studies by name.
    """
    yield from _want("quick", reproduction.quick, studies, "studies")
    for section in ("winners", "effects", "numbers"):
        for index, claim in enumerate(getattr(reproduction, section)):
            place = name_place(section, index)
            if claim.study not in studies:
                yield from _want(f"{place}.study", [claim.study], studies, "studies")
            elif isinstance(claim, Runs):
                yield from _check_claim(place, claim, studies[claim.study])
            else:
                yield from _want(f"{place}.published", [claim.published], studies[claim.study].arms, "arms")


def _check_claim(place: str, claim: Runs, study: Study) -> Iterator[Mistake]:
    """Yield what is wrong with the runs a claim is about."""
    axes = list(study.axes)
    if claim.stage:
        yield from _want(f"{place}.stage", [claim.stage], study.stages, "stages")
        axes = list(study.stages[claim.stage].axes) if claim.stage in study.stages else axes
    elif claim.arm or len(study.arms) > 1:
        yield from _want(f"{place}.arm", [claim.arm], study.arms, "arms")
    if isinstance(claim, Effect):
        yield from _want(f"{place}.reference", [claim.reference], study.arms, "arms")
    yield from _want(f"{place}.at", claim.at, axes, "axes")
    for axis, value in claim.at.items():
        if axis in axes:
            where = f"{place}.at.{name_place(axis)}"
            yield from _want(where, [value], study.axes[axis].names, f"values of {axis}")


def _want(place: str, named: Iterable[object], known: Iterable[str], what: str) -> Iterator[Mistake]:
    """Yield a mistake for each value or name that is not known."""
    known = list(known)
    allowed = ", ".join(known) or f"none: there are no {what}"
    for one in named:
        if name_value(one) not in known:
            yield Mistake(place, repr(one), allowed, suggest(one, known) if isinstance(one, str) else None)
