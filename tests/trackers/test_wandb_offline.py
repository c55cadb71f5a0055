"""What a run leaves for Weights & Biases, read back from the file that `wandb sync` uploads."""

import pytest

import loupe
from tests.quick_runs import StopAfter, Train
from tests.trackers.wandb_files import read_wandb

pytest.importorskip("wandb", reason="the package wandb is not installed: pip install 'loupe-bench[wandb]'")
pytestmark = pytest.mark.thorough


def test_recipe_curves_and_figures_are_there(train: Train) -> None:
    tracker = "run.trackers=[{name='wandb', project='mine'}]"
    run = train(tracker, observers=[StopAfter(1, KeyboardInterrupt())])
    folder = run.path / "trackers" / "wandb"
    before = read_wandb(folder)
    assert (before.summary["status"], len(before.history)) == ("interrupted", 1)
    loupe.resume(run.path)
    found, result = read_wandb(folder), run.read_result()
    assert found.run_id == before.run_id
    assert (found.project, found.name) == ("mine", run.path.name)
    assert found.config["train"]["epochs"] == 3
    assert [step for step, _ in found.history] == [1, 2, 3]
    assert found.summary["status"] == "finished"
    assert found.summary["best_test_accuracy"] == pytest.approx(result.best.test.accuracy)
