import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from loupe.cli import main
from loupe.engines.starting import time_start
from loupe.errors import DataError
from loupe.reproductions.files import list_reproductions, read_reproduction
from loupe.reproductions.references import find_unknown_claims
from loupe.reproductions.run import load_quickly, reproduce
from loupe.reproductions.schema import Reproduction
from loupe.studies import list_studies
from loupe.studies.loading import load_study
from loupe.studies.plan import make_plan

from .conftest import needs_official_data

SMALL = """
about = "a small study"
question = "Does smoothing help?"
recipe = "digits"
seeds = [0, 1]

[set]
model = { name = "mlp", widths = [16] }
data.augment = []
data.fraction = 0.3
train.epochs = 2
train.clean_train_images = 0

[arms.plain]

[arms.smooth]
train.label_smoothing = 0.4
"""


@pytest.fixture
def study_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "smoothing.toml"
    file.write_text(SMALL)
    return file


def test_a_dry_run_shows_the_runs_and_their_time_and_writes_nothing(
    study_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", "smoothing.toml", "--dry-run", "--workers", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["arm", "seeds", "done", "starts", "from"],
        ["plain", "0,", "1", "0"],
        ["smooth", "0,", "1", "0"],
    ]
    assert lines[3].startswith("2 seeds an arm find a difference of ")
    assert not any("the same runs" in line for line in lines)
    (told,) = [line for line in lines if line.startswith("4 runs, 0 done; about ")]
    assert told.endswith(" s for the rest, one after another")
    assert not (study_file.parent / "studies").exists()


