import contextlib
import csv
import shutil
from pathlib import Path
from typing import Any

import pytest

from loupe.engines import Ended, Job
from loupe.errors import RunError, TrainingError
from loupe.publishing.study_figures import describe_runs
from loupe.recipe import read_recipe_file
from loupe.runs import RunFolder
from loupe.studies.folder import StudyFolder
from loupe.studies.loading import load_study
from loupe.studies.report import describe_study_looks, write_study_report
from loupe.studies.run import prepare_study, run_study
from loupe.studies.scheduler import Watcher
from loupe.training import EpochRecord
from loupe.version import NUMBERS_VERSION

from .conftest import SMALL, make_study, read_table

ARMS: dict[str, Any] = {"plain": {}, "smooth": {"train": {"label_smoothing": 0.2}}}


class Notes(Watcher):
    """Writes down which runs were carried out, and interrupts after so many epochs if asked to."""

    def __init__(self, interrupt_after: int | None = None) -> None:
        self.ended: list[tuple[str, str]] = []
        self.epochs = 0
        self._interrupt_after = interrupt_after

    def on_epoch(self, job: Job, record: EpochRecord) -> None:
        self.epochs += 1
        if self.epochs == self._interrupt_after:
            raise KeyboardInterrupt

    def on_end(self, job: Job, ended: Ended, num_done: int, num_all: int) -> None:
        self.ended.append((job.name, ended.status))


def test_a_study_ends_with_table_figure_page_and_answer(tmp_path: Path) -> None:
    study = make_study(arms=ARMS)
    analysis = run_study(study, tmp_path, engine="serial")
    folder = StudyFolder(tmp_path / "small")
    rows = folder.read_results()
    assert [(row.arm, row.seed, row.status) for row in rows] == [
        ("plain", 0, "finished"),
        ("plain", 1, "finished"),
        ("smooth", 0, "finished"),
        ("smooth", 1, "finished"),
    ]
    for row in rows:
        run = RunFolder(next((tmp_path / "runs").glob(f"*-{row.key}")))
        result = run.read_result()
        assert result is not None
        assert result.best is not None
        assert result.best.test is not None
        assert row.test_accuracy == pytest.approx(result.best.test.accuracy)
        assert row.best_epoch == result.best.epoch
        assert len(result.test_openings) == 1
    page = " ".join(folder.report_file.read_text(encoding="utf-8").split())
    assert "these 4 runs: 4 times; this test set on this machine: 4 looks in 2 recipes" in page
    assert [cell.arm for cell in analysis.cells] == ["plain", "smooth"]
    assert folder.figure_file.read_bytes().startswith(b"\x89PNG")
    page = folder.report_file.read_text()
    assert "Does it help?" in page
    assert f"mlp-{rows[0].key}/report.html" in page
    assert (tmp_path / "small" / "../runs" / f"mlp-{rows[0].key}" / "report.html").is_file()


@pytest.mark.thorough
def test_what_is_done_is_not_done_again_whatever_it_is_called(tmp_path: Path) -> None:
    run_study(make_study(arms={"plain": {}}), tmp_path, engine="serial")
    notes = Notes()
    run_study(
        make_study(name="another", arms=ARMS, seeds=[0, 1, 2]), tmp_path, engine="serial", watcher=notes
    )
    assert [name for name, _ in notes.ended] == ["plain, seed 2", *(f"smooth, seed {s}" for s in (0, 1, 2))]


@pytest.mark.thorough
def test_a_study_broken_off_in_mid_run_ends_with_the_same_table(tmp_path: Path) -> None:
    study = make_study(arms=ARMS)
    run_study(study, tmp_path / "whole", engine="serial")
    with pytest.raises(KeyboardInterrupt):
        run_study(study, tmp_path / "broken", engine="serial", watcher=Notes(interrupt_after=4))
    half = read_table(study, tmp_path / "broken")
    assert 0 < len(half) < 4
    assert StudyFolder(tmp_path / "broken" / "small").report_file.is_file()
    run_study(study, tmp_path / "broken", engine="serial")
    assert read_table(study, tmp_path / "broken") == read_table(study, tmp_path / "whole")


