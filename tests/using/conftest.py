"""A trained network and its files, for tests of exports and model cards; others have runs of their own."""

import pytest

import loupe
from loupe.exporting import EXPORT_FORMATS
from loupe.runs import RunFolder
from loupe.using.export_run import Export, export_run


@pytest.fixture(scope="package")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A digits network, trained to be mostly right, and judged on test."""
    overrides = ("train.epochs=4", "model.width=1", "evaluate.look_inside=false", "run.threads=1")
    return loupe.train("digits", *overrides, f"run.folder={tmp_path_factory.mktemp('runs')}")


@pytest.fixture(scope="package")
def exported(run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Export]:
    return {form: export_run(run.path, form, tmp_path_factory.mktemp(form)) for form in EXPORT_FORMATS}
