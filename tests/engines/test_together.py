import csv
import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from loupe.data.batches import Batch
from loupe.engines import Ended, Job
from loupe.engines.grouping import find_job_obstacle
from loupe.engines.processes import ProcessEngine
from loupe.engines.together import TogetherEngine
from loupe.engines.worker import Worker
from loupe.running import load_recipe
from loupe.running.run_under_way import begin_run
from loupe.runs import RunFolder
from loupe.studies import Study
from loupe.studies.loading import load_study
from loupe.studies.run import carry_out_study, prepare_study, run_study
from loupe.studies.scheduler import Watcher
from loupe.training import TrainingPlan
from loupe.training.step import TrainingStep
from tests.quick_runs import is_same_weights

pytestmark = pytest.mark.thorough

SMALL: dict[str, Any] = {
    "name": "small",
    "question": "Does it help?",
    "recipe": "digits",
    "seeds": [0, 1, 2],
    "set": {
        "model": {"name": "mlp", "widths": [16]},
        "data": {"fraction": 0.3, "augment": []},
        "train": {"epochs": 2, "clean_train_images": 0},
        "evaluate": {"look_inside": False, "metrics": ["macro_f1"], "select_by": "brier_score"},
    },
    "arms": {
        "plain": {},
        "slower": {"train": {"optimizer": {"name": "adam", "learning_rate": 0.001}}},
        "fewer": {"data": {"fraction": 0.2}, "train": {"epochs": 3}},
    },
}


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that wait for each other beside other tests take many times as long."""
    monkeypatch.setattr("loupe.engines.opening.count_cores", lambda: 1)


def make_study(**changes: Any) -> Study:
    return load_study({**SMALL, **changes})


def read_runs(out: Path) -> dict[str, RunFolder]:
    """Return the run folders of a study by name; those trained together by the name they would have alone."""
    return {path.name.removesuffix("-together"): RunFolder(path) for path in (out / "runs").iterdir()}


def check_equal(run: RunFolder, expected: RunFolder) -> None:
    """Compare two run folders file by file, what takes time left out."""
    assert {path.name for path in run.path.iterdir()} == {path.name for path in expected.path.iterdir()}
    assert run.recipe_file.read_text() == expected.recipe_file.read_text()
    histories = []
    for folder in (run, expected):
        with (folder.path / "history.csv").open() as file:
            histories.append(list(csv.DictReader(file)))
    for row, wanted in zip(*histories, strict=True):
        for column, value in wanted.items():
            if value and "second" not in column:
                assert float(row[column]) == pytest.approx(float(value), rel=1e-4), column
    ours, theirs = run.read_result(), expected.read_result()
    assert ours is not None
    assert theirs is not None
    assert ours.status == theirs.status == "finished"
    assert ours.best is not None
    assert theirs.best is not None
    assert ours.best.epoch == theirs.best.epoch
    assert [opening.reason for opening in ours.test_openings] == [one.reason for one in theirs.test_openings]
    with (
        np.load(run.path / "predictions.npz") as stored,
        np.load(expected.path / "predictions.npz") as wanted_arrays,
    ):
        for name, array in wanted_arrays.items():
            assert np.allclose(stored[name], array, atol=1e-3, rtol=1e-3), name


@pytest.mark.thorough
def test_run_folders_are_what_they_would_be_alone(tmp_path: Path) -> None:
    run_study(make_study(), tmp_path / "alone", engine="serial")
    run_study(make_study(), tmp_path / "together", engine="together")
    alone, together = read_runs(tmp_path / "alone"), read_runs(tmp_path / "together")
    assert together.keys() == alone.keys()
    assert len(alone) == 9
    for name, run in together.items():
        assert len(run.read_openings()) == 1, "each run opens the test set once, and for itself"
        check_equal(run, alone[name])
    logs = [run.path.joinpath("log.txt").read_text() for run in together.values()]
    assert sum("trained together with 7 other runs" in log for log in logs) == 8


@pytest.fixture
def two_processes() -> Iterator[ProcessEngine]:
    engine = ProcessEngine(2, group_size=4)
    yield engine
    engine.close()


@pytest.mark.thorough
def test_processes_share_the_groups_out(tmp_path: Path, two_processes: ProcessEngine) -> None:
    run_study(make_study(), tmp_path / "alone", engine="serial")
    carry_out_study(prepare_study(make_study(), tmp_path / "together"), two_processes)
    alone, together = read_runs(tmp_path / "alone"), read_runs(tmp_path / "together")
    assert together.keys() == alone.keys()
    for name, run in together.items():
        check_equal(run, alone[name])
    logs = [run.path.joinpath("log.txt").read_text() for run in together.values()]
    assert sum("trained together with 3 other runs" in log for log in logs) == 8


@pytest.mark.slow
def test_a_killed_process_costs_no_run_of_its_group(tmp_path: Path, two_processes: ProcessEngine) -> None:
    run_study(make_study(), tmp_path / "alone", engine="serial")
    watcher = Killing()
    carry_out_study(prepare_study(make_study(), tmp_path / "killed"), two_processes, watcher)
    assert watcher.has_killed
    assert watcher.ended == ["finished"] * 9
    alone = read_runs(tmp_path / "alone")
    for name, run in read_runs(tmp_path / "killed").items():
        check_equal(run, alone[name])


class Killing(Watcher):
    """Kills all processes once, when the first epoch is told of."""

    def __init__(self) -> None:
        self.has_killed = False
        self.ended: list[str] = []

    def on_epoch(self, job: Job, record: Any) -> None:
        if not self.has_killed:
            self.has_killed = True
            for child in multiprocessing.active_children():
                child.kill()

    def on_end(self, job: Job, ended: Ended, num_done: int, num_all: int) -> None:
        self.ended.append(ended.status)


class Interrupting(Watcher):
    """Presses Ctrl-C in the second epoch of the second run."""

    def __init__(self) -> None:
        self.epochs = 0
        self.ended: list[str] = []

    def on_epoch(self, job: Job, record: Any) -> None:
        self.epochs += 1
        if self.epochs == 5:
            raise KeyboardInterrupt

    def on_end(self, job: Job, ended: Ended, num_done: int, num_all: int) -> None:
        self.ended.append(ended.status)


def test_an_interrupted_group_is_resumed_one_by_one(tmp_path: Path) -> None:
    study = make_study(arms={"longer": {"train": {"epochs": 3}}})
    run_study(study, tmp_path / "alone", engine="serial")
    watcher = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        run_study(study, tmp_path / "interrupted", engine="together", watcher=watcher)
    assert watcher.ended == ["interrupted"] * 3
    engine = TogetherEngine(8)
    carry_out_study(prepare_study(study, tmp_path / "interrupted", engine="together"), engine)
    assert set(engine.reasons.values()) == {"it goes on from a checkpoint"}
    alone = read_runs(tmp_path / "alone")
    for name, run in read_runs(tmp_path / "interrupted").items():
        check_equal(run, alone[name])


@pytest.mark.thorough
def test_what_was_killed_before_its_first_checkpoint_goes_together_again(tmp_path: Path) -> None:
    study = make_study(arms={"plain": {}}, seeds=[0, 1, 2])
    run_study(study, tmp_path / "alone", engine="serial")
    prepared = prepare_study(study, tmp_path / "killed")
    while (job := prepared.scheduler.next_job()) is not None:
        job.folder.mkdir(parents=True)
        with RunFolder(job.folder).locked():
            begin_run(job.recipe, RunFolder(job.folder))
    engine = TogetherEngine(8)
    carry_out_study(prepare_study(study, tmp_path / "killed"), engine)
    assert not engine.reasons
    alone = read_runs(tmp_path / "alone")
    for name, run in read_runs(tmp_path / "killed").items():
        check_equal(run, alone[name])
        assert "trained together with 2 other runs" in run.log_file.read_text()


def test_what_cannot_be_trained_together_is_trained_alone_and_says_why(tmp_path: Path) -> None:
    arms: dict[str, Any] = {
        "plain": {},
        "rms": {"train": {"optimizer": {"name": "rmsprop", "learning_rate": 0.001}}},
        "picked": {"evaluate": {"show_test_picking": True}},
    }
    engine, study = TogetherEngine(4), make_study(arms=arms, seeds=[0, 1])
    analysis = carry_out_study(prepare_study(study, tmp_path), engine)
    assert [cell.arm for cell in analysis.cells] == list(arms)
    assert engine.reasons == {
        "rms, seed 0": "optimizer RMSprop does not step together with others",
        "rms, seed 1": "optimizer RMSprop does not step together with others",
        "picked, seed 0": "it looks at the test set after every epoch",
        "picked, seed 1": "it looks at the test set after every epoch",
    }
    assert all(run.is_finished() for run in read_runs(tmp_path).values())


def test_a_run_that_another_process_took_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    """The engine holds jobs in its hand for a while; another study may finish or begin them then."""
    study = make_study(arms={"plain": {}}, seeds=[0, 1, 2, 3])
    scheduler = prepare_study(study, tmp_path).scheduler
    scheduler.watcher = noting = Noting()
    (tmp_path / "small").mkdir(parents=True)
    jobs = [job for _ in range(4) if (job := scheduler.next_job()) is not None]
    finished, begun, *_ = jobs
    Worker().carry_out(finished, lambda record: True)
    Worker().carry_out(begun, lambda record: False)
    result = RunFolder(finished.folder).result_file.read_bytes()
    TogetherEngine(4).carry_out_group(jobs, scheduler)
    assert [noting.ended[job.name].status for job in jobs] == ["finished", "held", "finished", "finished"]
    assert RunFolder(finished.folder).result_file.read_bytes() == result
    assert len(RunFolder(finished.folder).read_openings()) == 1
    assert scheduler.next_job() == begun


class Noting(Watcher):
    def __init__(self) -> None:
        self.ended: dict[str, Ended] = {}

    def on_end(self, job: Job, ended: Ended, num_done: int, num_all: int) -> None:
        self.ended[job.name] = ended


def test_a_run_that_breaks_down_costs_no_other(tmp_path: Path) -> None:
    sgd = {"name": "sgd", "momentum": 0.0}
    arms: dict[str, Any] = {
        "sound": {"train": {"optimizer": {**sgd, "learning_rate": 0.01}}},
        "broken": {"train": {"optimizer": {**sgd, "learning_rate": 1e20}}},
    }
    watcher = Noting()
    run_study(make_study(arms=arms, seeds=[0, 1]), tmp_path, engine="together", watcher=watcher)
    assert {name: ended.status for name, ended in watcher.ended.items()} == {
        "sound, seed 0": "finished",
        "sound, seed 1": "finished",
        "broken, seed 0": "failed",
        "broken, seed 1": "failed",
    }
    assert "no longer a number" in watcher.ended["broken, seed 0"].reason


@dataclass(frozen=True)
class PlanWithTemperature(TrainingPlan):
    """A plan with a field that the stacked loop has never heard of."""

    temperature: float = 1.0


def test_a_field_that_is_new_to_the_plan_is_trained_alone_as_serial_trains_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may never be ignored: another engine would file other numbers under the same key."""

    def make_plan(**fields: Any) -> PlanWithTemperature:
        return PlanWithTemperature(**fields, temperature=3.0 if fields["clip_norm"] == 99.0 else 1.0)

    def forward(step: TrainingStep, batch: Batch) -> tuple[Tensor, Tensor]:
        assert isinstance(step.plan, PlanWithTemperature)
        outputs, _ = plain_forward(step, batch)
        return outputs, step.plan.objective.training_loss(outputs / step.plan.temperature, batch)

    plain_forward = TrainingStep.forward
    monkeypatch.setattr("loupe.running.plan.TrainingPlan", make_plan)
    monkeypatch.setattr(TrainingStep, "forward", forward)
    study = make_study(arms={"plain": {}, "new": {"train": {"clip_norm": 99.0}}}, seeds=[0, 1])
    run_study(study, tmp_path / "alone", engine="serial")
    engine = TogetherEngine(8)
    carry_out_study(prepare_study(study, tmp_path / "together"), engine)
    reason = "its plan sets temperature, which is not trained together"
    assert engine.reasons == {"new, seed 0": reason, "new, seed 1": reason}
    alone, together = read_runs(tmp_path / "alone"), read_runs(tmp_path / "together")
    assert together.keys() == alone.keys()
    for name, run in together.items():
        check_equal(run, alone[name])
        if run.read_recipe().train.clip_norm is not None:
            assert is_same_weights(run.best_file, alone[name].best_file)
            losses = [one.read_history()[0].train_loss for one in alone.values()]
            assert len(set(losses)) == 4, "the field changes nothing: the test tests nothing"


@pytest.mark.parametrize(
    "override",
    [
        "train.accumulate=2",
        "train.class_weights=balanced",
        "train.lookahead={every=2}",
        "train.hard_examples={proxy='mlp'}",
        "train.freeze_later={layers=['dense1'], after_epoch=1}",
        "train.precision=bfloat16",
    ],
)
def test_settings_of_a_plan_that_only_one_network_at_a_time_knows_go_alone(
    tmp_path: Path, override: str
) -> None:
    job = Job("one", load_recipe("digits", ["model=mlp", override]), tmp_path)
    assert "which is not trained together" in str(find_job_obstacle(job))
    plain = Job("one", load_recipe("digits", ["model=mlp"]), tmp_path)
    assert find_job_obstacle(plain) is None
