"""A tracker is one new file: found, listed, told of every epoch in runs, series, studies and searches."""

import json
from pathlib import Path
from typing import Any

import pytest

import loupe
from loupe.cli import main
from tests.quick_runs import QUICK, StopAfter

pytestmark = pytest.mark.thorough

PLUGIN = '''
"""Curves as JSON lines."""

import json
from typing import Annotated

from pydantic import Field

from loupe import Tracker, register_tracker


@register_tracker("json-lines")
class JsonLines(Tracker):
    """One line of JSON for every epoch, and one for the end."""

    def __init__(self, digits: Annotated[int, Field(ge=1, description="Digits of a figure.")] = 6) -> None:
        self.digits = digits

    def start(self, run):
        run.own_folder.mkdir(parents=True, exist_ok=True)
        self.file = run.own_folder / "curves.jsonl"
        self.file.write_text("")

    def log_epoch(self, epoch, values):
        self.write({"epoch": epoch, **{name: round(value, self.digits) for name, value in values.items()}})

    def finish(self, status, summary):
        self.write({"status": status, **summary})

    def write(self, line):
        with self.file.open("a") as file:
            file.write(json.dumps(line) + "\\n")
'''


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one file, in a folder that is otherwise empty."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "json_lines.py"
    path.write_text(PLUGIN, encoding="utf-8")
    return path


def read(run: Path) -> list[dict[str, Any]]:
    file = run / "trackers" / "json-lines" / "curves.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def check(run: Path, digits: int = 6) -> None:
    *epochs, end = read(run)
    records = loupe.load_run(run).read_history()
    assert [(one["epoch"], one["validation_loss"]) for one in epochs] == [
        (one.epoch, round(one.validation_loss, digits)) for one in records
    ]
    assert end["status"] == "finished"
    assert end["best_epoch"] in [one.epoch for one in records]


def test_it_is_listed_with_its_settings(plugin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["trackers"], ["parts", "trackers"]):
        assert main([*command, "--plugin", str(plugin)]) == 0
        shown = capsys.readouterr().out
        assert "json-lines  One line of JSON for every epoch, and one for the end." in shown
        assert "digits = 6  Digits of a figure." in shown


def test_a_run_and_its_resume(plugin: Path) -> None:
    tracker = "run.trackers=[{name='json-lines', digits=3}]"
    stop = StopAfter(2, KeyboardInterrupt())
    run = loupe.train("digits", *QUICK, tracker, plugins=[str(plugin)], observers=[stop])
    assert [line.get("epoch") for line in read(run.path)] == [1, 2, None]
    loupe.resume(run.path)
    check(run.path, digits=3)


def test_a_series_of_seeds(plugin: Path) -> None:
    overrides = (*QUICK, "train.epochs=1", "run.trackers=json-lines", "run.seeds=[0, 1]")
    series = loupe.train("digits", *overrides, plugins=[str(plugin)])
    for seed in (0, 1):
        check(series.path / f"seed-{seed}")


SET = {
    "model": {"name": "mlp", "widths": [8]},
    "data": {"fraction": 0.3, "augment": []},
    "train": {"epochs": 2, "clean_train_images": 0},
}


@pytest.mark.parametrize("engine", ["serial", "together", pytest.param("processes", marks=pytest.mark.slow)])
def test_a_study(engine: str, plugin: Path) -> None:
    study = loupe.load_study(
        {
            "name": "small",
            "question": "Does it help?",
            "recipe": "digits",
            "seeds": [0, 1],
            "set": {**SET, "run": {"trackers": ["json-lines"], "plugins": [str(plugin)]}},
            "arms": {"a": {}, "b": {"train": {"label_smoothing": 0.2}}},
        }
    )
    loupe.run_study(study, engine=engine, workers=2 if engine == "processes" else None)
    runs = [folder for folder in (plugin.parent / "studies" / "runs").iterdir() if folder.is_dir()]
    assert len(runs) == 4
    for run in runs:
        check(run)


def test_a_search(plugin: Path) -> None:
    search = loupe.load_search(
        {
            "name": "small",
            "recipe": "digits",
            "trials": 2,
            "top": 1,
            "fresh_seeds": 2,
            "set": {**SET, "run": {"trackers": ["json-lines"], "plugins": [str(plugin)]}},
            "space": {"train.label_smoothing": {"kind": "float", "low": 0.0, "high": 0.2}},
        }
    )
    loupe.run_search(search, engine="serial")
    tracked = list((plugin.parent / "searches").rglob("curves.jsonl"))
    assert len(tracked) >= 3
    for file in tracked:
        check(file.parents[2])
