"""Progress from Python: silent where nobody watches, a bar where somebody does; and one-line recipes."""

from pathlib import Path

import pytest

import loupe
from loupe.errors import LoupeError
from loupe.notebook.magics import run_magic
from loupe.notebook.progress import is_watched
from tests.quick_runs import QUICK


@pytest.mark.thorough
def test_a_training_nobody_watches_is_silent_and_one_that_is_shows_a_bar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = f"run.folder={tmp_path / 'runs'}"
    loupe.train("digits", *QUICK, "train.epochs=2", place)
    assert capsys.readouterr().err == ""
    loupe.train("digits", *QUICK, "train.epochs=2", place, progress=True)
    shown = capsys.readouterr().err
    assert "epoch 2/2" in shown
    assert "100%" in shown
    assert "accuracy=" in shown
    assert "judging: the report" in shown
    assert "warning: " not in shown
    whole = "train.progressive_resizing={size=6, until_epoch=2}"
    network = "model={name='fast-net', widths=[4, 6]}"
    quick = ("train.epochs=1", "train.clean_train_images=0", "evaluate.look_inside=false")
    loupe.train("digits", network, *quick, whole, "run.seeds=[0, 1]", place, progress=True)
    shown = capsys.readouterr().err
    assert shown.count("warning: No epoch trains on whole images") == 1
    assert shown.index("warning: ") < shown.index("epoch 1/1")


def test_the_variable_and_the_argument_say_whether(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOUPE_PROGRESS", "1")
    assert is_watched()
    assert not is_watched(False)
    monkeypatch.setenv("LOUPE_PROGRESS", "0")
    assert not is_watched()
    assert is_watched(True)


def test_a_line_and_a_cell_are_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    changes = " ".join(QUICK)
    assert run_magic(f"digits {changes} train.epochs=1").require_result().status == "finished"
    cell = 'name = "of-a-cell"\n[data]\nname = "digits"\n[model]\nname = "cnn"\nconv_layers = 4\n'
    assert run_magic(f"{changes} train.epochs=1", cell).read_recipe().name == "of-a-cell"
    with pytest.raises(LoupeError, match="The cell is no recipe"):
        run_magic("", "[data")
