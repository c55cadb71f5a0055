"""A metric that picks the best epoch and is not defined: what picked in its place is said everywhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loupe.cli.run_tables import describe_outcome
from loupe.using.export_run import write_model_card
from loupe.using.verify_run import verify
from tests.quick_runs import Train, forget_plugins

PLUGIN = """
from loupe import register_metric

calls = 0

@register_metric("nanny", unit="", better="higher")
def nanny(predicted, labels) -> float:
    "Never a number."
    return float("nan")

@register_metric("late", unit="", better="higher")
def late(predicted, labels, start: int = 3) -> float | None:
    "A number from the third time it is asked."
    global calls
    calls += 1
    return float(calls) if calls >= start else None
"""


@pytest.fixture(autouse=True)
def _own_plugins() -> Iterator[None]:
    forget_plugins()
    yield
    forget_plugins()


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    (tmp_path / "odd.py").write_text(PLUGIN)
    return f"run.plugins=['{tmp_path / 'odd.py'}']"


def test_a_metric_that_is_never_defined_picks_nothing(train: Train, plugin: str, tmp_path: Path) -> None:
    run = train(plugin, "evaluate.select_by=nanny")
    result, history = run.read_result(), run.read_history()
    assert result is not None
    assert result.best is not None
    lowest = min(history, key=lambda record: record.validation_loss)
    assert (result.selected_by, result.best.epoch) == ("loss", lowest.epoch)
    said = (
        "validation nanny is not defined in any of 3 epochs: the best epoch was picked by the lowest "
        "validation loss"
    )
    assert said in result.warnings
    printed = "\n".join(describe_outcome(run.path)[0])
    assert f"warning: {said}" in printed
    assert f"best epoch {lowest.epoch} by validation loss" in printed
    card = write_model_card(run.path, tmp_path / "card.md").card
    for page in (run.report_file, card):
        assert said in page.read_text(encoding="utf-8"), page
    assert verify(run.path)[0].is_sound


def test_epochs_in_which_it_is_not_defined_are_counted(train: Train, plugin: str) -> None:
    result = train(plugin, "evaluate.select_by=late").read_result()
    assert result is not None
    assert (result.selected_by, result.best and result.best.epoch) == ("late", 3)
    assert result.warnings[-1] == (
        "validation late is not defined in 2 of 3 epochs (the first is epoch 1): the best epoch was picked "
        "among the others"
    )


def test_one_that_is_always_defined_is_worth_no_word(train: Train) -> None:
    result = train("evaluate.select_by=macro_f1").read_result()
    assert result is not None
    assert result.selected_by == "macro_f1"
    assert not any("not defined" in one for one in result.warnings)
