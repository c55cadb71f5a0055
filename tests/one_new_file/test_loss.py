"""A loss in one new file: trained from a recipe, on the command line, in a study, and never stacked."""

from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

import loupe
from loupe.cli import main
from loupe.engines.together import TogetherEngine
from loupe.errors import LoupeError, RecipeError
from loupe.runs import RunFolder
from loupe.studies.loading import load_study
from loupe.studies.run import carry_out_study, prepare_study, run_study
from tests.quick_runs import StopAfter, is_same_weights

pytestmark = pytest.mark.thorough

PLUGIN = '''
"""A margin between the right class and the others, after Crammer and Singer."""

from dataclasses import dataclass
from typing import Annotated

import torch.nn.functional as F
from loupe import register_loss
from pydantic import Field


@register_loss("margin", takes_mixed_labels=False)
@dataclass(frozen=True)
class Margin:
    """Ask the right class to lead all others by a margin."""

    margin: Annotated[float, Field(gt=0, description="Lead asked for, in logits, > 0.")] = 1.0

    def __call__(self, outputs, targets):
        return F.multi_margin_loss(outputs, targets, margin=self.margin, reduction="none")
'''
QUICK = (
    "model={name='mlp', widths=[8]}",
    "data.fraction=0.3",
    "data.augment=[]",
    "train.epochs=4",
    "train.optimizer={name='adam', learning_rate=0.02}",
    "train.clean_train_images=0",
    "train.label_smoothing=0",
    "evaluate.look_inside=false",
    "run.threads=1",
)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the one file, in an empty folder that is the working folder too."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "margin.py"
    file.write_text(PLUGIN, encoding="utf-8")
    return file


def train(plugin: Path, *overrides: str, **more: Any) -> RunFolder:
    return loupe.train("digits", *QUICK, *overrides, plugins=[str(plugin)], **more)


def test_it_trains_from_a_recipe_and_leaves_the_reported_loss_as_it_is(plugin: Path) -> None:
    plain, run = train(plugin), train(plugin, "train.loss={name='margin', margin=2.0}")
    assert not is_same_weights(plain.best_file, run.best_file)
    result = run.read_result()
    assert result is not None
    assert result.best is not None
    assert result.best.test is not None
    assert result.best.test.accuracy > 0.3
    classifier = loupe.open_classifier(run.path)
    assert classifier.class_names
    validation = result.best.validation
    assert validation.loss == pytest.approx(
        min(record.validation_loss for record in run.read_history() if record.epoch == result.best.epoch)
    )
    assert "margin" in run.recipe_file.read_text(encoding="utf-8")
    other = train(plugin, "train.loss=margin")
    assert not is_same_weights(other.best_file, run.best_file), "its setting does nothing"


def test_it_is_resumed_to_the_bit_and_goes_with_micro_batches(plugin: Path) -> None:
    whole = train(plugin, "train.loss=margin")
    stopped = train(plugin, "train.loss=margin", observers=[StopAfter(1, KeyboardInterrupt())])
    loupe.resume(stopped.path)
    assert is_same_weights(stopped.checkpoint_file, whole.checkpoint_file)
    cut = train(plugin, "train.loss=margin", "train.accumulate=4")
    ours, theirs = load_file(cut.best_file), load_file(whole.best_file)
    assert all(((ours[name] - theirs[name]).abs().max() < 1e-3) for name in theirs)


def test_the_command_line_lists_and_trains_it(plugin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["losses", "--plugin", str(plugin)]) == 0
    listed = capsys.readouterr().out
    assert "margin  Ask the right class to lead all others by a margin." in listed
    assert "margin = 1.0  Lead asked for, in logits, > 0." in listed
    assert main(["train", "digits", *QUICK, "train.loss=margin", "--plugin", str(plugin)]) == 0
    (path,) = Path("runs").iterdir()
    assert RunFolder(path).is_finished()
    assert main(["train", "digits", *QUICK, "train.loss=margn", "--plugin", str(plugin)]) == 1
    assert "did you mean 'margin'?" in capsys.readouterr().err


def make_study(plugin: Path) -> Any:
    return load_study(
        {
            "name": "losses",
            "question": "Which loss?",
            "recipe": "digits",
            "seeds": [0, 1],
            "set": {
                "model": {"name": "mlp", "widths": [8]},
                "data": {"fraction": 0.3, "augment": []},
                "train": {"epochs": 2, "clean_train_images": 0, "label_smoothing": 0.0},
                "evaluate": {"look_inside": False},
                "run": {"plugins": [str(plugin)]},
            },
            "arms": {"plain": {}, "margin": {"train": {"loss": "margin"}}},
        }
    )


def test_a_study_has_it_as_an_arm_and_stacked_training_leaves_it_alone(plugin: Path) -> None:
    study = make_study(plugin)
    run_study(study, Path("serial"), engine="serial")
    engine = TogetherEngine(8)
    analysis = carry_out_study(prepare_study(study, Path("together")), engine)
    assert [cell.arm for cell in analysis.cells] == ["plain", "margin"]
    reason = "its loss is Margin, which is not trained together"
    assert engine.reasons == {"margin, seed 0": reason, "margin, seed 1": reason}
    names = sorted(path.name for path in Path("serial", "runs").iterdir())
    assert names == sorted(path.name for path in Path("together", "runs").iterdir())
    assert len(names) == 4
    for name in names:
        run, alone = (RunFolder(Path(place, "runs", name)) for place in ("together", "serial"))
        if run.read_recipe().train.loss is not None:
            assert is_same_weights(run.best_file, alone.best_file)
        else:
            assert "trained together with 1 other runs" in run.log_file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ("data.mix=mixup",),
            "data.mix: got 'mixup'; allowed: nothing: the loss margin takes no labels of mixed",
        ),
        (
            ("train.label_smoothing=0.1",),
            "train.label_smoothing: got 0.1; allowed: 0: the loss margin smooths no",
        ),
        (("train.loss={name='margin', margin=-1}",), "train.loss.margin: got -1; allowed: a number > 0"),
        (
            ("model=autoencoder", "data.normalize=unit"),
            "train.loss: got 'margin'; allowed: mean-absolute-error, mean-squared-error: for reconstruction, "
            "as autoencoder is",
        ),
    ],
)
def test_what_it_does_not_go_with_is_a_mistake(
    plugin: Path, overrides: tuple[str, ...], message: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        loupe.load_recipe("digits", [*QUICK, "train.loss=margin", *overrides], plugins=[str(plugin)])
    assert message in str(caught.value)


def test_one_that_fails_is_said_before_anything_is_loaded(plugin: Path) -> None:
    broken = PLUGIN.replace("F.multi_margin_loss(", "F.no_such_loss(").replace('"margin"', '"broken"')
    plugin.write_text(broken, encoding="utf-8")
    with pytest.raises(LoupeError) as caught:
        loupe.load_recipe("digits", [*QUICK, "train.loss=broken"], plugins=[str(plugin)])
    assert str(caught.value).startswith(
        "The loss 'broken' fails on three images of 10 classes.\n  got: Attribute"
    )
