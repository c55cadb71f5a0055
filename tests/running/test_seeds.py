import json
from pathlib import Path

import pytest

import loupe
from loupe.errors import RunError, TrainingError
from loupe.metrics import headline_of
from loupe.runs.series_folder import FigureSummary
from loupe.statistics import summarise_seeds
from tests.quick_runs import StopAfter, Train, is_same_weights

pytestmark = pytest.mark.thorough


@pytest.mark.thorough
def test_several_seeds_give_a_run_each_and_a_summary_with_interval(train: Train) -> None:
    """D-X-3: one run per claim, no interval."""
    series = train("run.seeds=[0,3]")
    runs = [loupe.load_run(series.path / f"seed-{seed}") for seed in (0, 3)]
    accuracies = [run.read_result().best.test.accuracy for run in runs]
    summary = json.loads((series.path / "summary.json").read_text())
    over_images = [run.read_result().best.test.interval for run in runs]
    expected = summarise_seeds(accuracies, low=0, high=1, over_images=over_images)
    assert summary["seeds"] == [0, 3]
    got = summary["summaries"]["best test accuracy"]
    assert got["mean"] == pytest.approx(expected.mean)
    assert got["std"] == pytest.approx(expected.std)
    assert got["interval"]["low"] == pytest.approx(expected.interval.low)
    assert got["seeds_interval"]["low"] == pytest.approx(expected.seeds_interval.low)
    assert got["interval"]["low"] < got["seeds_interval"]["low"] or got["seeds_interval"]["low"] == 0
    alone = train("run.seed=3")
    assert is_same_weights(runs[1].best_file, alone.best_file)
    report = (series.path / "report.html").read_text()
    assert "seed-3/report.html" in report


def test_a_series_hands_out_its_runs_and_its_means(train: Train) -> None:
    series = train("run.seeds=[0,3]")
    assert isinstance(series, loupe.SeriesFolder)
    assert isinstance(loupe.load_run(series.path), loupe.SeriesFolder)
    assert isinstance(loupe.resume(series.path), loupe.SeriesFolder)
    assert list(series.runs) == [0, 3]
    assert series.is_finished()
    found = series.read_summaries()["best test accuracy"]
    accuracies = [run.read_result().best.test.accuracy for run in series.runs.values()]
    over_images = [run.read_result().best.test.interval for run in series.runs.values()]
    expected = summarise_seeds(accuracies, low=0.0, high=1.0, over_images=over_images)
    assert found.counts_images
    assert found == FigureSummary.of(expected, "best test accuracy", headline_of("classification"))
    with pytest.raises(RunError, match=r"result for each of its seeds") as caught:
        series.read_result()
    assert "series.runs[0].read_result()" in str(caught.value)
    assert not isinstance(series.runs[0], loupe.SeriesFolder)


def test_a_broken_off_series_has_the_runs_it_began(train: Train, tmp_path: Path) -> None:
    series = train("run.seeds=[0,3]", observers=[StopAfter(1, KeyboardInterrupt())])
    assert isinstance(series, loupe.SeriesFolder)
    assert list(series.runs) == [0]
    assert not series.is_finished()
    (series.path / "summary.json").unlink()
    with pytest.raises(RunError, match="has no summary yet"):
        series.read_summaries()


def test_an_edited_series_is_not_mixed(train: Train) -> None:
    series = train("run.seeds=[0,3]", observers=[StopAfter(1, KeyboardInterrupt())])
    text = (series.path / "recipe.toml").read_text()
    (series.path / "recipe.toml").write_text(text.replace("epochs = 3", "epochs = 2"))
    with pytest.raises(RunError, match=r"The recipe of run seed-0 changed since it was started"):
        loupe.resume(series.path)


def test_a_seed_that_diverges_is_recorded_and_the_others_go_on(train: Train, tmp_path: Path) -> None:
    class Diverge(StopAfter):
        def on_fit_start(self, *arguments: object, **settings: object) -> None:
            self.epoch, self.starts = (1 if self.starts == 0 else 99), self.starts + 1

        starts = 0

    with pytest.raises(TrainingError):
        train("run.seeds=[0,3]", observers=[Diverge(0, TrainingError("It diverged."))])
    (path,) = (tmp_path / "runs").iterdir()
    assert json.loads((path / "summary.json").read_text())["seeds"] == [3]
    failed = loupe.load_run(path / "seed-0").read_result()
    assert failed is not None
    assert (failed.status, failed.reason) == ("failed", "It diverged.")
    assert "failed" in (path / "report.html").read_text()


def test_one_seed_of_a_series_is_found_by_the_name_its_report_gives(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = train("run.seeds=[0,3]")
    monkeypatch.chdir(series.path.parent.parent)
    name = f"{series.path.name}/seed-3"
    assert name in (series.path / "seed-3" / "report.html").read_text()
    assert loupe.load_run(name).read_recipe().run.seed == 3


def test_each_seed_counts_its_own_looks_at_the_test_set(train: Train) -> None:
    series = train("run.seeds=[0,3]")
    for seed in (0, 3):
        result = loupe.load_run(series.path / f"seed-{seed}").read_result()
        assert result is not None
        assert len(result.test_openings) == 1


def test_a_broken_series_goes_on_with_what_is_missing(train: Train) -> None:
    class StopInSecondSeed(StopAfter):
        def on_fit_start(self, *arguments: object, **settings: object) -> None:
            self.epoch = 99 if self.epoch == 0 else 1

    series = train("run.seeds=[0,3,5]", observers=[StopInSecondSeed(0, KeyboardInterrupt())])
    assert not (series.path / "seed-5").exists()
    first = loupe.load_run(series.path / "seed-0").result_file.stat().st_mtime_ns
    loupe.resume(series.path)
    summary = json.loads((series.path / "summary.json").read_text())
    assert summary["seeds"] == [0, 3, 5]
    assert loupe.load_run(series.path / "seed-0").result_file.stat().st_mtime_ns == first
    alone = train("run.seed=3")
    assert is_same_weights(loupe.load_run(series.path / "seed-3").best_file, alone.best_file)
