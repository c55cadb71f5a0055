"""A run with everything that a report looks at."""

import pytest

import loupe
from loupe.runs import RunFolder


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("asked") / "runs"
    changes = ("train.epochs=6", "model.width=1", "data.fraction=0.5", "run.threads=1")
    return loupe.train("digits", *changes, f"run.folder={folder}")
