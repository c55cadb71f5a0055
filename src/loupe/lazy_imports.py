"""Packages whose names are imported when they are first used: the small ones do not cost the large ones.

`from loupe.runs import RunRecord` then loads no torch, though `loupe.runs` offers weights too.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from typing import Any


def import_when_used(
    package: str, names: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a package (PEP 562).

    Type checkers and editors read the same names in a block under `TYPE_CHECKING` beside the call.

    Args:
        package: its `__name__`.
        names: what it offers, by the module inside it that has it: `{"weights": "load_model read_weights"}`.
    """
    places = {name: f"{package}.{module}" for module, offered in names.items() for name in offered.split()}

    def get_name(name: str) -> Any:
        if name == "__all__":  # `from package import *`
            return list(places)
        if name in places:
            return getattr(importlib.import_module(places[name]), name)
        if not name.startswith("_") and importlib.util.find_spec(f"{package}.{name}") is not None:
            return importlib.import_module(f"{package}.{name}")  # as where all were imported at once
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def list_names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *places})

    return get_name, list_names