@pytest.mark.thorough
def test_two_processes_give_the_numbers_of_one(tmp_path: Path) -> None:
    study = make_study(arms=ARMS)
    run_study(study, tmp_path / "serial", engine="serial")
    run_study(study, tmp_path / "processes", engine="processes", workers=2)
    assert read_table(study, tmp_path / "processes") == read_table(study, tmp_path / "serial")


@pytest.mark.thorough
def test_a_run_that_fails_is_recorded_and_those_that_start_from_it_too(tmp_path: Path) -> None:
    diverges = {"optimizer": {"name": "sgd", "learning_rate": 1e20}}
    study = make_study(
        stages={"bad": {"recipe": "digits", "set": {**SMALL["set"], "train": {"epochs": 2, **diverges}}}},
        arms={"plain": {}, "from-bad": {"transfer": "bad"}},
        seeds=[0],
    )
    analysis = run_study(study, tmp_path, engine="serial")
    rows = {row.stage or row.arm: row for row in StudyFolder(tmp_path / "small").read_results()}
    assert rows["plain"].is_finished
    assert "no longer a number" in (rows["bad"].reason or "")
    assert rows["from-bad"].reason == "starts from bad, seed 0, which failed"
    assert [row.status for row in analysis.failed] == ["failed", "failed"]
    folder = StudyFolder(tmp_path / "small")
    assert "which failed" in folder.report_file.read_text()
    said = describe_study_looks(folder.read_results(), tmp_path / "runs")
    assert said.startswith("these 2 runs: once; ")  # the one that failed while it trained has a record
    assert said.endswith("; 1 run failed before there was a record, so without a look (from-bad)")


def test_a_run_that_fails_before_it_has_a_record_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object, **named: object) -> None:
        raise TrainingError(
            "The images do not fit.", got="9 x 9", allowed="8 x 8", nearest="8 x 8", next_step="cut them"
        )

    monkeypatch.setattr("loupe.running.run.begin_run", fail)
    run_study(make_study(arms={"plain": {}}), tmp_path, engine="serial")
    folder = StudyFolder(tmp_path / "small")
    rows = folder.read_results()
    reason = "The images do not fit. (got 9 x 9; allowed: 8 x 8; did you mean 8 x 8) Next: cut them"
    assert [row.reason for row in rows] == [reason, reason]
    assert list((tmp_path / "runs").iterdir())  # folders, but no records
    assert describe_study_looks(rows, tmp_path / "runs") == (
        "2 runs failed before there was a record, so without a look (plain)"
    )
    page = " ".join(folder.report_file.read_text().split())
    assert "missing" not in page.split("Looks at the test set")[1].split("</p>")[0]
    assert (
        "0 of 2 runs have a result (2 failed); none at all: plain. 2 runs failed: the table of runs says"
        in page
    )


@pytest.mark.thorough
def test_a_study_under_way_says_what_is_not_there_yet(tmp_path: Path) -> None:
    study = make_study(arms={**ARMS, "wide": {"model": {"name": "mlp", "widths": [32]}}})
    with contextlib.suppress(KeyboardInterrupt):
        run_study(study, tmp_path, engine="serial", watcher=Notes(interrupt_after=7))
    folder = StudyFolder(tmp_path / "small")
    analysis = write_study_report(study, folder, tmp_path / "runs")
    told = "3 of 6 runs have a result (3 not at their end); none at all: wide"
    assert f"{told}. All figures are of the runs with a result." in folder.report_file.read_text()
    assert f"Study small: {told}, 2 seeds" in describe_runs(analysis, folder)


def test_weights_of_a_stage_are_those_of_the_same_seed(tmp_path: Path) -> None:
    study = make_study(
        stages={"first": {"recipe": "digits", "set": SMALL["set"]}},
        arms={"warm": {"transfer": {"run": "first", "head": "copied"}, "train": {"epochs": 1}}},
    )
    run_study(study, tmp_path, engine="serial")
    rows = StudyFolder(tmp_path / "small").read_results()
    sources = {row.seed: row.key for row in rows if row.stage}
    for row in rows:
        if row.arm == "warm":
            run = RunFolder(tmp_path / "runs" / f"mlp-{row.key}")
            (source,) = run.read_environment()["transfer"]
            assert Path(source).name == f"mlp-{sources[row.seed]}"


