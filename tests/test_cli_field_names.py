"""What is meant by a word: a field in another section or tool, the verb, or nothing near."""

from pathlib import Path

import pytest

from loupe.cli import main
from loupe.errors import suggest
from loupe.recipe.field_names import find_field


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_number_is_near_to_no_other() -> None:
    assert suggest(12, ["2", "1"]) is None
    assert suggest("digit", ["digits"]) == "digits"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("epochs", "train.epochs"),
        ("max_epochs", "train.epochs"),
        ("augment", "data.augment"),
        ("seed", "run.seed"),
        ("lr", "train.optimizer.learning_rate"),
        ("learning_rate", "train.optimizer.learning_rate"),
        ("name", "name"),
        ("path", "data.path"),
        ("zebra", None),
        ("out", None),
        ("height", None),
    ],
)
def test_a_field_is_found_in_whatever_section(name: str, place: str | None) -> None:
    assert find_field(name) == place


@pytest.mark.parametrize(
    ("override", "place"),
    [
        ("epochs=3", "train.epochs"),
        ("train.lr=1", "train.optimizer.learning_rate"),
        ("train.augment=[]", "data.augment"),
        ("train.weight_decay=1", "train.optimizer.weight_decay"),
        ("train.optimizer.lr=1", "learning_rate"),
        ("data.val_split=0.1", "validation"),
        ("run.random_state=1", "seed"),
        ("train.epoch=1", "epochs"),
        ("evaluate.metrics=f1_score", "macro_f1"),
        ("evaluate.metrics=mcc", "matthews_correlation"),
        ("evaluate.metrics=nll", "negative_log_likelihood"),
        ("evaluate.metrics=top5", "top_k_accuracy"),
        ("evaluate.looks=ece", "calibration"),
        ("train.loss=CrossEntropyLoss", "cross-entropy"),
        ("train.loss=MSELoss", "mean-squared-error"),
        ("train.schedule=CosineAnnealingLR", "cosine"),
        ("train.schedule=ReduceLROnPlateau", "plateau"),
        ("train.schedule=StepLR", "step"),
        ("train.schedule=OneCycleLR", "one-cycle"),
        ("data.augment=RandomCrop", "padded-crop"),
        ("model=resnet18", "resnet"),
        ("batch=3", "train.batch_size"),
        ("test=1", "evaluate.test"),
        ("transform=1", "data.augment"),
        ("transforms=1", "data.augment"),
        ("dataset=mnist", "data"),
        ("train.patience=3", "train.early_stopping.window"),
        ("infer=1", "loupe predict"),
    ],
)
def test_a_field_in_the_wrong_section_is_told_its_place(
    override: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "digits", override]) == 1
    assert f"; did you mean '{place}'?\n" in capsys.readouterr().err


def test_a_recipe_whose_name_is_wrong_is_named_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "digits", "name.foo=1"]) == 1
    assert "Error: Recipe 'digits' has 1 mistake;" in capsys.readouterr().err
