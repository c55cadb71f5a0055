"""A longer training from a finished run is a new run, as good as one training where the rates are alike."""

import shutil
from pathlib import Path

import pytest
import torch

import loupe
from loupe.cli import main
from loupe.errors import RunError
from loupe.runs import RunFolder
from loupe.using.export_run import write_model_card
from loupe.using.verify_run import verify
from tests.quick_runs import QUICK, StopAfter, is_same_weights

pytestmark = pytest.mark.thorough

CONSTANT = (*QUICK[1:], "train.schedule=constant", "run.threads=1", "evaluate.track_examples=20")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunFolder, RunFolder]:
    """Return a folder, a run of two epochs in it, and one of four elsewhere."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("continuing")
    short = loupe.train("digits", *CONSTANT, "train.epochs=2", f"run.folder={root / 'runs'}")
    long = loupe.train("digits", *CONSTANT, "train.epochs=4", f"run.folder={root / 'long'}")
    return root, short, long


def go_on(run: RunFolder, *overrides: str, **more: object) -> RunFolder:
    return loupe.train(run.path / "recipe.toml", f"run.continues={run.path}", *overrides, **more)


def test_it_ends_as_one_training_would_where_the_rates_are_the_same(
    runs: tuple[Path, RunFolder, RunFolder],
) -> None:
    _, short, long = runs
    before = {file: file.read_bytes() for file in short.path.rglob("*") if file.is_file()}
    longer = go_on(short, "train.epochs=4")
    assert longer.path != short.path
    assert is_same_weights(longer.best_file, long.best_file)
    assert torch.equal(longer.read_examples().losses, long.read_examples().losses)
    assert [row.validation_loss for row in longer.read_history()] == [
        row.validation_loss for row in long.read_history()
    ]
    (said,) = longer.read_result().warnings
    assert said == (
        f"Continues {short.path.name} after its epoch 2, as 4 epochs in one go would have gone on. "
        "Its test images had been looked at once before that."
    )
    assert {file: file.read_bytes() for file in before} == before
    (found,) = verify(longer.path)
    assert found.is_sound
    assert {one.check: one.verdict for one in found.findings}["continued run"] == "sound"


def test_other_rates_are_said_in_report_and_model_card(tmp_path: Path) -> None:
    run = loupe.train("digits", *QUICK, f"run.folder={tmp_path / 'runs'}", "name=short")
    longer = go_on(run, "train.epochs=5", "name=longer")
    card = write_model_card(longer.path, tmp_path / "card.md").card.read_text()
    for text in (longer.report_file.read_text(), card):
        assert f"Continues {run.path.name} after its epoch 3" in text
        assert "its figures are not those of one training of that length" in text
    assert str(tmp_path) not in card


def test_it_is_resumed_to_the_bit_without_the_run_it_continues(
    runs: tuple[Path, RunFolder, RunFolder], tmp_path: Path
) -> None:
    _, short, long = runs
    source = RunFolder(Path(shutil.copytree(short.path, tmp_path / "source")))
    begun = go_on(
        source,
        "train.epochs=4",
        f"run.folder={tmp_path / 'runs'}",
        observers=[StopAfter(3, KeyboardInterrupt())],
    )
    assert begun.read_result().status == "interrupted"
    away = begun.path.rename(tmp_path / "away")
    source.path.rename(tmp_path / "moved")
    (away / "recipe.toml").write_text(
        (away / "recipe.toml").read_text().replace(str(source.path), str(tmp_path / "moved"))
    )
    RunFolder(away).digests_file.unlink()
    resumed = loupe.resume(away)
    assert is_same_weights(resumed.best_file, long.best_file)
    assert resumed.read_result().warnings[0].startswith("Continues source after its epoch 2")


def test_early_stopping_is_asked_again(tmp_path: Path) -> None:
    early = ("train.early_stopping.window=1", "train.early_stopping.min_improvement=100")
    run = loupe.train("digits", *QUICK, *early, f"run.folder={tmp_path / 'runs'}")
    assert run.read_result().stopped_early
    longer = go_on(run, "train.epochs=4", "train.early_stopping=none")
    assert (len(run.read_history()), len(longer.read_history())) == (2, 4)
    assert not longer.read_result().stopped_early


def test_series_are_continued_seed_by_seed(tmp_path: Path) -> None:
    series = loupe.train("digits", *QUICK, "run.seeds=[3,5]", f"run.folder={tmp_path / 'runs'}")
    longer = go_on(series, "train.epochs=4")
    for seed in ("seed-3", "seed-5"):
        (said, *_) = RunFolder(longer.path / seed).read_result().warnings
        assert said.startswith(f"Continues {seed} after its epoch 3")


@pytest.mark.parametrize(
    ("changes", "got"),
    [
        (("train.epochs=2",), "has 2 epochs, and train.epochs = 2"),
        (("train.epochs=4", "train.batch_size=7"), "another train.batch_size"),
        (("train.epochs=4", "run.seed=9"), "another run.seed"),
        (("train.epochs=4", "model.width=2"), "another model.width"),
        (("train.epochs=4", "evaluate.select_by=loss"), "another evaluate.select_by"),
        (("train.epochs=4", "data.split_seed=9"), "another data.split_seed"),
    ],
)
def test_nothing_but_the_length_may_change(
    runs: tuple[Path, RunFolder, RunFolder], changes: tuple[str, ...], got: str
) -> None:
    _, short, _ = runs
    with pytest.raises(RunError) as caught:
        go_on(short, *changes)
    assert caught.value.got == got


def test_data_that_moved_on_is_refused(tmp_path: Path) -> None:
    from tests.running.test_leakage import draw, save, train

    save(tmp_path / "images", "", draw(200, 0))
    run = train(tmp_path / "images", tmp_path / "runs")
    save(tmp_path / "images", "", draw(60, 1), "new")
    with pytest.raises(RunError, match="other train, validation, test images") as caught:
        go_on(run, "train.epochs=2")
    assert "transfer=" in str(caught.value.next_step)


def test_a_run_that_has_not_ended_is_resumed_instead(tmp_path: Path) -> None:
    stop = StopAfter(1, KeyboardInterrupt())
    run = loupe.train("digits", *QUICK, f"run.folder={tmp_path / 'runs'}", observers=[stop])
    with pytest.raises(RunError, match="loupe resume"):
        go_on(run, "train.epochs=5")


def test_from_the_command_line(
    runs: tuple[Path, RunFolder, RunFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    _, short, _ = runs
    assert main(["resume", str(short.path), "train.epochs=3"]) == 1
    assert f"loupe train --continue {short.path} train.epochs=3" in capsys.readouterr().err
    assert main(["train", "--continue", str(short.path), "train.epochs=3", "name=more"]) == 0
    assert f"Continues {short.path.name} after its epoch 2" in " ".join(capsys.readouterr().out.split())
    assert main(["train", "digits.toml", "--continue", str(short.path)]) == 1
    assert "continued by its own recipe" in capsys.readouterr().err


def test_its_key_is_another(runs: tuple[Path, RunFolder, RunFolder]) -> None:
    from loupe.running import load_recipe
    from loupe.running.recipe_digest import digest_recipe

    _, short, _ = runs
    plain = load_recipe(short.path / "recipe.toml", ("train.epochs=4",))
    continued = load_recipe(short.path / "recipe.toml", ("train.epochs=4", f"run.continues={short.path}"))
    assert digest_recipe(plain) != digest_recipe(continued)
