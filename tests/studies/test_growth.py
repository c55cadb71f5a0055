"""Would more help: the study that is made of a run, and what is said of it."""

from pathlib import Path

import pytest
import torch

import loupe
from loupe.errors import LoupeError
from loupe.runs import RunFolder
from loupe.studies.growth import measure_last_step, plan_growth, say_growth
from loupe.studies.rows import find_run
from loupe.studies.run import run_study
from loupe.wording import quote_name

QUICK = ("train.epochs=2", "model=mlp", "data.fraction=0.5", "evaluate.look_inside=false", "run.threads=1")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return loupe.train("digits", *QUICK, "name=base", f"run.folder={tmp_path_factory.mktemp('runs')}")


def test_the_study_is_of_the_runs_own_recipe_and_opens_no_test_set(run: RunFolder) -> None:
    images = plan_growth(run.path, "images")
    assert images.axes["images"].values == (0.0625, 0.125, 0.25, 0.5), "parts of what the run had"
    assert images.fit == "power-law"
    assert images.set["evaluate.test"] is False
    assert images.set["data.split_seed"] == run.read_recipe().split_seed
    epochs = plan_growth(run.path, "epochs", (0, 1))
    assert epochs.axes["epochs"].values == (1, 2, 4)
    assert epochs.seeds == (0, 1)
    with pytest.raises(LoupeError, match="has no width that could be doubled"):
        plan_growth(run.path, "width")


def test_what_the_last_step_brought_over_all_and_by_class(run: RunFolder, tmp_path: Path) -> None:
    analysis = run_study(plan_growth(run.path, "epochs", (0,)), tmp_path, engine="serial")
    pool = tmp_path / "runs"
    step = measure_last_step(analysis, pool)
    assert step is not None
    assert step.overall is not None
    assert (step.before, step.after) == ("2", "4")
    by_epochs = {row.at["epochs"]: find_run(pool, row) for row in analysis.run_rows}
    folders = [by_epochs[name] for name in ("2", "4")]
    before, after = (one.read_predictions()["validation"] for one in folders if one is not None)
    gain = after.is_right.double() - before.is_right.double()
    assert step.overall.mean == pytest.approx(float(gain.mean()))
    assert step.by_class["3"].mean == pytest.approx(float(gain[after.labels == 3].mean()))
    assert not any(len(one.read_openings()) for one in folders if one is not None)
    told = say_growth(analysis, step, "epochs")
    assert told.startswith("From 2 to 4 epochs accuracy on validation changes by")
    best = max(step.by_class, key=lambda name: step.by_class[name].mean)
    assert f"most for {quote_name(best)}" in told
    assert torch.equal(before.labels, after.labels)
