"""An observer is one new file: found, listed, and told of every epoch, also in a study, by each engine."""

import json
from pathlib import Path

import pytest

import loupe
from loupe.cli import main
from tests.quick_runs import QUICK, is_same_weights

pytestmark = pytest.mark.thorough

PLUGIN = '''
"""The moving average of the validation loss."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import Field

from loupe import Observer, register_observer


@register_observer("loss-average")
class LossAverage(Observer):
    """The exponential moving average of the validation loss."""

    def __init__(
        self,
        folder: Path,
        decay: Annotated[float, Field(gt=0, lt=1, description="Weight of the past.")] = 0.5,
    ) -> None:
        self.file = folder / "loss-average.json"
        self.decay = decay

    def on_epoch_end(self, state):
        average = state.history[0].validation_loss
        for record in state.history[1:]:
            average = self.decay * average + (1 - self.decay) * record.validation_loss
        self.file.write_text(json.dumps({"epoch": state.epoch, "average": average}))
'''


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one file, in a folder that is otherwise empty."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "loss_average.py"
    path.write_text(PLUGIN, encoding="utf-8")
    return path


def check(run: Path, decay: float = 0.5) -> None:
    first, *rest = (record.validation_loss for record in loupe.load_run(run).read_history())
    for loss in rest:
        first = decay * first + (1 - decay) * loss
    found = json.loads((run / "loss-average.json").read_text(encoding="utf-8"))
    assert found == {"epoch": 1 + len(rest), "average": pytest.approx(first)}


def test_it_is_listed_with_its_settings(plugin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["observers"], ["parts", "observers"]):
        assert main([*command, "--plugin", str(plugin)]) == 0
        shown = capsys.readouterr().out
        assert "loss-average  The exponential moving average of the validation loss." in shown
        assert "decay = 0.5  Weight of the past." in shown
        assert "folder" not in shown, "what the bench gives is no setting"


def test_a_run(plugin: Path) -> None:
    observer = "run.observers=[{name='loss-average', decay=0.9}]"
    run = loupe.train("digits", *QUICK, observer, plugins=[str(plugin)])
    check(run.path, 0.9)
    plain = loupe.train("digits", *QUICK)
    assert is_same_weights(plain.checkpoint_file, run.checkpoint_file)


@pytest.mark.parametrize("engine", ["serial", "together", "processes"])
def test_a_study(engine: str, plugin: Path) -> None:
    study = loupe.load_study(
        {
            "name": "small",
            "question": "Does it help?",
            "recipe": "digits",
            "seeds": [0, 1],
            "set": {
                "model": {"name": "mlp", "widths": [8]},
                "data": {"fraction": 0.3, "augment": []},
                "train": {"epochs": 2, "clean_train_images": 0},
                "run": {"observers": ["loss-average"], "plugins": [str(plugin)]},
            },
            "arms": {"a": {}, "b": {"train": {"label_smoothing": 0.2}}},
        }
    )
    loupe.run_study(study, engine=engine, workers=2 if engine == "processes" else None)
    runs = [folder for folder in (plugin.parent / "studies" / "runs").iterdir() if folder.is_dir()]
    assert len(runs) == 4
    for run in runs:
        check(run)
