"""Other people's packages as a trial: no file that Python can parse makes a rule fail."""

import contextlib
import importlib.util
from pathlib import Path

import pytest

from loupe.errors import LoupeError
from loupe.linting import lint_file

PACKAGES = (
    "torch/nn",
    "torch/utils",
    "torch/optim",
    "captum",
    "skorch",
    "torchmetrics",
    "lightning_fabric",
    "cleanlab",
)


def find_folder(package: str) -> Path:
    name, _, rest = package.partition("/")
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        pytest.skip(f"{name} is not installed")
    return Path(found.submodule_search_locations[0]) / rest


@pytest.mark.thorough
@pytest.mark.parametrize("package", PACKAGES)
def test_no_traceback_and_few_findings(package: str) -> None:
    files = sorted(find_folder(package).rglob("*.py"))
    assert files
    found = []
    for file in files:
        with contextlib.suppress(LoupeError):  # of another Python, or generated and far too large
            found += lint_file(file)
    assert len(found) <= 0.05 * len(files), "\n".join(f"{one.place}: {one.rule}" for one in found)
