import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import loupe
from loupe.cli import main
from loupe.engines import Job
from loupe.engines.together import TogetherEngine
from loupe.errors import RunError
from loupe.running import load_recipe
from loupe.runs import RunFolder
from loupe.searches import Search
from loupe.searches.folder import SearchFolder, TrialRow
from loupe.searches.loading import load_search
from loupe.searches.outcome import SearchOutcome
from loupe.searches.run import carry_out_search, run_search
from loupe.searches.scheduler import SearchConductor, Watcher
from loupe.searches.trials import Trials, order_grid
from loupe.searches.wording import answer_search

from .conftest import QUICK, RATE, StopIn, make_search, read_trials

pytestmark = pytest.mark.thorough

STACKABLE = {**QUICK, "model": {"name": "mlp", "widths": [16]}}
OPTIMIZER = {
    "train.optimizer": {"kind": "choice", "values": ["adam", "sgd"]},
    "train.optimizer.learning_rate": RATE,
    "train.optimizer.momentum": {
        "kind": "float",
        "low": 0.1,
        "high": 0.9,
        "when": {"train.optimizer": ["sgd"]},
    },
}


@pytest.mark.thorough
def test_a_search_finds_a_winner_that_trains_and_no_trial_opens_the_test_set(tmp_path: Path) -> None:
    asks = {**QUICK, "evaluate": {"test": True, "show_test_picking": True}}
    search = make_search(OPTIMIZER, set=asks)
    outcome = run_search(search, tmp_path, engine="serial")
    folder = SearchFolder(tmp_path / "small")
    assert [row.number for row in outcome.trials] == [0, 1, 2, 3]
    for row in outcome.trials:
        run = folder.trial(row.number)
        result = run.read_result()
        assert result is not None
        assert (result.test_openings, run.read_openings()) == ((), [])
        assert (result.best.test, result.last.test) == (None, None)
        assert "test" not in run.read_predictions()
        assert result.best.validation.accuracy == row.score
        assert ("train.optimizer.momentum" in row.settings) == (row.settings["train.optimizer"] == "sgd")
    fresh = [run for one in outcome.candidates for run in one.runs]
    assert [run.seed for run in fresh] == [1, 2, 1, 2]
    for run in fresh:
        assert len(folder.fresh(run.number, run.seed).read_openings()) == 1
    page = " ".join(folder.report_file.read_text(encoding="utf-8").split())
    assert "its trials: never; these 4 runs: 4 times; this test set on this machine: 4 looks in" in page
    best = max(outcome.candidates, key=lambda one: one.fresh.mean)
    assert outcome.winner == best
    assert outcome.winner.optimism.difference == pytest.approx(best.trial.score - best.fresh.mean)
    trained = loupe.train(folder.winner_file, "train.epochs=1", f"run.folder={tmp_path / 'runs'}")
    assert trained.is_finished()
    winner = load_recipe(folder.winner_file)
    rate = best.trial.settings["train.optimizer.learning_rate"]
    assert winner.train.optimizer.settings["learning_rate"] == rate
    page = folder.report_file.read_text(encoding="utf-8")
    assert "Optimism of the search: " in page
    assert "cannot be said after 4 trials" in page
    assert folder.figure_file.stat().st_size > 10_000


def search_together(search: Search, out: Path, group_size: int, watcher: Watcher) -> SearchOutcome:
    folder = SearchFolder(out / search.name)
    with folder.locked():
        trials = Trials(search, folder, 3)
        return carry_out_search(search, folder, trials, TogetherEngine(group_size), watcher)


class Counting(Watcher):
    """Counts the trials that are under way when one ends."""

    def __init__(self) -> None:
        self.num_started = 0
        self.at_end: list[int] = []

    def on_start(self, job: Job) -> None:
        self.num_started += 1

    def on_trial(self, row: TrialRow, *rest: object) -> None:
        self.at_end.append(self.num_started)


