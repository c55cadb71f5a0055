"""A plugin that changed: what only looks may, at every verb, and is told; what decides numbers may not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import loupe
from loupe.cli import main
from loupe.errors import LoupeError, RunError, TrainingError
from loupe.plugins import trust_plugin
from loupe.runs import RunFolder, list_run_folders
from loupe.using.evaluate_run import evaluate_run
from loupe.using.verify_run import verify
from tests.quick_runs import QUICK, forget_plugins

LOOKS = """
from loupe import register_evaluation, register_metric
from loupe.evaluations import Finding

calls = 0

@register_evaluation("tri", title="Three")
def tri(answers) -> Finding:
    "Says three."
    return Finding("It is three.")

@register_metric("breaking", unit="", better="higher")
def breaking(predicted, labels) -> float:
    "Breaks at the second epoch."
    global calls
    calls += 1
    if calls == 2:
        raise IndexError("a bug")
    return float((predicted == labels).sum())
"""
MENDED = LOOKS.replace("if calls == 2", "if False")
MODEL = """
import torch
from loupe import register_model

@register_model("plain-own")
def plain(*, in_channels, image_size, num_classes):
    "One layer."
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, num_classes))
"""


@pytest.fixture(autouse=True)
def _own_plugins() -> Iterator[None]:
    forget_plugins()
    yield
    forget_plugins()


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    place = tmp_path / "tri.py"
    place.write_text(MENDED)
    return place


def train(tmp_path: Path, plugin: Path, *overrides: str) -> RunFolder:
    return loupe.train("digits", *QUICK, f"run.folder={tmp_path / 'runs'}", *overrides, plugins=[str(plugin)])


@pytest.mark.thorough
def test_a_changed_evaluation_is_used_as_it_is_and_that_is_said(
    tmp_path: Path, plugin: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = train(tmp_path, plugin)
    forget_plugins()
    plugin.write_text(MENDED.replace("It is three.", "It is four."))
    with pytest.raises(RunError, match=r"changed since it was trained(.|\n)*loupe trust .*tri\.py"):
        evaluate_run(run.path)  # nobody has said that the new text may run
    assert main(["evaluate", str(run.path), "--plugin", str(plugin)]) == 0
    told = capsys.readouterr()
    assert "It is four." in told.out
    assert f"warning: the plugin {plugin} changed since the run was started" in told.err
    assert "(metric breaking, evaluation tri)" in told.err or "(evaluation tri, metric breaking)" in told.err
    assert main(["export", str(run.path), "--format", "card", "--out", str(tmp_path / "card.md")]) == 0
    (found,) = verify(run.path)
    assert found.is_sound
    (of_plugin,) = [one for one in found.findings if one.check.startswith("plugin")]
    assert of_plugin.verdict == "unknown"
    assert "but not known: " in found.describe()
    assert str(plugin) in found.describe()


def test_a_changed_network_is_refused_even_if_trusted(tmp_path: Path) -> None:
    plugin = tmp_path / "own.py"
    plugin.write_text(MODEL + MENDED)
    run = train(tmp_path, plugin, "model={name='plain-own'}")
    forget_plugins()
    plugin.write_text(MODEL + MENDED + "# a comment\n")
    trust_plugin(str(plugin))
    with pytest.raises(RunError, match="changed since it was trained"):
        evaluate_run(run.path)
    (found,) = verify(run.path)
    assert not found.is_sound
    assert found.describe() == "ALTERED"
    longer = ("train.epochs=4", "model={name='plain-own'}")
    with pytest.raises(RunError, match="other plugins than it was trained with"):
        train(tmp_path, plugin, *longer, f"run.continues={run.path}")


def test_a_run_that_a_metric_broke_off_is_resumed_with_the_mended_one(tmp_path: Path, plugin: Path) -> None:
    plugin.write_text(LOOKS)
    line = LOOKS.splitlines().index('        raise IndexError("a bug")') + 1
    with pytest.raises(TrainingError, match="Metric 'breaking' cannot be computed") as caught:
        train(tmp_path, plugin, "evaluate.select_by=breaking")
    assert caught.value.next_step == f"mend tri.py, line {line} ({plugin})"
    (path,) = list_run_folders(tmp_path / "runs")
    run = RunFolder(path)
    result = run.read_result()
    assert result is not None
    assert result.status == "failed"
    assert f"tri.py, line {line}" in run.log_file.read_text(encoding="utf-8")
    forget_plugins()
    plugin.write_text(MENDED + "# mended\n")  # trust is by content: no other test has said this may run
    with pytest.raises(LoupeError, match="has not been trusted yet"):
        loupe.resume(path)
    trust_plugin(str(plugin))
    loupe.resume(path)
    result = run.read_result()
    assert result is not None
    assert result.status == "finished"
    said = " ".join(result.warnings)
    assert f"Resumed with another content of a plugin: the plugin {plugin} changed" in said
    assert "It picks the best epoch; epochs before were judged by it as it was." in said
    assert "An earlier session of this run failed: Metric 'breaking' cannot be computed." in said
    assert "Resumed with another content of a plugin" in run.report_file.read_text(encoding="utf-8")


def test_a_longer_training_may_have_another_metric_too(tmp_path: Path, plugin: Path) -> None:
    run = train(tmp_path, plugin)
    forget_plugins()
    plugin.write_text(MENDED + "# a comment\n")
    longer = train(tmp_path, plugin, "train.epochs=4", f"run.continues={run.path}")
    assert len(longer.read_history()) == 4
