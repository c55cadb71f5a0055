"""A metric in one new file, found at every place that shows a value: with its own unit and direction."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import loupe
from loupe.cli import main
from loupe.cli.run_tables import describe_outcome
from loupe.metrics import METRICS, describe_metric
from loupe.plugins import trust_plugin
from loupe.recipe import Recipe
from loupe.reproductions.claims import Found, judge_numbers, judge_winner
from loupe.reproductions.number_rules import Deltas
from loupe.reproductions.schema import Numbers, Winner
from loupe.runs import RunFolder, SeriesFolder, load_model
from loupe.runs.result import RunResult
from loupe.searches.loading import load_search
from loupe.searches.run import run_search
from loupe.studies.analysis import StudyAnalysis
from loupe.studies.answer import answer_question
from loupe.studies.folder import StudyFolder
from loupe.studies.loading import load_study
from loupe.studies.run import run_study
from loupe.using.compare_runs import compare_runs
from loupe.using.export_run import describe_export, export_run
from tests.web.conftest import serving

pytestmark = pytest.mark.thorough

PLUGIN = '''
"""Balanced error: one minus the mean over classes of recall."""

from loupe import Estimate, register_metric
from loupe.statistics.score_intervals import compute_mean_share_interval
from loupe.statistics import Interval


@register_metric("balanced_error", unit="percent", better="lower", bounds=(0, 1))
def balanced_error(predicted, labels, num_classes: int, level: float) -> Estimate:
    """Mean over classes of the share of their images that is named wrongly."""
    classes = [labels == index for index in range(num_classes) if (labels == index).any()]
    right = [int((predicted[one] == labels[one]).sum()) for one in classes]
    counts = [int(one.sum()) for one in classes]
    mean = sum(one / count for one, count in zip(right, counts)) / len(counts)
    ends = compute_mean_share_interval(right, counts, level)
    return Estimate(1 - mean, Interval(1 - ends.high, 1 - ends.low))
'''
QUICK = {
    "recipe": "digits",
    "set": {
        "data": {"fraction": 0.2},
        "model": {"name": "mlp", "widths": [8]},
        "train": {"epochs": 3, "clean_train_images": 0},
    },
}


@dataclass
class Place:
    """An empty folder with one file in it, and what was trained beside it."""

    folder: Path
    plugin: Path
    run: RunFolder
    result: RunResult
    printed: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("empty")
    plugin = folder / "balanced_error.py"
    plugin.write_text(PLUGIN, encoding="utf-8")
    overrides = [f"run.plugins=['{plugin}']", "run.seed=1", "name=one"]
    overrides += ["evaluate.metrics=balanced_error", "evaluate.select_by=balanced_error"]
    run = train(folder, *overrides)
    result = run.read_result()
    assert result is not None
    yield Place(folder, plugin, run, result, "\n".join(describe_outcome(run.path)[0]))
    METRICS._builders.pop("balanced_error")  # tests over every metric are of the package's own


def train(folder: Path, *overrides: str) -> RunFolder:
    quick = ["data.fraction=0.2", "model={name = 'mlp', widths = [8]}", "train.epochs=3"]
    return loupe.train(
        "digits",
        *quick,
        "train.clean_train_images=0",
        "evaluate.look_inside=false",
        f"run.folder={folder / 'runs'}",
        *overrides,
    )


def read_page(file: Path) -> str:
    """Return a page with plain spaces before its units."""
    return file.read_text(encoding="utf-8").replace("\u00a0", " ")


def written(value: float | None) -> str:
    """Return a share as every page writes it."""
    assert value is not None
    return f"{100 * value:.2f} %"


def test_it_is_listed(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "--plugin", str(place.plugin)]) == 0
    text = capsys.readouterr().out
    assert "balanced_error  Mean over classes of the share of their images that is named wrongly." in text
    assert "percent, lower is better, for classification" in text


def test_result_history_and_terminal_have_it(place: Place) -> None:
    best = json.loads(place.run.result_file.read_text())["best"]
    found = best["test"]["metrics"]["balanced_error"]
    assert (found["metric"]["unit"], found["metric"]["better"]) == ("percent", "lower")
    assert 0 <= found["interval"]["low"] <= found["value"] <= found["interval"]["high"] <= 1
    with place.run.history_file.open() as file:
        rows = list(csv.DictReader(file))
    errors = [float(row["validation_balanced_error"]) for row in rows]
    assert len(errors) == 3
    assert errors[best["epoch"] - 1] == min(errors) < max(errors), "the lowest error is the best epoch"
    assert [one.validation_of("balanced_error") for one in place.run.read_history()] == errors
    assert f"test balanced error {written(found['value'])} (" in place.printed
    assert "by validation balanced_error" in place.printed


def test_the_best_is_kept_on_resume_from_a_checkpoint(place: Place) -> None:
    snapshot = place.run.read_snapshot()
    assert snapshot is not None
    best = snapshot.values["best"]
    assert best["validation_metrics"]["balanced_error"] == min(
        one.validation_metrics["balanced_error"] for one in place.run.read_history()
    )


def test_runs_are_listed_by_it_even_where_the_recipe_does_not_name_it(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = train(place.folder, "name=plain", "run.seed=1", "train.epochs=1")
    assert main(["list", str(place.folder / "runs"), "--metrics", "balanced_error"]) == 0
    text = capsys.readouterr().out
    assert "validation balanced error" in " ".join(text.split())
    assert place.result.best is not None
    assert place.result.best.test is not None
    value = place.result.best.test.metrics["balanced_error"].value
    (line,) = (one for one in text.splitlines() if one.startswith(place.run.path.name))
    assert written(value) in line
    (line,) = (one for one in text.splitlines() if one.startswith(plain.path.name))
    assert line.count(" % ") >= 4, "computed from its stored answers"


def test_another_process_without_the_plugin_shows_what_the_result_holds(place: Place) -> None:
    command = [sys.executable, "-m", "loupe", "list", str(place.run.path), "--metrics", "balanced_error"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert place.result.best is not None
    assert written(place.result.best.validation.metrics["balanced_error"].value) in shown


def test_a_series_sums_it_up(place: Place) -> None:
    series = train(
        place.folder,
        *(f"run.plugins=['{place.plugin}']", "run.seeds=[0, 1]", "name=series"),
        "evaluate.metrics=balanced_error",
    )
    assert isinstance(series, SeriesFolder)
    summary = json.loads((series.path / "summary.json").read_text())["summaries"]
    found = summary["best test balanced_error"]
    assert found["metric"]["unit"] == "percent"
    values = [run.read_result().best.test.metrics["balanced_error"].value for run in series.runs.values()]  # type: ignore[union-attr]
    assert found["mean"] == pytest.approx(sum(values) / 2)
    assert 0 <= found["interval"]["low"] <= found["interval"]["high"] <= 1, "cut at the metric's bounds"
    page = read_page(series.path / "report.html")
    assert "best test balanced error" in page
    assert written(found["mean"]) in page
    read = series.read_summaries()["best test balanced_error"]
    assert read.metric == describe_metric("balanced_error")


def test_the_report_of_a_run_shows_it(place: Place) -> None:
    page = read_page(place.run.report_file)
    assert place.result.best is not None
    for split, score in (("validation", place.result.best.validation), ("test", place.result.best.test)):
        assert score is not None
        assert f"{split} balanced error" in page
        assert written(score.metrics["balanced_error"].value) in page
    assert "Balanced error" in page, "its curve"


def test_runs_are_compared_by_it(place: Place) -> None:
    other = train(place.folder, f"run.plugins=['{place.plugin}']", "name=other", "run.seed=2")
    page = compare_runs([str(place.run.path), str(other.path)], place.folder / "comparison.html")
    text = read_page(page)
    assert "validation balanced error" in text
    assert place.result.best is not None
    assert place.result.best.test is not None
    assert written(place.result.best.test.metrics["balanced_error"].value) in text
    assert "Validation balanced error" in text, "its curve"


def test_model_card_and_exported_file_say_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.folder)
    for plugin in place.run.read_recipe().run.plugins:
        trust_plugin(plugin)
    exported = export_run(str(place.run.path), "torch", place.folder)
    assert exported.file is not None
    assert place.result.best is not None
    assert place.result.best.test is not None
    value = place.result.best.test.metrics["balanced_error"].value
    card = exported.card.read_text(encoding="utf-8")
    assert f"- test: balanced error {written(value)} (95 % interval" in card
    _, description = load_model(place.run)
    told = json.loads(describe_export(place.run, place.run.read_recipe(), place.result, description)["test"])
    assert told["metrics"]["balanced_error"]["value"] == value
    assert told["metrics"]["balanced_error"]["unit"] == "percent"
    assert told["metrics"]["balanced_error"]["better"] == "lower"


def test_the_page_and_its_interface_show_it(place: Place) -> None:
    with serving(place.folder / "runs") as address, httpx.Client(base_url=address, timeout=60) as client:
        runs = client.get("/api/runs").json()["runs"]
        (one,) = (run for run in runs if run["id"] == place.run.path.name)
        found = one["metrics"]["test"]["balanced_error"]
        assert (found["metric"]["title"], found["metric"]["better"]) == ("balanced error", "lower")
        assert found["text"] == written(found["value"])
        details = client.get(f"/api/runs/{place.run.path.name}").json()
        assert any("Balanced error" in chart for chart in details["charts"])
        assert any(tile["label"] == "validation balanced error" for tile in details["tiles"])
        assert details["history"][0]["validation_balanced_error"] is not None
        section = client.get(f"/api/runs/{place.run.path.name}/sections/weights").json()
        assert "test balanced error" in section["html"]


@pytest.fixture(scope="module")
def study(place: Place) -> StudyAnalysis:
    """Two arms: three epochs and a single one, which is worse: of errors, higher."""
    quick = {**QUICK, "set": {**QUICK["set"], "run": {"plugins": [str(place.plugin)]}}}  # type: ignore[dict-item]
    description: dict[str, Any] = {
        **quick,
        "name": "arms",
        "compare": "balanced_error",
        "seeds": [0, 1, 2],
        "arms": {"long": {"train": {"epochs": 30}}, "short": {"train": {"epochs": 1}}},
    }
    return run_study(load_study(description), place.folder / "studies", engine="serial")


def test_a_study_compares_by_it(place: Place, study: StudyAnalysis) -> None:
    assert study.figure.name == "test balanced error"
    assert study.chosen is not None
    assert study.chosen.arm == "long", "the lower error is chosen"
    folder = StudyFolder(place.folder / "studies" / "arms")
    with folder.results_file.open() as file:
        rows = list(csv.DictReader(file))
    assert all(0 <= float(row["test_balanced_error"]) <= 1 for row in rows)
    assert [row.metrics["test_balanced_error"] for row in folder.read_results()] == pytest.approx(
        [float(row["test_balanced_error"]) for row in rows]
    )
    with folder.table_file.open() as file:
        table = {row["arm"]: row for row in csv.DictReader(file)}
    assert float(table["short"]["difference"]) > 0, "in points, more error"
    assert (table["short"]["unit"], table["short"]["difference_unit"]) == ("%", "points")
    answer = answer_question(study)
    assert "mean test balanced error" in answer
    assert "better beyond noise" not in answer
    page = folder.report_file.read_text(encoding="utf-8")
    assert "test balanced error" in page
    assert "percentage points" in page


def test_a_table_without_its_column_is_read(study: StudyAnalysis, place: Place) -> None:
    results = place.folder / "studies" / "arms" / "results.csv"
    with results.open() as file:
        rows = [
            {name: text for name, text in row.items() if "balanced" not in name}
            for row in csv.DictReader(file)
        ]
    older = place.folder / "older.csv"
    with older.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    read = StudyFolder.read_rows(older, ())
    assert len(read) == 6
    assert all(row.metrics == {} and row.value("test_balanced_error") is None for row in read)


def test_a_published_number_is_held_against_it(study: StudyAnalysis) -> None:
    found = Found(study.study, study.rows)
    numbers = {"test_balanced_error": 0.9}
    claim = Numbers(row="L", what="a thing", study="arms", arm="short", published=numbers)
    (verdict,) = judge_numbers(claim, found, Deltas())
    assert (verdict.published, verdict.what) == ("90.00 %", "a thing: test balanced error")
    assert verdict.ours.endswith(" %")
    winner = Winner(row="K", what="best", study="arms", published="long", figure="test_balanced_error")
    assert judge_winner(winner, found).ruling == "consistent", "the lower error wins"


def test_a_search_seeks_it(place: Place) -> None:
    description: dict[str, Any] = {
        "name": "seeking",
        "recipe": "digits",
        "set": {**QUICK["set"], "run": {"plugins": [str(place.plugin)]}},  # type: ignore[dict-item]
        "space": {"train.epochs": {"kind": "choice", "values": [1, 12]}},
        "sampler": "grid",
        "pruner": "none",
        "objective": "balanced_error",
        "top": 1,
        "fresh_seeds": 2,
    }
    outcome = run_search(load_search(description), place.folder / "searches", engine="serial")
    scores = {str(row.settings["train.epochs"]): row.score for row in outcome.trials}
    assert outcome.winner is not None
    assert outcome.winner.trial.score == min(score for score in scores.values() if score is not None)
    assert outcome.winner.test is not None
    page = (place.folder / "searches" / "seeking" / "report.html").read_text(encoding="utf-8")
    assert written(outcome.winner.trial.score) in page
    assert "validation balanced error" in page
    winner = (place.folder / "searches" / "seeking" / "winner.toml").read_text()
    assert 'select_by = "balanced_error"' in winner


def test_tensorboard_receives_it(place: Place) -> None:
    run = train(
        place.folder,
        *(f"run.plugins=['{place.plugin}']", "name=board", "run.tensorboard=true"),
        "evaluate.metrics=balanced_error",
    )
    events = EventAccumulator(str(run.tensorboard_folder)).Reload()
    values = [one.value for one in events.Scalars("balanced_error/validation")]
    assert values == pytest.approx([one.validation_of("balanced_error") for one in run.read_history()])


def test_at_its_default_a_recipe_says_nothing_of_metrics() -> None:
    assert Recipe().evaluate.metrics == ()