@pytest.mark.thorough
def test_trials_trained_together_are_those_trained_alone(tmp_path: Path) -> None:
    """None is asked for before there is room: what is asked depends on how the last ones ended."""
    search = make_search(
        {"train.optimizer.learning_rate": RATE}, set=STACKABLE, sampler="random", pruner="none"
    )
    alone = run_search(search, tmp_path / "alone", engine="serial")
    counting = Counting()
    together = search_together(search, tmp_path / "together", 2, counting)
    assert [row.settings for row in together.trials] == [row.settings for row in alone.trials]
    for row, other in zip(together.trials, alone.trials, strict=True):
        assert row.score == pytest.approx(other.score, abs=0.01)
        log = SearchFolder(tmp_path / "together" / "small").trial(row.number).path / "log.txt"
        assert "trained together with 1 other runs" in log.read_text(encoding="utf-8")
    assert counting.at_end[:4] == [2, 2, 4, 4]


@pytest.mark.thorough
def test_a_trial_is_given_up_while_the_others_of_its_group_go_on(tmp_path: Path) -> None:
    rates = [0.004, 0.005, 0.006, 0.007, 0.008, 0.009, 0.010, 1e-9]

    def make(seed: int) -> Search:
        return make_search(
            {"train.optimizer.learning_rate": {"kind": "choice", "values": rates}},
            set={**STACKABLE, "train": {"epochs": 5, "clean_train_images": 0}},
            sampler="grid",
            pruner="median",
            trials=None,
            seed=seed,
            top=1,
            fresh_seeds=1,
        )

    last = next(s for s in range(99) if order_grid(make(s))[-1]["train.optimizer.learning_rate"] == "1e-09")
    outcome = search_together(make(last), tmp_path, 5, Watcher())
    *others, hopeless = outcome.trials
    assert hopeless.status == "pruned"
    assert hopeless.epochs < 5
    assert {row.status for row in others[:5]} == {"finished"}
    assert any(row.epochs == 5 for row in others[5:]), "of the group of the hopeless one"


@pytest.mark.slow
def test_every_run_of_a_search_is_judged_on_the_same_images(tmp_path: Path) -> None:
    run_search(make_search(trials=2, top=1), tmp_path, engine="serial")
    runs = [RunFolder(path) for path in (tmp_path / "small").glob("*/*/") if path.is_dir()]
    digests = {run.read_environment()["data_digests"]["validation"] for run in runs}
    assert (len(runs), len(digests)) == (4, 1)


@pytest.mark.thorough
@pytest.mark.parametrize("sampler", [pytest.param("random", marks=pytest.mark.slow), "tpe"])
def test_a_search_that_was_broken_off_goes_on_as_if_it_had_not_been(tmp_path: Path, sampler: str) -> None:
    search = make_search(OPTIMIZER, sampler=sampler, trials=5, top=1, fresh_seeds=1)
    run_search(search, tmp_path / "whole", engine="serial")
    stopped = StopIn(trial=3)
    with pytest.raises(KeyboardInterrupt):
        run_search(search, tmp_path / "broken", engine="serial", watcher=stopped)
    assert [row.number for row in stopped.rows] == [0, 1, 2]
    folder = SearchFolder(tmp_path / "broken" / "small")
    assert read_trials(folder)[4][:2] == ["3", "under way"]
    assert "no trial has been run again" in folder.report_file.read_text(encoding="utf-8")
    rest = StopIn(trial=-1)
    run_search(search, tmp_path / "broken", engine="serial", watcher=rest)
    assert [row.number for row in rest.rows] == [3, 4]
    assert read_trials(folder) == read_trials(SearchFolder(tmp_path / "whole" / "small"))


@pytest.mark.slow
def test_more_trials_go_on_from_those_there_are(tmp_path: Path) -> None:
    run_search(make_search(trials=2, top=1, fresh_seeds=1), tmp_path, engine="serial")
    more = StopIn(trial=-1)
    outcome = run_search(make_search(trials=4, top=1, fresh_seeds=1), tmp_path, engine="serial", watcher=more)
    assert [row.number for row in more.rows] == [2, 3]
    assert len(outcome.trials) == 4
    with pytest.raises(RunError, match="holds the trials of another search"):
        run_search(make_search(objective="loss"), tmp_path, engine="serial")