def test_a_dry_run_counts_the_start_of_processes(
    study_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were left out: seconds that a small study spends before its first run."""
    monkeypatch.setattr("loupe.studies.estimate.time_start", lambda: 1000.0)
    monkeypatch.setattr("loupe.studies.estimate._time_kind", lambda *_: (0.0, 0.0))
    assert main(["study", "smoothing.toml", "--dry-run", "--engine", "processes", "--workers", "2"]) == 0
    (told,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("4 runs, 0 done; ")]
    # four runs with a second each besides their epochs, two at once, after 1,000 seconds
    assert told.endswith(
        "about 16 min 42 s for the rest, 2 at once, 16 min 40 s of it until the processes have started"
    )


@pytest.mark.thorough
def test_the_start_of_a_process_takes_what_torch_takes() -> None:
    assert 0.2 < time_start() < 300


def test_what_only_images_show_is_said_before_anything_is_trained(
    study_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = np.random.default_rng(0)
    for number in range(40):
        place = study_file.parent / "pictures" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.integers(256, size=(8, 8), dtype=np.uint8)).save(place / f"{number}.png")
    pictures = 'data.name = "folder"\ndata.path = "pictures"\ndata.validation = 0.3\ndata.test_part = 0.3\n'
    text = SMALL.replace("data.fraction = 0.3\n", pictures).replace("label_smoothing = 0.4", "epochs = 3")
    study_file.write_text(text + '\n[arms.deep]\nmodel = "fast-net"\ntrain.batch_size = 4\n')
    assert main(["study", "smoothing.toml", "--dry-run", "--workers", "1"]) == 1
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("cannot be trained: deep, seed 0; deep, seed 1")
    assert lines[at + 1].startswith("  Images of 8 x 8 pixels are too small for this fast-net.")
    assert lines[at + 3] == "    allowed: images of at least 9 x 9 pixels"
    (told,) = [line for line in lines if line.startswith("6 runs, 0 done; about ")]
    assert "unknown" not in told
    assert main(["study", "smoothing.toml", "--engine", "serial"]) == 1
    out = capsys.readouterr().out
    assert "cannot be trained: deep, seed 0; deep, seed 1\n" in out
    assert "2 runs without a result" in out
    assert "test accuracy" in out, "the others are carried out"


def test_a_plan_refuses_what_a_run_refuses_and_nothing_else(
    study_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arms = """
[arms.long]
train.epochs = 5
train.freeze_later = { layers = ["dense1", "logits"], after_epoch = 3 }

[arms.short]
train.epochs = 3
train.freeze_later = { layers = ["dense1", "logits"], after_epoch = 3 }

[arms.few]
data.fraction = 0.001
"""
    study_file.write_text(SMALL.replace("\n[arms.smooth]\ntrain.label_smoothing = 0.4\n", arms))
    for order in (study_file.read_text(), study_file.read_text().replace("long", "x").replace("short", "a")):
        study_file.write_text(order)
        assert main(["study", "smoothing.toml", "seeds=[0]", "--dry-run", "--workers", "1"]) == 1
        out = capsys.readouterr().out
        refused = [line for line in out.splitlines() if line.startswith("cannot be trained: ")]
        assert len(refused) == 2
        assert "short, seed 0" not in "".join(refused)
        assert "a, seed 0" not in "".join(refused)
        assert "; 2 cannot be trained" in out
    assert main(["study", "smoothing.toml", "seeds=[0]", "--engine", "serial"]) == 1
    assert "2 runs without a result" in capsys.readouterr().out


def test_a_study_prints_its_runs_and_its_answer_and_does_nothing_twice(
    study_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", "smoothing.toml", "seeds=[0]", "--engine", "serial"]) == 0
    out = capsys.readouterr().out
    assert "[2/2] smooth, seed 0: finished after 2 epochs, last validation accuracy" in out
    assert "has no finished run" not in out
    assert "with a mean test accuracy of" in out
    assert f"report: {Path('studies/smoothing/report.html')}" in out
    assert main(["study", "studies/smoothing"]) == 0
    assert capsys.readouterr().out.startswith("2 runs, all done\n")


def test_mistakes_are_shown_without_traceback(study_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study_file.write_text(SMALL.replace("label_smoothing", "label_smoothin"))
    assert main(["study", "smoothing.toml"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: Study 'smoothing' has 1 mistake; no data was loaded.")
    assert "arm smooth: train.label_smoothin: got an unknown field" in error
    assert "did you mean 'label_smoothing'?" in error
    assert main(["study", "smoothing.toml", "--engine", "proceses"]) == 1
    assert main(["study", "smoothing.toml", "--workers", "0"]) == 1


def test_known_results_have_to_be_results(study_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("notes.csv").write_text("name,accuracy\nmine,0.9\n")
    assert main(["study", "smoothing.toml", "--known", "notes.csv"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: notes.csv is missing or damaged.")
    assert "no column arm, best_epoch" in error


def test_a_dry_run_says_which_arms_would_be_the_same_runs(
    study_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study_file.write_text(SMALL + "\n[arms.again]\ntrain.label_smoothing = 0.1\n")
    assert main(["study", "smoothing.toml", "--dry-run", "--workers", "1"]) == 0
    said = capsys.readouterr().out
    assert "plain and again are the same runs, whatever they change.\n" in said
    assert "with 1 comparison:" in said


@pytest.mark.thorough
def test_it_is_said_how_much_of_known_results_was_taken(
    study_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", "smoothing.toml", "seeds=[0]", "--engine", "serial", "--out", "first"]) == 0
    results = Path("first/smoothing/results.csv")
    capsys.readouterr()
    again = ["study", "smoothing.toml", "--dry-run", "--out", "second", "--known", str(results)]
    assert main([*again, "seeds=[0,1]"]) == 0
    assert f"taken from {results}: 2 of 2 finished runs\n" in capsys.readouterr().out
    assert main([*again, "seeds=[7]"]) == 0
    assert f"taken from {results}: nothing; none of 2 finished runs is one of this study" in (
        capsys.readouterr().out
    )
    Path("empty.csv").write_text(results.read_text().partition("\n")[0] + "\n")
    assert main([*again[:-1], "empty.csv"]) == 0
    assert "taken from empty.csv: nothing; it holds no finished run\n" in capsys.readouterr().out


def test_known_results_have_to_be_those_of_the_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place, got in ((tmp_path, "a folder without them"), (tmp_path / "nowhere", "no folder")):
        assert main(["reproduce", "004", "--known", str(place), "--only-report"]) == 1
        error = capsys.readouterr().err
        assert f"{place} holds no results of 004." in error
        assert f"got: {got}" in error
        assert "fashion-ten-models.csv" in error


@pytest.mark.parametrize("verb", ["studies", "reproductions"])
def test_packaged_files_are_listed(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb]) == 0
    out = capsys.readouterr().out
    for name in list_studies() if verb == "studies" else list_reproductions():
        assert name in out


def test_the_help_of_a_study_names_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "--help"]) == 0
    assert "axes.NAME.values" in capsys.readouterr().out


LONGEST = {"fashion-transfer", "fashion-autoencoder-grid"}  # their quick forms are planned below


@pytest.mark.parametrize("name", sorted(set(list_studies()) - LONGEST))
def test_every_packaged_study_makes_recipes_that_are_right(name: str) -> None:
    seeds = load_study(name).seeds
    assert len(seeds) >= 3
    assert make_plan(load_study(name, ["seeds=[0]"])).runs


@pytest.mark.parametrize("name", list_reproductions())
def test_the_quick_form_of_every_reproduction_can_be_planned(name: str) -> None:
    reproduction = read_reproduction(name)
    for study in reproduction.studies:
        quick = load_quickly(study, reproduction)
        assert quick.name == f"{study}-quick"
        longest = max(run.recipe.train.epochs for run in make_plan(quick).runs)
        assert longest <= 3


@pytest.mark.parametrize("name", list_reproductions())
def test_the_claims_of_every_reproduction_are_about_what_its_studies_hold(name: str) -> None:
    reproduction = read_reproduction(name)
    studies = {study: load_study(study) for study in reproduction.studies}
    assert not list(find_unknown_claims(reproduction, studies))


def test_mistakes_of_a_reproduction_are_shown_before_anything_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    text = 'title = "Mine"\nstudies = ["fashion-depth"]\n[[numbers]]\nrow = "1"\nwhat = "n"\n'
    file.write_text(f'{text}study = "fashion-depth"\narm = "tow"\npublished.test_loss = 0.1\n')
    assert main(["reproduce", str(file), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: Reproduction 'mine' has 1 mistake; no data was loaded.")
    assert "numbers.0.arm: got 'tow'; allowed: " in error
    assert "did you mean 'two'?" in error
    file.write_text(text + "study = 3\n")
    assert main(["reproduce", str(file), "--out", str(tmp_path / "out")]) == 1
    assert "Reproduction 'mine' has 2 mistakes" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.thorough
@needs_official_data
def test_a_reproduction_ends_with_a_page_and_a_verdict_on_each_claim(tmp_path: Path) -> None:
    """The claims of 003 with even less training than its quick form."""
    source = read_reproduction("003")
    tiny = {"set.data.fraction": 0.01, "set.train.epochs": 1, "set.evaluate.test": False, "seeds": [0, 1]}
    claims = source.model_copy(
        update={
            "studies": ("cifar10-six-block",),
            "quick": {"cifar10-six-block": {**tiny, "set.model.width": 0.05, "set.data.validation": 200}},
        }
    )
    page = reproduce(claims, tmp_path, is_quick=True, engine="serial")
    text = page.read_text()
    assert "This is the quick form" in text
    assert "94.48 %" in text
    assert "D-003-1" in text
    markdown = (tmp_path / "003-quick" / "report.md").read_text()
    assert "picked on the test set" in markdown
    assert "](cifar10-six-block-quick.png)" in markdown
    assert "So far" not in markdown
    results = tmp_path / "studies" / "cifar10-six-block-quick" / "results.csv"
    results.write_text("".join(results.read_text().splitlines(keepends=True)[:2]))
    for run in (tmp_path / "studies" / "runs").iterdir():
        shutil.rmtree(run)
    reproduce(claims, tmp_path, is_quick=True, only_report=True)
    assert "(So far 1 of 2 runs.)" in (tmp_path / "003-quick" / "report.md").read_text()
    assert (tmp_path / "003-quick" / "cifar10-six-block.csv").is_file()


def test_a_reproduction_without_its_data_leaves_the_page_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = read_reproduction("003")
    page = tmp_path / "003" / "report.html"
    page.parent.mkdir()
    page.write_text("of an earlier sitting")
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError):
        reproduce(source, tmp_path, only_report=True)
    assert page.read_text() == "of an earlier sitting"


@pytest.mark.thorough
def test_the_folder_of_a_study_is_gone_on_with_where_it_lies(
    study_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", "smoothing.toml", "seeds=[0]", "--engine", "serial", "--out", "elsewhere"]) == 0
    capsys.readouterr()
    assert main(["study", "elsewhere/smoothing"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("2 runs, all done\n")
    assert f"report: {Path('elsewhere/smoothing/report.html')}" in out
    assert not Path("studies").exists()


def test_a_recipe_left_out_is_missed_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "train.epochs=1"]) == 1
    assert "its changes come after it" in capsys.readouterr().err


def test_a_reproduction_of_which_nothing_was_run_says_so(tmp_path: Path) -> None:
    source = Reproduction(name="x", title="Nothing yet", studies=())
    page = reproduce(source, tmp_path, only_report=True)
    assert "No study has been run." in page.read_text()
