"""`loupe bench` as a user meets it."""

import json
from pathlib import Path

import pytest

from loupe.benchmarking import SpeedReport
from loupe.cli import main

QUICK = ["run.threads=1", "model.width=1", "train.clean_train_images=0"]


@pytest.fixture(autouse=True)
def _in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_bench_prints_a_table_and_writes_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "digits", *QUICK, "--seconds", "0.3", "--json", "there/speed.json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["stage", "images/s"]
    assert [line.split()[0] for line in lines[1:4]] == ["load", "augment", "forward"]
    assert lines[-2].startswith("digits is bound by ")
    assert lines[-1] == "figures: there/speed.json"
    report = SpeedReport.from_dict(json.loads(Path("there/speed.json").read_text(encoding="utf-8")))
    assert report.recipe == "digits"
    assert not Path("runs").exists(), "measuring is no run"


def test_bench_to_an_accuracy(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--to", "0.15", "--runs", "2", "--json", "reached.json"]
    assert main(["bench", "digits", *QUICK, "train.epochs=3", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("seed 0: reached after ")
    assert lines[2] == "digits: 2 of 2 runs reached 15.00 % on validation"
    assert json.loads(Path("reached.json").read_text(encoding="utf-8"))["accuracy"] == 0.15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digts"], "There is no recipe called 'digts'."),
        (["digits", "--to", "1.5"], "An accuracy to reach lies between none and all."),
        (["digits", "--to", "0.9", "--runs", "0"], "It takes a run to reach an accuracy."),
        (["digits", "--runs", "3"], "--runs says how often an accuracy is to be reached."),
        (["digits", "run.processes=2"], "Speed is measured of a single process."),
        (["digits", "run.processes=2", "--to", "0.9"], "Speed is measured of a single process."),
        (["digits", "--seconds", "-1"], "A measurement takes time."),
    ],
)
def test_a_mistake_is_a_message(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(f"Error: {message}\n  got: ")
    assert captured.out == ""
