"""What is tried next: nothing twice, and not what failed."""

from collections import Counter
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from loupe.cli import main
from loupe.searches import Search
from loupe.searches.folder import SearchFolder
from loupe.searches.proposals import build_sampler, name_settings
from loupe.searches.run import run_search
from loupe.searches.space import Settings, suggest_settings
from loupe.searches.trials import Trials

from .conftest import RATE, make_search

WIDTHS: dict[str, Any] = {
    "model.width": {"kind": "int", "low": 1, "high": 60},
    "train.optimizer.learning_rate": RATE,
}
CHOICES: dict[str, Any] = {
    "train.batch_size": {"kind": "choice", "values": [32, 64]},
    "train.optimizer": {"kind": "choice", "values": ["adam", {"name": "sgd", "nesterov": True}]},
    "train.optimizer.momentum": {
        "kind": "float",
        "low": 0.5,
        "high": 0.7,
        "step": 0.1,
        "when": {"train.optimizer": ["sgd"]},
    },
}


def judge(settings: Settings) -> float | None:
    """Return a score; None for what the network refuses."""
    width = settings.get("model.width", 1)
    return None if width > 30 else 1 - abs(width - 15) / 60


def ask_all(search: Search, folder: Path) -> list[Settings]:
    """Return what each trial of a search is given, when wide networks fail."""
    trials, asked = Trials(search, SearchFolder(folder), num_epochs=2), []
    while (one := trials.ask()) is not None:
        trial, settings = one
        score = judge(settings)
        trials.end(trial, TrialState.FAIL if score is None else TrialState.COMPLETE, score)
        asked.append(settings)
    return asked


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_no_settings_are_tried_twice_and_the_search_ends_with_its_space(tmp_path: Path, sampler: str) -> None:
    search = make_search(CHOICES, sampler=sampler, trials=30)
    asked = ask_all(search, tmp_path)
    assert len(asked) == 2 + 2 * 3
    assert max(Counter(map(name_settings, asked)).values()) == 1
    assert Trials(search, SearchFolder(tmp_path), num_epochs=2).most == 8


def test_a_search_that_tried_settings_twice_before_goes_on_to_the_end_of_its_space(tmp_path: Path) -> None:
    """As searches did that were begun by an earlier version."""
    search = make_search(CHOICES, trials=30)
    trials = Trials(search, SearchFolder(tmp_path), num_epochs=2)
    asked = trials.ask()
    assert asked is not None
    for _ in range(4):
        trials._study.enqueue_trial(asked[1])
        trials._suggest(trials._study.ask())
    others = ask_all(search, tmp_path)
    assert len({name_settings(one) for one in others} | {name_settings(asked[1])}) == 8


def test_trials_under_way_are_not_proposed_again(tmp_path: Path) -> None:
    trials = Trials(make_search(CHOICES, trials=8), SearchFolder(tmp_path), num_epochs=2)
    asked = [one for _ in range(8) if (one := trials.ask())]
    assert len({name_settings(settings) for _, settings in asked}) == 8
    assert trials.ask() is None


@pytest.mark.thorough
def test_tpe_learns_from_failures(tmp_path: Path) -> None:
    """Left out of account, as optuna leaves them, they were all that was proposed after the first twenty."""
    search = make_search(WIDTHS, sampler="tpe", trials=60)
    asked = ask_all(search, tmp_path)
    failed = [judge(one) is None for one in asked]
    assert sum(failed[-20:]) <= 3, "of the last twenty"
    assert sum(failed[:15]) >= 4, "none failed at the start: there was nothing to learn"


def ask_as_before(search: Search, trials: int) -> list[Settings]:
    """Return what trials were given by optuna's samplers alone, when none failed and none was repeated."""
    study, asked = optuna.create_study(direction="maximize"), []
    for number in range(trials):
        study.sampler = build_sampler(search, number)
        trial = study.ask()
        study.sampler = build_sampler(search, number)
        asked.append(suggest_settings(search, trial))
        study.tell(trial, asked[-1]["train.optimizer.learning_rate"])
    return asked


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_where_nothing_fails_or_repeats_trials_are_what_they_were(tmp_path: Path, sampler: str) -> None:
    search = make_search(sampler=sampler, trials=16)
    trials, asked = Trials(search, SearchFolder(tmp_path), num_epochs=2), []
    while (one := trials.ask()) is not None:
        trials.end(one[0], TrialState.COMPLETE, one[1]["train.optimizer.learning_rate"])
        asked.append(one[1])
    assert asked == ask_as_before(search, 16)


def test_a_space_smaller_than_its_budget_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    search = make_search({"train.batch_size": {"kind": "choice", "values": [32, 64]}}, trials=9, top=1)
    file = tmp_path / "mine.toml"
    file.write_text(search.to_toml(), encoding="utf-8")
    assert main(["search", str(file), "--dry-run", "--out", str(tmp_path)]) == 0
    assert "2 trials (the whole space), by accuracy on validation" in capsys.readouterr().out


@pytest.mark.thorough
def test_a_search_of_a_small_space_ends_early(tmp_path: Path) -> None:
    space = {"train.batch_size": {"kind": "choice", "values": [32, 64]}}
    outcome = run_search(make_search(space, trials=9, top=1, fresh_seeds=1), tmp_path, engine="serial")
    assert sorted(row.settings["train.batch_size"] for row in outcome.trials) == ["32", "64"]