@pytest.mark.thorough
def test_rows_of_an_earlier_form_of_a_study_are_kept(tmp_path: Path) -> None:
    """They may be all there is of runs that were made elsewhere."""
    wide = make_study(arms=ARMS, seeds=[0, 1])
    run_study(wide, tmp_path / "there", engine="serial")
    here = tmp_path / "here"
    run_study(wide, here, engine="serial", known=tmp_path / "there" / "small" / "results.csv")
    run_study(make_study(arms={"plain": {}}, seeds=[0]), here, engine="serial")
    assert len(StudyFolder(here / "small").read_results()) == 1
    assert not prepare_study(wide, here).scheduler.waiting
    notes = Notes()
    run_study(wide, here, engine="serial", watcher=notes)
    assert notes.ended == []
    assert read_table(wide, here) == read_table(wide, tmp_path / "there")


@pytest.mark.parametrize(
    ("column", "value"), [("test_loss", "nan"), ("test_accuracy", "inf"), ("validation_accuracy", "7.5")]
)
def test_a_row_with_a_figure_that_cannot_be_is_refused(tmp_path: Path, column: str, value: str) -> None:
    study = make_study(seeds=[0])
    run_study(study, tmp_path, engine="serial")
    file = StudyFolder(tmp_path / "small").results_file
    with file.open() as lines:
        (row,) = csv.DictReader(lines)
    with file.open("w") as lines:
        writer = csv.DictWriter(lines, list(row))
        writer.writeheader()
        writer.writerow({**row, column: value})
    with pytest.raises(RunError, match=r"results\.csv is missing or damaged") as caught:
        prepare_study(study, tmp_path)
    assert f"{column} {value}" in str(caught.value)


def test_a_history_cut_in_the_middle_of_a_row_is_named(tmp_path: Path) -> None:
    study = make_study(seeds=[0])
    run_study(study, tmp_path, engine="serial")
    (path,) = (tmp_path / "runs").iterdir()
    history = RunFolder(path).history_file
    RunFolder(path).digests_file.unlink()
    RunFolder(path).result_file.unlink()
    text = history.read_text()
    history.write_text(text[: text.rindex(",") - 40])
    with pytest.raises(RunError, match=r"history\.csv is missing or damaged"):
        RunFolder(path).read_history()


@pytest.mark.thorough
def test_answers_that_are_not_at_hand_are_missed_on_the_page(tmp_path: Path) -> None:
    study = make_study(arms=ARMS)
    assert run_study(study, tmp_path, engine="serial").num_without_answers == 0
    folder = StudyFolder(tmp_path / "small")
    told = "of 4 runs answered to single images is not at hand"
    assert told not in folder.report_file.read_text()
    assert "and test images count as drawn by chance" in folder.report_file.read_text()
    run = next((tmp_path / "runs").glob(f"*-{folder.read_results()[0].key}"))
    RunFolder(run).predictions_file.write_bytes(b"cut")
    assert run_study(study, tmp_path, engine="serial").num_without_answers == 1
    assert f"What 1 {told}" in folder.report_file.read_text()
    assert "and test images count as drawn by chance" not in folder.report_file.read_text()


def test_a_damaged_checkpoint_is_recorded_with_the_way_out(tmp_path: Path) -> None:
    study = make_study(arms=ARMS, seeds=[0])
    with contextlib.suppress(KeyboardInterrupt):
        run_study(study, tmp_path, engine="serial", watcher=Notes(interrupt_after=1))
    (checkpoint,) = (tmp_path / "runs").glob("*/last/checkpoint.safetensors")
    checkpoint.write_bytes(b"cut")
    first, second = run_study(study, tmp_path, engine="serial").rows
    assert (first.status, second.status) == ("failed", "finished")
    assert "Next: delete it" in first.reason
    checkpoint.unlink()
    assert run_study(study, tmp_path, engine="serial").rows[0].status == "finished"