@pytest.mark.thorough
def test_a_grid_covers_the_grid_and_a_bad_trial_is_given_up(tmp_path: Path) -> None:
    space = {
        "train.optimizer.learning_rate": {"kind": "choice", "values": [0.004, 0.005, 0.006, 0.007, 0.008]}
    }
    space["train.optimizer.learning_rate"]["values"].append(1e-9)

    def make(seed: int, **changes: object):
        quick = {**QUICK, "train": {"epochs": 5, "clean_train_images": 0}}
        return make_search(
            space, set=quick, sampler="grid", pruner="median", trials=None, seed=seed, top=1, **changes
        )

    last = next(s for s in range(99) if order_grid(make(s))[-1]["train.optimizer.learning_rate"] == "1e-09")
    outcome = run_search(make(last, fresh_seeds=1), tmp_path, engine="serial")
    tried = sorted(row.settings["train.optimizer.learning_rate"] for row in outcome.trials)
    assert tried == sorted(["0.004", "0.005", "0.006", "0.007", "0.008", "1e-09"])
    assert [row.status for row in outcome.trials] == ["finished"] * 5 + ["pruned"]
    bad = outcome.trials[-1]
    assert bad.epochs < 5
    assert bad.score < min(row.score for row in outcome.trials[:-1])


def test_a_trial_that_fails_is_recorded_and_the_others_go_on(tmp_path: Path) -> None:
    space = {
        "train.optimizer": {"kind": "choice", "values": [{"name": "sgd", "learning_rate": 1e30}, "adam"]},
        "train.batch_size": {"kind": "choice", "values": [32, 64]},
    }
    outcome = run_search(
        make_search(space, sampler="grid", trials=None, top=4, fresh_seeds=1), tmp_path, engine="serial"
    )
    status = {row.settings["train.optimizer"]: row.status for row in outcome.trials}
    assert status == {"sgd": "failed", "adam": "finished"}
    assert all("no longer a number" in row.reason for row in outcome.trials if row.status == "failed")
    assert len(outcome.candidates) == 2
    page = SearchFolder(tmp_path / "small").report_file.read_text(encoding="utf-8")
    assert "2 failed" in page
    assert "Why they failed: " in page or "Why 1 of them failed: " in page


def test_a_search_of_which_every_trial_fails_says_why(tmp_path: Path) -> None:
    space = {"train.batch_size": {"kind": "choice", "values": [32, 64]}}
    rate = {**QUICK, "train": {**QUICK["train"], "optimizer": {"name": "sgd", "learning_rate": 1e30}}}
    search = make_search(space, sampler="grid", trials=None, top=1, fresh_seeds=1, set=rate)
    said = answer_search(run_search(search, tmp_path, engine="serial"))
    assert said.startswith("2 trials (0 finished, 0 given up early, 2 failed)")
    assert "failed: " in said
    assert "no longer a number" in said


def test_no_trial_is_started_when_the_time_is_over(tmp_path: Path) -> None:
    search, folder, now = make_search(trials=None, minutes=1.0), SearchFolder(tmp_path), [0.0]
    trials = Trials(search, folder, num_epochs=2)
    scheduler = SearchConductor(search, folder, trials, Watcher(), clock=lambda: now[0])
    assert scheduler.next_job() is not None
    now[0] = 59.0
    assert scheduler.next_job() is not None
    now[0] = 60.0
    assert scheduler.next_job() is None
    trials.note_seconds(40.0)
    later = SearchConductor(search, folder, Trials(search, folder, 2), Watcher(), clock=lambda: now[0])
    assert [later.next_job().name for _ in range(2)] == ["trial 0", "trial 1"]
    now[0] = 79.0
    assert later.next_job() is not None
    now[0] = 80.0
    assert later.next_job() is None


