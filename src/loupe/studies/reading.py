"""From a mapping to a study, with all mistakes of form at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from loupe.checking import describe_pydantic_errors, keep_sound, shorten, validate_strictly
from loupe.errors import Mistake, StudyError
from loupe.recipe import name_mapping
from loupe.recipe.field_names import find_field_of_set
from loupe.studies.references import find_unknown_names
from loupe.studies.schema import FOLD, Axis, Skip, Stage, Study


@dataclass(frozen=True)
class StudyDraft:
    """A study as far as it could be read.

    Args:
        name: what messages call it.
        study: without what has mistakes of form; None if nothing is left to be judged.
        mistakes: of form, and names that nothing in the study bears.
        lost: fields that are not as they were meant, and `arms.NAME` of an arm, axis or stage left out.
    """

    name: str
    study: Study | None
    mistakes: tuple[Mistake, ...]
    lost: frozenset[str] = frozenset()


def parse_study(mapping: Mapping[str, Any]) -> Study:
    """Return the study a mapping describes.

    Raises:
        StudyError: with every mistake of form.
    """
    draft = draft_study(mapping)
    if draft.mistakes or draft.study is None:
        raise StudyError(draft.name, draft.mistakes)
    return draft.study


def draft_study(mapping: Mapping[str, Any]) -> StudyDraft:
    """Return the study a mapping describes, with every mistake of form."""
    mapping = add_fold_axis(mapping)
    name = name_mapping(mapping)
    try:
        study = validate_strictly(Study, mapping)
    except ValidationError as error:
        found = error.errors()
        of_form = describe_pydantic_errors(
            found, where="", fields=_name_fields(mapping), find_elsewhere=find_field_of_set
        )
        sound, lost = keep_sound(Study, mapping, found, tables=_TABLES, stand_ins={"recipe": ""})
        if "folds" in lost:
            lost |= {f"axes.{FOLD}"}
        of_names = () if sound is None else tuple(find_unknown_names(sound, lost))
        return StudyDraft(name, sound, (*map(shorten, of_form), *of_names), lost)
    unknown = tuple(find_unknown_names(study))
    return StudyDraft(study.name, study, unknown)


_TABLES = ("arms", "axes", "stages")


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


def _name_fields(mapping: Mapping[str, Any]) -> dict[str, Iterable[str]]:
    """Return the allowed fields of each table; those of axes and stages bear the user's names."""
    fields: dict[str, Iterable[str]] = {"": Study.model_fields}
    for section, table in (("axes", Axis), ("stages", Stage)):
        named = mapping.get(section)
        for name in named if isinstance(named, Mapping) else ():
            fields[f"{section}.{name}"] = table.model_fields
    skips = mapping.get("skip")
    for index in range(len(skips) if isinstance(skips, list | tuple) else 0):
        fields[f"skip.{index}"] = Skip.model_fields
    return fields