@pytest.mark.thorough
def test_a_study_goes_on_from_its_table_alone_and_trains_a_source_again_only_if_needed(
    tmp_path: Path,
) -> None:
    stages = {"first": {"recipe": "digits", "set": SMALL["set"]}}
    arms = {"plain": {}, "warm": {"transfer": "first"}}
    run_study(make_study(arms=arms, stages=stages, seeds=[0]), tmp_path / "there", engine="serial")
    kept = shutil.copy(tmp_path / "there" / "small" / "results.csv", tmp_path / "kept.csv")
    notes = Notes()
    study = make_study(arms=arms, stages=stages, seeds=[0])
    run_study(study, tmp_path / "here", engine="serial", known=Path(kept), watcher=notes)
    assert notes.ended == []
    assert read_table(study, tmp_path / "here") == read_table(study, tmp_path / "there")
    more = make_study(
        arms={**arms, "again": {"transfer": "first", "train": {"epochs": 1}}}, stages=stages, seeds=[0]
    )
    (tmp_path / "elsewhere" / "small").mkdir(parents=True)
    prepare_study(more, tmp_path / "elsewhere", known=Path(kept)).scheduler.write()
    rows = StudyFolder(tmp_path / "elsewhere" / "small").read_results()
    assert [row.stage or row.arm for row in rows] == ["first", "plain", "warm"], "till then its row stands"
    run_study(more, tmp_path / "here", engine="serial", watcher=notes)
    assert [name for name, _ in notes.ended] == ["first, seed 0", "again, seed 0"]


def test_a_table_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        run_study(make_study(), tmp_path, known=tmp_path / "nothing.csv")


def test_the_numbers_are_those_of_this_version(tmp_path: Path) -> None:
    """If this fails, the code gives other numbers than before: raise NUMBERS_VERSION, then mend the figure.

    Four digits of a loss, so that another machine's rounding does not matter.
    """
    recipe_itself = {"data": {"fraction": 0.3}, "train": {"epochs": 3, "clean_train_images": 0}}
    study = make_study(seeds=[0], compare="loss", set=recipe_itself)
    (cell,) = run_study(study, tmp_path, engine="serial").cells
    assert (NUMBERS_VERSION, f"{cell.summary.mean:.4g}") == (1, "1.741")


def test_a_study_goes_on_with_the_recipe_it_began_with(tmp_path: Path) -> None:
    """A packaged recipe is another one in a later version, and a file is edited."""
    file = tmp_path / "mine.toml"
    file.write_text('[model]\nname = "mlp"\nwidths = [4]\n[train]\nepochs = 1\n', encoding="utf-8")
    study = make_study(recipe=str(file), set={"data": {"fraction": 0.2}}, seeds=[0])
    run_study(study, tmp_path / "out", engine="serial")
    folder = StudyFolder(tmp_path / "out" / "small")
    before = folder.read_results()
    file.write_text(file.read_text().replace("[4]", "[5]"), encoding="utf-8")
    (tmp_path / "out").rename(tmp_path / "moved")
    folder = StudyFolder(tmp_path / "moved" / "small")
    assert load_study(folder.path).recipe == str(folder.path / "recipes" / "mine.toml")
    run_study(load_study(folder.path), tmp_path / "moved", engine="serial")
    assert folder.read_results() == before
    assert not folder.earlier_file.exists()
    assert 'recipe = "mine"' in folder.study_file.read_text()
    run_study(study, tmp_path / "moved", engine="serial")  # by its own file: what that says now
    assert {row.key for row in folder.read_results()}.isdisjoint(row.key for row in before)
    assert folder.earlier_file.exists()


def test_two_recipes_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    for name, width in (("one", 3), ("two", 4)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "net.toml").write_text(f'[model]\nname = "mlp"\nwidths = [{width}]\n', "utf-8")
    study = make_study(
        recipe=str(tmp_path / "one" / "net.toml"),
        stages={"first": {"recipe": str(tmp_path / "two" / "net.toml")}},
    )
    folder = StudyFolder(tmp_path / "small")
    folder.write_study(study)
    read = load_study(folder.path)
    assert [Path(recipe).name for recipe in read.list_recipes()] == ["net.toml", "net-2.toml"]
    assert [read_recipe_file(recipe)["model"]["widths"] for recipe in read.list_recipes()] == [[3], [4]]
    folder.write_study(read)
    assert load_study(folder.path) == read
