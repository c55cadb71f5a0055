"""The table of many runs: rows of each run once, whatever else is in the file."""

import csv
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from loupe.errors import RunError
from loupe.trackers import TrackedRun
from loupe.trackers.csv_table import CsvTable
from tests.quick_runs import Train


def make_run(folder: Path, seed: int = 0) -> TrackedRun:
    none = torch.zeros(1, 1, 2, 2)
    recipe = {"run": {"seed": seed}}
    return TrackedRun(folder.name, folder, folder / "own", recipe, 2, nn.Identity(), lambda: (none, none))


def track(
    table: Path, run: TrackedRun, epochs: list[Mapping[str, float]], **settings: tuple[str, ...]
) -> None:
    tracker = CsvTable(str(table), **settings)
    tracker.start(run)
    for epoch, values in enumerate(epochs, 1):
        tracker.log_epoch(epoch, values)
    tracker.finish("finished", {})


def read(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_runs_stand_below_one_another_and_are_replaced_in_place(tmp_path: Path) -> None:
    table = tmp_path / "new" / "curves.csv"
    first, second = make_run(tmp_path / "first", 3), make_run(tmp_path / "second", 4)
    track(table, first, [{"loss": 0.1}, {"loss": 0.2}])
    track(table, second, [{"loss": 0.3}])
    track(table, first, [{"loss": 0.5}])
    rows = [(row["run"], row["folder"], row["seed"], row["epoch"], row["loss"]) for row in read(table)]
    assert rows == [
        ("second", str(tmp_path / "second"), "4", "1", "0.3"),
        ("first", str(tmp_path / "first"), "3", "1", "0.5"),
    ]


def test_a_column_that_comes_later_is_empty_before(tmp_path: Path) -> None:
    table = tmp_path / "curves.csv"
    track(table, make_run(tmp_path / "a"), [{"loss": 0.1}])
    track(table, make_run(tmp_path / "b"), [{"f1": 0.7}, {"f1": 0.8, "loss": 0.2}])
    assert [(row["loss"], row["f1"]) for row in read(table)] == [("0.1", ""), ("", "0.7"), ("0.2", "0.8")]


def test_only_the_chosen_columns(tmp_path: Path) -> None:
    table = tmp_path / "curves.csv"
    track(table, make_run(tmp_path / "a"), [{"loss": 0.1, "f1": 0.7}], columns=("f1",))
    assert list(read(table)[0]) == ["run", "folder", "seed", "epoch", "f1"]


@pytest.mark.parametrize("torn", ["a,/x,0", "a,/x,0,1,0.25"])
def test_a_row_half_written_is_not_joined_to_the_next(torn: str, tmp_path: Path) -> None:
    table = tmp_path / "curves.csv"
    run = make_run(tmp_path / "a")
    tracker = CsvTable(str(table))
    tracker.start(run)
    tracker.log_epoch(1, {"loss": 0.1})
    with table.open("a", encoding="utf-8") as file:
        file.write(torn)  # another process was killed
    tracker.log_epoch(2, {"loss": 0.2})
    assert [row["loss"] for row in read(table) if row["folder"] != "/x"] == ["0.1", "0.2"]


def test_many_runs_at_once(tmp_path: Path) -> None:
    table = tmp_path / "curves.csv"
    epochs = [{"loss": float(epoch)} for epoch in range(5)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: track(table, make_run(tmp_path / str(number)), epochs), range(8)))
    rows = read(table)
    assert len(rows) == 40
    for number in range(8):
        assert [row["loss"] for row in rows if row["run"] == str(number)] == [
            "0.0",
            "1.0",
            "2.0",
            "3.0",
            "4.0",
        ]


@pytest.mark.parametrize(
    "content",
    [
        "name,accuracy\na,0.5\n",  # somebody else's table
        "run,folder,epoch\na,/x,1\n",
        "run,folder,seed,epoch,epoch\na,/x,0,1,1\n",
        "run,folder,seed,epoch,loss\na,/x,0\nb,/x,0,1,0.5\n",
        "run,folder,seed,epoch,loss\n" + "a" * 200_000 + ",/x,0,1,0.5\n",
        'run,folder,seed,epoch\n"a,/x,0,1\n',
        "\0\0\0\0\n",
        "rubbish",
    ],
)
def test_another_file_is_left_as_it_is(content: str, tmp_path: Path) -> None:
    """Rows that did not fit the header were dropped without a word when the table was written anew."""
    table = tmp_path / "curves.csv"
    table.write_text(content)
    with pytest.raises(RunError, match=r"curves\.csv is missing or damaged"):
        track(table, make_run(tmp_path / "a"), [{"loss": 0.1}])
    assert table.read_text() == content


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "binary"])
def test_nothing_but_a_text_file_is_read_or_written(kind: str, tmp_path: Path) -> None:
    table = tmp_path / "curves.csv"
    if kind == "pipe":
        os.mkfifo(table)
    elif kind == "folder":
        table.mkdir()
    elif kind == "device":
        table.symlink_to("/dev/zero")
    else:
        table.write_bytes(b"\xff\xfe\n")
    with pytest.raises(RunError, match=r"curves\.csv is missing or damaged"):
        track(table, make_run(tmp_path / "a"), [{"loss": 0.1}])


def test_what_was_taken_off_is_said(tmp_path: Path) -> None:
    table, said = tmp_path / "curves.csv", list[str]()
    track(table, make_run(tmp_path / "a"), [{"loss": 0.1}])
    with table.open("a", encoding="utf-8") as file:
        file.write("b,/x,0,1,0.2")  # of 0.25, who knows
    track(table, replace(make_run(tmp_path / "c"), say=said.append), [{"loss": 0.3}])
    assert [row["run"] for row in read(table)] == ["a", "c"]
    assert said == [f"{table}: a last line that was half written was taken off ('b,/x,0,1,0.2')"]


def test_a_header_cut_off_is_begun_anew(tmp_path: Path) -> None:
    table = tmp_path / "curves.csv"
    for cut in ("", "run,fol", "run,folder,seed,epoch,lo"):
        table.write_text(cut)
        track(table, make_run(tmp_path / "a"), [{"loss": 0.1}])
        assert [row["loss"] for row in read(table)] == ["0.1"]


def test_a_run_goes_on_without_a_tracker_that_cannot_write(train: Train, tmp_path: Path) -> None:
    (tmp_path / "curves.csv").write_text("mine,not,yours\n1,2,3\n")
    run = train(f"run.trackers=[{{name='csv', path='{tmp_path / 'curves.csv'}'}}]", "train.epochs=1")
    said = " ".join([*run.read_result().warnings, *run.read_result().notes])
    assert "The tracker csv failed before the first epoch and was left out" in said
    assert (tmp_path / "curves.csv").read_text() == "mine,not,yours\n1,2,3\n"
