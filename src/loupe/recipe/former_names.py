"""Fields that once had other names: recipes that use those are read, and digests go on using them.

A field that is renamed gets a line here, and recipes, run folders and studies that are there already go on
as before. No torch here.
"""

from collections.abc import Mapping
from typing import Any

FORMER_NAMES: dict[str, str] = {
    "train.progressive_resizing": "small_images",
    "data.normalize.std": "sd",
}
"""The former name of a field, by its dotted name now; a field renamed twice keeps its first one."""


def read_former_names(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's mapping with the names of today; it may use former ones. The mapping stays as it was.

    Where both names of a field are there, the former one stays, and is an unknown field.
    """
    return _rename(mapping, {dotted: (former, now) for dotted, former, now in _list_names()})


def write_former_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's values with each field's first name, which digests were made with."""
    return _rename(values, {dotted: (now, former) for dotted, former, now in _list_names()})


def name_now(dotted: str) -> str:
    """Return the name of today of a dotted field, or of a field inside it; other texts as they are."""
    for now, former in FORMER_NAMES.items():
        table = now.rpartition(".")[0]
        before = f"{table}.{former}"
        if dotted == before or dotted.startswith(f"{before}."):
            return now + dotted.removeprefix(before)
    return dotted


def _list_names() -> list[tuple[str, str, str]]:
    """Return (table, former name, name now) of each field."""
    return [
        (dotted.rpartition(".")[0], former, dotted.rpartition(".")[2])
        for dotted, former in FORMER_NAMES.items()
    ]


def _rename(mapping: Mapping[str, Any], names: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Return a copy of a mapping with a field of some tables under another name, in its place."""
    renamed = dict(mapping)
    for dotted, (before, after) in names.items():
        renamed = _rename_in(renamed, dotted.split("."), before, after)
    return renamed


def _rename_in(table: dict[str, Any], path: list[str], before: str, after: str) -> dict[str, Any]:
    if not path:
        has_one = before in table and after not in table
        return {after if has_one and key == before else key: value for key, value in table.items()}
    inner = table.get(path[0])
    if not isinstance(inner, Mapping):
        return table
    return {**table, path[0]: _rename_in(dict(inner), path[1:], before, after)}
