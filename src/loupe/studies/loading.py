"""From what the user typed to a study."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loupe.recipe import apply_overrides
from loupe.runs.kept_recipes import find_recipe
from loupe.studies import Study, parse_study, read_study_file


def load_study(study: str | Path | Mapping[str, Any] | Study, overrides: Sequence[str] = ()) -> Study:
    """Return a study, checked in itself; `make_plan` checks the recipes it makes.

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
    return parse_study(mapping)


def _find_recipes(mapping: dict[str, Any], place: Path) -> None:
    """Write out the path of each recipe that a study's folder kept, or that lies beside a study's file."""
    stages = mapping.get("stages")
    tables = [mapping, *(stages.values() if isinstance(stages, Mapping) else ())]
    for table in tables:
        recipe = table.get("recipe") if isinstance(table, dict) else None
        if isinstance(recipe, str):
            table["recipe"] = find_recipe(place, recipe)