def test_a_loss_is_minimised(tmp_path: Path) -> None:
    outcome = run_search(make_search(objective="loss", top=1, fresh_seeds=1), tmp_path, engine="serial")
    (best,) = outcome.candidates
    assert best.trial.score == min(row.score for row in outcome.trials)
    assert best.optimism.difference == pytest.approx(best.fresh.mean - best.trial.score)


def test_the_command_checks_lists_and_searches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(make_search().to_toml().replace('name = "small"\n', ""), encoding="utf-8")
    assert main(["search", str(file), "--dry-run", "--out", str(tmp_path)]) == 0
    assert "4 trials, by accuracy on validation" in capsys.readouterr().out
    assert not (tmp_path / "mine").exists()
    assert main(["search", str(file), "trials=2", "top=1", "--engine=serial", "--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("[2 of 2] trial 1: ") for line in lines)
    assert any("Optimism of the search: " in line for line in lines)
    assert Path(lines[-1].removeprefix("report: ")).is_file()
    assert main(["searches"]) == 0
    assert "digits-search" in capsys.readouterr().out
    assert main(["search", str(file), "spase.x=1"]) == 1
    assert "did you mean 'space'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_search_goes_on_to_a_complete_set(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    search = make_search(OPTIMIZER, sampler="tpe", trials=8, top=1, fresh_seeds=1)
    file.write_text(search.to_toml(), encoding="utf-8")
    run_search(search, tmp_path / "whole", engine="serial")
    folder = SearchFolder(tmp_path / "killed" / "small")
    command = [sys.executable, "-m", "loupe", "search", str(file), "--engine=serial"]
    for kill_at in (2, 5):
        process = subprocess.Popen(
            [*command, "--out", str(tmp_path / "killed")], stdout=subprocess.DEVNULL, env=dict(os.environ)
        )
        deadline = time.monotonic() + 120
        while len(list((folder.path / "trials").glob("*/history.csv"))) < kill_at:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    outcome = run_search(search, tmp_path / "killed", engine="serial")
    assert [row.status for row in outcome.trials] == ["finished"] * 8
    assert read_trials(folder) == read_trials(SearchFolder(tmp_path / "whole" / "small"))


@pytest.mark.slow
def test_twenty_trials_on_digits_with_two_workers(tmp_path: Path) -> None:
    rows: list[TrialRow] = []

    class Gather(Watcher):
        def on_trial(self, row: TrialRow, *others: object) -> None:
            rows.append(row)

    search = load_search("digits-search")
    outcome = run_search(search, tmp_path, engine="processes", workers=2, watcher=Gather())
    assert sorted(row.number for row in rows) == list(range(20))
    assert outcome.count("under way") == 0
    assert sum(one.share for one in outcome.importance.values()) == pytest.approx(1)
    assert all(one.low <= one.share <= one.high for one in outcome.importance.values())
    assert outcome.winner is not None
    assert outcome.winner.test.mean > 0.95
    with SearchFolder(tmp_path / search.name).trials_file.open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 20


def test_a_search_goes_on_with_the_recipe_it_began_with(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[model]\nname = "mlp"\nwidths = [4]\n[train]\nepochs = 1\n', encoding="utf-8")
    search = make_search(recipe=str(file), set={"data": {"fraction": 0.3}}, trials=1, top=1, fresh_seeds=1)
    run_search(search, tmp_path, engine="serial")
    folder = SearchFolder(tmp_path / "small")
    file.write_text(file.read_text().replace("[4]", "[5]"), encoding="utf-8")
    outcome = run_search(load_search(folder.path, ["trials=2"]), tmp_path, engine="serial")
    assert len(outcome.trials) == 2
    assert 'recipe = "mine"' in folder.search_file.read_text()
    with pytest.raises(RunError, match="holds the trials of another search"):
        run_search(search, tmp_path, engine="serial")
