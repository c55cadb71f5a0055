"""Norms of weights, one row an epoch, also of a run that was resumed."""

import csv

import pytest
from safetensors.torch import load_file

import loupe
from loupe.runs import RunFolder
from tests.quick_runs import StopAfter, Train


def read(run: RunFolder) -> list[dict[str, str]]:
    with (run.path / "weight-norms.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_row_an_epoch_and_the_last_is_that_of_the_weights(train: Train) -> None:
    run = train("run.observers=weight-norms")
    rows = read(run)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    weights = {name: tensor for name, tensor in load_file(run.checkpoint_file).items() if "model" in name}
    for name, value in rows[-1].items():
        if name != "epoch":
            (tensor,) = (one for full, one in weights.items() if full.endswith(name))
            assert float(value) == pytest.approx(float(tensor.norm()), rel=1e-5)


def test_a_resumed_run_has_the_rows_of_one_that_was_not_interrupted(train: Train) -> None:
    whole = train("run.observers=weight-norms")
    run = train("run.observers=weight-norms", observers=[StopAfter(2, KeyboardInterrupt())])
    loupe.resume(run.path)
    assert read(run) == read(whole)
