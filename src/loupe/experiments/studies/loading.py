"""From what the user typed to a study."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loupe.recipe import parse_override, set_value
from loupe.study import Study, parse_study, read_study_file


def load_study(study: str | Path | Mapping[str, Any] | Study, overrides: Sequence[str] = ()) -> Study:
    """Return a study, checked in itself; `make_plan` checks the recipes it makes.

    Args:
        study: a packaged study's name, a TOML file, a study's folder, a mapping, or a study.
        overrides: changes as on the command line, such as `"seeds=[0, 1]"` or `"set.train.epochs=3"`.

    Raises:
        UnknownNameError: there is no such study.
        StudyError: with every mistake.
    """
    if isinstance(study, Study):
        mapping = study.model_dump(mode="json", exclude_none=True)
    elif isinstance(study, Mapping):
        mapping = copy.deepcopy(dict(study))
    else:
        mapping = read_study_file(study)
    for override in [overrides] if isinstance(overrides, str) else overrides:
        dotted, value = parse_override(override)
        set_value(mapping, dotted, value)
    return parse_study(mapping)
