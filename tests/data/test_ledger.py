"""Looks at a test set add up over runs, folders and copies of the data, on one machine."""

import json
import multiprocessing
from pathlib import Path

import pytest

import loupe
from loupe.data import LockedTest, load_dataset
from loupe.data.ledger import count_looks, find_ledger, note_look
from loupe.runs.looks import describe_looks
from tests.quick_runs import Train


@pytest.mark.thorough
def test_three_tuning_runs_are_three_looks(train: Train) -> None:
    """F1-6: three runs said three times "looked at once"."""
    runs = [train(f"train.optimizer.learning_rate={rate}") for rate in (0.1, 0.01, 0.001)]
    assert [describe_looks([run]) for run in runs] == [
        "this run: once; this test set on this machine: 3 looks in 3 recipes"
    ] * 3
    assert (
        describe_looks(runs) == "these 3 runs: 3 times; this test set on this machine: 3 looks in 3 recipes"
    )
    train("run.seed=5", "train.optimizer.learning_rate=0.1")
    assert "4 looks in 3 recipes" in describe_looks(runs[:1]), "another seed is the same recipe"


def test_every_opening_counts_also_without_a_run() -> None:
    door = load_dataset("digits").test
    door.open("a look in Python")
    door.for_run().open("another")
    door.keep_classes([0, 1]).open("a part of it is another test set")
    content = load_dataset("digits").test
    looks = count_looks(_name(content))
    assert looks is not None
    assert (looks.count, len(door.openings)) == (2, 3)


def _name(door: LockedTest) -> str:
    from loupe.data.identity import digest_content

    return digest_content(door.table.identities)


def test_nothing_public_empties_a_count() -> None:
    door = load_dataset("digits").test.for_run()
    door.open("first")
    door.continue_record([], lambda opening: None)
    door.continue_record([], lambda opening: None, run="x")
    assert [one.reason for one in door.openings] == ["first"]


def test_a_variable_moves_it_or_turns_it_off(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOUPE_LEDGER", str(tmp_path / "here" / "looks"))
    run = train()
    assert len((tmp_path / "here" / "looks").read_text().splitlines()) == 1
    monkeypatch.setenv("LOUPE_LEDGER", "off")
    assert find_ledger() is None
    expected = "this run: once; looks of other runs are not counted here (LOUPE_LEDGER turns the ledger off)"
    assert describe_looks([run]) == expected
    assert expected in train().report_file.read_text()
    monkeypatch.setenv("LOUPE_LEDGER", str(tmp_path / "empty"))
    assert describe_looks([run]).endswith("unknown, as the ledger lacks looks on record")


@pytest.mark.parametrize("odd", ["link", "folder", "lines"])
def test_whatever_stands_in_its_place_stops_no_run(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    path = tmp_path / "looks"
    monkeypatch.setenv("LOUPE_LEDGER", str(path))
    if odd == "link":
        (tmp_path / "other").write_text("")
        path.symlink_to(tmp_path / "other")
    elif odd == "folder":
        path.mkdir()
    else:
        path.write_text('{"test": 1}\nnull\n' + "[" * 100_000 + "\n")
    said = describe_looks([train()])
    assert said.startswith("this run: once; this test set on this machine: ")
    assert said.endswith(
        "1 look in 1 recipe" if odd == "lines" else "unknown, as the ledger lacks looks on record"
    )


def test_a_missing_record_reads_unknown(train: Train, capsys: pytest.CaptureFixture[str]) -> None:
    from loupe.cli import main

    run = train()
    run.openings_file.unlink()
    assert describe_looks([run]).startswith("this run: unknown, as a record is missing; ")
    assert main(["list", str(run.path.parent)]) == 0
    printed = capsys.readouterr().out
    assert "unknown" in printed.splitlines()[1]


def _note(number: int) -> None:
    for index in range(50):
        note_look("content", reason=f"{number} {index} " + "x" * 200, at="now", recipe=str(number), run="run")


def test_processes_do_not_mix_their_lines() -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        pool.map(_note, range(4))
    looks = count_looks("content")
    assert looks is not None
    assert (looks.count, looks.num_recipes) == (200, 4)
    ledger = find_ledger()
    assert ledger is not None
    assert all(json.loads(line) for line in ledger.read_text().splitlines())


def test_a_series_adds_up(tmp_path: Path) -> None:
    quick = ("train.epochs=1", "evaluate.look_inside=false", "data.fraction=0.2", "model=mlp")
    series = loupe.train("digits", *quick, "run.seeds=[1,2]", f"run.folder={tmp_path}")
    said = "these 2 runs: twice; this test set on this machine: 2 looks in 1 recipe"
    assert said in (series.path / "report.html").read_text()
