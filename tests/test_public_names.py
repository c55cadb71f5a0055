"""What `import loupe` offers is there, and is what type checkers are told of."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import loupe

LAZY = ["data", "metrics", "runs", "statistics", "training"]


@pytest.mark.parametrize("name", [name for name in loupe.__all__ if name != "__version__"])
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(loupe, name).__name__ == name or callable(getattr(loupe, name))


def read_told_names(file: str) -> dict[str, str]:
    """Return the names that type checkers are told of, each with the module that it comes from."""
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    blocks = (node for node in tree.body if isinstance(node, ast.If))
    (block,) = (node for node in blocks if ast.unparse(node.test) == "TYPE_CHECKING")
    lines = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {str(alias.asname): str(node.module) for node in lines for alias in node.names}


def test_type_checkers_are_told_of_the_same_names() -> None:
    assert set(read_told_names(loupe.__file__)) == set(loupe.__all__) - {"__version__"}


@pytest.mark.parametrize("room", LAZY)
def test_a_room_offers_what_type_checkers_are_told_of(room: str) -> None:
    package = importlib.import_module(f"loupe.{room}")
    told = read_told_names(str(package.__file__))
    for name, module in told.items():
        assert getattr(package, name) is getattr(importlib.import_module(module), name)
    offered = inspect.getclosurevars(package.__getattr__).nonlocals["places"]
    assert offered == told
    assert told.keys() <= set(dir(package))
    with pytest.raises(AttributeError, match=f"'loupe.{room}' has no attribute 'nothing'"):
        _ = package.nothing


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        _ = loupe.trian


@pytest.mark.parametrize("room", ["data", "metrics", "runs", "statistics", "training"])
def test_all_names_of_a_room_and_its_modules_can_be_had(room: str) -> None:
    package = importlib.import_module(f"loupe.{room}")
    names: dict[str, object] = {}
    exec(f"from loupe.{room} import *", names)
    assert set(package.__all__) <= names.keys()
    assert all(names[name] is getattr(package, name) for name in package.__all__)
    for module in pkgutil.iter_modules(package.__path__):
        assert getattr(package, module.name) is importlib.import_module(f"loupe.{room}.{module.name}")
