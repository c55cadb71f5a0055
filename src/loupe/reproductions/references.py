"""Names in a reproduction that its studies have to bear."""

from collections.abc import Iterator, Mapping

from loupe.checking import name_place
from loupe.errors import Mistake
from loupe.metrics.registry import find_metric_mistakes
from loupe.reproductions.columns import name_metric
from loupe.reproductions.schema import Effect, Numbers, Reproduction, Runs, Winner
from loupe.studies.references import find_unknown
from loupe.studies.schema import Study


def find_unknown_claims(reproduction: Reproduction, studies: Mapping[str, Study]) -> Iterator[Mistake]:
    """Yield a mistake for each name in a reproduction that its studies do not bear.

    Args:
        reproduction: the claims.
        studies: its studies by name.
    """
    yield from find_unknown("quick", reproduction.quick, studies, "studies")
    for section in ("winners", "effects", "numbers", "classes", "courses", "shown"):
        for index, claim in enumerate(getattr(reproduction, section)):
            place = name_place(section, index)
            if claim.study not in studies:
                yield from find_unknown(f"{place}.study", [claim.study], studies, "studies")
            elif isinstance(claim, Runs):
                yield from _check_claim(place, claim, studies[claim.study])
            else:
                yield from find_unknown(
                    f"{place}.published", [claim.published], studies[claim.study].arms, "arms"
                )


def _check_claim(place: str, claim: Runs, study: Study) -> Iterator[Mistake]:
    """Yield what is wrong with the runs a claim is about."""
    axes = list(study.axes)
    if claim.stage:
        yield from find_unknown(f"{place}.stage", [claim.stage], study.stages, "stages")
        axes = list(study.stages[claim.stage].axes) if claim.stage in study.stages else axes
    elif claim.arm or len(study.arms) > 1:
        yield from find_unknown(f"{place}.arm", [claim.arm], study.arms, "arms")
    if isinstance(claim, Effect):
        yield from find_unknown(f"{place}.reference", [claim.reference], study.arms, "arms")
    yield from find_unknown(f"{place}.at", claim.at, axes, "axes")
    for axis, value in claim.at.items():
        if axis in axes:
            where = f"{place}.at.{name_place(axis)}"
            yield from find_unknown(where, [value], study.axes[axis].names, f"values of {axis}")


def list_claimed_metrics(reproduction: Reproduction, study: str) -> list[str]:
    """Return the metrics that claims about a study are made of, each once; epochs and such are none."""
    figures = [figure for claim, figure in _list_figures(reproduction) if claim.study == study]
    return list(dict.fromkeys(name for figure in figures if (name := name_metric(figure)) is not None))


def find_unknown_figures(reproduction: Reproduction) -> Iterator[Mistake]:
    """Yield a mistake for each claim about a metric that is not registered; plugins have to be loaded."""
    for claim, figure in _list_figures(reproduction):
        name = name_metric(figure)
        if name is not None:
            yield from find_metric_mistakes(name, None, f"{claim.row}: {figure}")


def _list_figures(reproduction: Reproduction) -> Iterator[tuple[Numbers | Winner, str]]:
    for one in reproduction.numbers:
        yield from ((one, figure) for figure in one.published)
    yield from ((one, one.figure) for one in reproduction.winners)
