"""From a mapping to a study, with all mistakes of form at once."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from loupe.checking import describe_pydantic_errors, validate_strictly
from loupe.errors import Mistake, StudyError
from loupe.studies.references import find_unknown_names
from loupe.studies.schema import FOLD, Axis, Skip, Stage, Study


def parse_study(mapping: Mapping[str, Any]) -> Study:
    """Return the study a mapping describes.

    Raises:
        StudyError: with every mistake of form.
    """
    mapping = add_fold_axis(mapping)
    try:
        study = validate_strictly(Study, mapping)
    except ValidationError as error:
        mistakes = describe_pydantic_errors(error.errors(), where="", fields=_name_fields(mapping))
        raise StudyError(str(mapping.get("name", "unnamed")), [_shorten(one) for one in mistakes]) from None
    if unknown := list(find_unknown_names(study)):
        raise StudyError(study.name, unknown)
    return study


def add_fold_axis(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a study's mapping with its folds as an axis that all stages follow too.

    So no stage trains on what a run that starts from it validates. A mapping without folds, or with mistakes
    of form where they would go, is returned as it is.
    """
    folds, axes, stages = mapping.get("folds"), mapping.get("axes", {}), mapping.get("stages", {})
    if not isinstance(folds, int) or isinstance(folds, bool) or not 2 <= folds <= 1000:
        return mapping
    if not isinstance(axes, Mapping) or not isinstance(stages, Mapping):
        return mapping
    cases = {str(number): {"data.fold": {"number": number, "of": folds}} for number in range(1, folds + 1)}
    followed = {name: _follow_folds(stage) for name, stage in stages.items()}
    return {**mapping, "axes": {**axes, FOLD: {"cases": cases}}, "stages": followed}


def _follow_folds(stage: Any) -> Any:
    if not isinstance(stage, Mapping) or not isinstance(stage.get("axes", ()), list | tuple):
        return stage
    return {**stage, "axes": [*(axis for axis in stage.get("axes", ()) if axis != FOLD), FOLD]}


def _shorten(mistake: Mistake) -> Mistake:
    """Return a mistake without the whole table that a wrong value may be."""
    got = mistake.got if len(mistake.got) <= 80 else f"{mistake.got[:77]}…"
    return replace(mistake, got=got)


def _name_fields(mapping: Mapping[str, Any]) -> dict[str, Iterable[str]]:
    """Return the allowed fields of each table; those of axes and stages bear the user's names."""
    fields: dict[str, Iterable[str]] = {"": tuple(Study.model_fields)}
    for section, table in (("axes", Axis), ("stages", Stage)):
        named = mapping.get(section)
        for name in named if isinstance(named, Mapping) else ():
            fields[f"{section}.{name}"] = tuple(table.model_fields)
    skips = mapping.get("skip")
    for index in range(len(skips) if isinstance(skips, list | tuple) else 0):
        fields[f"skip.{index}"] = tuple(Skip.model_fields)
    return fields
