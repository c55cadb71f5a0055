"""From what the user typed to a study."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loupe.errors import Mistake, StudyError
from loupe.recipe import apply_overrides
from loupe.runs.kept_recipes import find_recipe
from loupe.studies import Study, read_study_file
from loupe.studies.reading import StudyDraft, draft_study


def load_study(study: str | Path | Mapping[str, Any] | Study, overrides: Sequence[str] = ()) -> Study:
    """Return a study, checked in itself; `make_plan` checks the recipes it makes.

    Where the study has mistakes, those of its recipes are told with them.

    Args:
        study: a packaged study's name, a TOML file, a study's folder, a mapping, or a study.
        overrides: changes as on the command line, such as `"seeds=[0, 1]"` or `"set.train.epochs=3"`.

    Raises:
        UnknownNameError: there is no such study.
        StudyError: with every mistake.
    """
    place = None
    if isinstance(study, Study):
        mapping = study.model_dump(mode="json", exclude_none=True)
    elif isinstance(study, Mapping):
        mapping = copy.deepcopy(dict(study))
    else:
        mapping = read_study_file(study)
        place = Path(study).expanduser()
    apply_overrides(mapping, overrides)
    if place is not None:
        _find_recipes(mapping, place)
    draft = draft_study(mapping)
    if draft.study is None or draft.mistakes:
        raise StudyError(draft.name, [*draft.mistakes, *_find_further(draft)])
    return draft.study


def _find_further(draft: StudyDraft) -> Sequence[Mistake]:
    """Return the mistakes in the recipes of a study that has others, as far as they can be judged."""
    from loupe.studies.plan import find_recipe_mistakes  # loads torch

    return () if draft.study is None else find_recipe_mistakes(draft.study, draft.lost)


def _find_recipes(mapping: dict[str, Any], place: Path) -> None:
    """Write out the path of each recipe that a study's folder kept, or that lies beside a study's file."""
    stages = mapping.get("stages")
    tables = [mapping, *(stages.values() if isinstance(stages, Mapping) else ())]
    for table in tables:
        recipe = table.get("recipe") if isinstance(table, dict) else None
        if isinstance(recipe, str):
            table["recipe"] = find_recipe(place, recipe)
