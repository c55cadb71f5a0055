"""Runs that start from a file of weights: what is copied, what is kept, what is said."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import loupe
from loupe.errors import LoupeError, RecipeError, RunError
from loupe.running import load_recipe
from loupe.running.recipe_digest import digest_recipe
from loupe.runs import RunFolder
from loupe.studies.keys import Keys
from loupe.studies.plan import make_plan
from loupe.using.verify_run import verify
from tests.quick_runs import StopAfter, Train, is_same_weights
from tests.studies.conftest import make_study

pytestmark = pytest.mark.thorough

SOURCE_MODEL = {"name": "cnn", "conv_layers": 4, "width": 1}
QUICK = ("train.epochs=2", "data.augment=[]")


@pytest.fixture
def source(train: Train) -> RunFolder:
    return train("train.epochs=1", "run.seed=5")


@pytest.fixture
def file(source: RunFolder, tmp_path: Path) -> Path:
    """The weights of a run as another program would save them: under other names, in torch's form."""
    path = tmp_path / "elsewhere.pth"
    weights = {f"backbone.{name}": tensor for name, tensor in load_file(source.best_file).items()}
    torch.save({"state_dict": weights, "epoch": 7}, path)
    return path


def start(file: Path, *more: str) -> tuple[str, ...]:
    return (*QUICK, f"transfer.weights={file}", "transfer.rename={backbone=''}", *more)


def test_the_file_is_what_the_run_would_have_given(train: Train, source: RunFolder, file: Path) -> None:
    by_file = train(*start(file))
    by_run = train(*QUICK, f"transfer.run={source.path}", "data.sides_of=none")
    assert is_same_weights(by_file.best_file, by_run.best_file)
    notes = by_file.read_result().notes
    assert any(note.startswith("copied from elsewhere.pth: conv1") for note in notes)
    assert any(note == "not copied (new): logits" for note in notes)


def test_names_that_do_not_fit_are_told(train: Train, file: Path) -> None:
    with pytest.raises(LoupeError, match="None of these weights fits"):
        train(*QUICK, f"transfer.weights={file}")


def test_what_the_weights_have_seen_is_said_to_be_unknown(train: Train, file: Path) -> None:
    run = train(*start(file))
    assert any("elsewhere.pth have seen is not known" in warning for warning in run.read_result().warnings)
    assert not run.read_images().is_before_known


def test_the_file_is_kept_in_the_run_and_read_no_more(train: Train, file: Path) -> None:
    whole = train(*start(file, "train.epochs=4"))
    stopped = train(*start(file, "train.epochs=4"), observers=[StopAfter(1, KeyboardInterrupt())])
    content = file.read_bytes()
    file.unlink()
    kept = stopped.find_starting_weights()
    assert kept is not None
    assert kept.read_bytes() == content
    loupe.resume(stopped.path)
    assert is_same_weights(stopped.checkpoint_file, whole.checkpoint_file)
    moved = stopped.path.rename(stopped.path.parent / "moved")
    assert loupe.load_model(RunFolder(moved)) is not None
    assert verify(moved)[0].is_sound


def test_a_resumed_run_calls_its_weights_what_they_were_called(train: Train, file: Path) -> None:
    stopped = train(*start(file, "train.epochs=3"), observers=[StopAfter(1, KeyboardInterrupt())])
    loupe.resume(stopped.path)
    result = stopped.read_result()
    assert any("weights of elsewhere.pth have seen" in warning for warning in result.warnings)
    assert any(note.startswith("copied from elsewhere.pth: ") for note in result.notes)
    assert not any("starting_weights" in said for said in (*result.notes, *result.warnings))


def test_frozen_layers_without_weights_are_warned_of(train: Train, source: RunFolder, tmp_path: Path) -> None:
    """Layers that the file does not have, and that nothing trains, are no pre-trained ones."""
    weights = load_file(source.best_file)
    some = {name: tensor for name, tensor in weights.items() if not name.startswith(("conv2", "dense1"))}
    save_file(some, tmp_path / "some.safetensors")
    save_file(weights, tmp_path / "all.safetensors")

    def list_warned(name: str, freeze: str) -> list[str]:
        run = train(*QUICK, f"transfer.weights={tmp_path / name}", f"transfer.freeze={freeze}")
        return [warning for warning in run.read_result().warnings if "frozen layers" in warning]

    (warned,) = list_warned("some.safetensors", "all")
    assert (
        "got no weights from some.safetensors and stay as they were drawn, untrained: conv2, dense1" in warned
    )
    assert list_warned("all.safetensors", "all") == []
    assert list_warned("some.safetensors", '["conv1"]') == []
    (warned,) = list_warned("all.safetensors", '["logits"]')
    assert warned.startswith("1 of 1 frozen layers got no weights")


def test_a_run_without_a_checkpoint_starts_from_its_own_copy(train: Train, file: Path) -> None:
    whole = train(*start(file))
    stopped = train(*start(file), observers=[StopAfter(1, KeyboardInterrupt())])
    stopped.checkpoint_file.unlink()
    file.write_bytes(b"something else")
    loupe.resume(stopped.path)
    assert is_same_weights(stopped.best_file, whole.best_file)


def test_a_copy_that_was_changed_ends_a_resume(train: Train, file: Path) -> None:
    stopped = train(*start(file, "train.epochs=4"), observers=[StopAfter(1, KeyboardInterrupt())])
    kept = stopped.find_starting_weights()
    assert kept is not None
    changed = {name: tensor + 1 for name, tensor in torch.load(kept)["state_dict"].items()}
    torch.save({"state_dict": changed}, kept)
    with pytest.raises(RunError, match=r"altered|starting weights"):
        loupe.resume(stopped.path)


def test_the_content_of_the_file_counts_not_its_place(tmp_path: Path, file: Path) -> None:
    def key(path: Path, rename: str = "backbone") -> str:
        transfer = {"weights": str(path), "rename": {rename: ""}}
        study = make_study(set={"model": SOURCE_MODEL, "transfer": transfer}, seeds=[0])
        return Keys().of(make_plan(study).runs[0])

    other = tmp_path / "copy.pth"
    other.write_bytes(file.read_bytes())
    assert key(file) == key(other)
    save_file({"backbone.logits.bias": torch.zeros(10), "backbone.conv1.bias": torch.ones(6)}, other)
    assert key(file) != key(other)
    plain = load_recipe("digits")
    assert digest_recipe(
        load_recipe("digits", [f"transfer.weights={file}", "transfer.rename={backbone=''}"])
    ) != (digest_recipe(plain))


@pytest.mark.parametrize(
    ("transfer", "message"),
    [
        ("{weights='nothing.pth'}", "There is no file nothing.pth"),
        ("{rename={a='b'}}", "weights to copy from"),
        ("{weights='a.pth', run='b'}", "a run or weights"),
    ],
)
def test_what_cannot_be_is_refused_before_data_is_loaded(transfer: str, message: str) -> None:
    with pytest.raises((RecipeError, LoupeError), match=message):
        load_recipe("digits", [f"transfer={transfer}"])


def test_layers_far_from_the_head_move_less(train: Train, file: Path) -> None:
    def moved(*more: str) -> float:
        run = train(*start(file, "train.epochs=1", "train.optimizer=sgd", *more))
        before = {name.removeprefix("backbone."): one for name, one in torch.load(file)["state_dict"].items()}
        return float((load_file(run.best_file)["conv1.weight"] - before["conv1.weight"]).norm())

    assert moved("train.layer_decay=0.1") < 0.1 * moved()
