"""What `import loupe` offers is there, and is what type checkers are told of."""

import ast
from pathlib import Path

import pytest

import loupe


@pytest.mark.parametrize("name", [name for name in loupe.__all__ if name != "__version__"])
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(loupe, name).__name__ == name or callable(getattr(loupe, name))


def test_type_checkers_are_told_of_the_same_names() -> None:
    tree = ast.parse(Path(loupe.__file__).read_text(encoding="utf-8"))
    blocks = (node for node in tree.body if isinstance(node, ast.If))
    (block,) = (node for node in blocks if ast.unparse(node.test) == "TYPE_CHECKING")
    told = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert told == set(loupe.__all__) - {"__version__"}


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        _ = loupe.trian
