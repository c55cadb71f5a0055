"""One trained digits run that the tests of reports and notebooks share."""

import pytest

import loupe
from loupe.runs import RunFolder
from tests.quick_runs import QUICK


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A quick run with mistakes, a calibration and a test result."""
    folder = tmp_path_factory.mktemp("reported") / "runs"
    looks = 'evaluate.looks=["default", "calibration"]'
    return loupe.train({"name": "reported"} | DIGITS, *QUICK, "train.epochs=5", looks, f"run.folder={folder}")


DIGITS = {"data": {"name": "digits", "validation": 200}, "model": {"name": "cnn", "conv_layers": 4}}
