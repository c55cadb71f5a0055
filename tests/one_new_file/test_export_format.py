"""An export format is one new file: listed, written, compared with its network, described by a card."""

from pathlib import Path

import numpy as np
import pytest
import torch

import loupe
from loupe.cli import main
from loupe.errors import LoupeError
from loupe.plugins import load_plugin
from loupe.running.training_setup import load_validation_images
from loupe.runs import RunFolder
from loupe.using.classifier import open_classifier
from loupe.using.export_run import export_run
from tests.quick_runs import QUICK

pytestmark = pytest.mark.thorough

PLUGIN = '''
"""A perceptron as arrays of numpy."""

import numpy as np
import torch

from loupe import register_export_format
from loupe.exporting import Use


@register_export_format("arrays", suffix=".npz", runtime="numpy")
class Arrays:
    """The weights of dense layers with ReLU between them as arrays, for numpy alone."""

    def __init__(self, fault: float = FAULT) -> None:
        self.fault = fault

    def write(self, file, program, outputs, metadata):
        state = {name: tensor.detach().numpy() for name, tensor in program.state_dict.items()}
        weights = [one for name, one in state.items() if name.endswith("weight")]
        biases = [one + self.fault for name, one in state.items() if name.endswith("bias")]
        layers = {f"w{i}": one for i, one in enumerate(weights)}
        layers |= {f"b{i}": one for i, one in enumerate(biases)}
        np.savez(file, scale=state["scale"], shift=state["shift"], about=metadata["class_names"], **layers)

    def run(self, file, images, batch_size):
        with np.load(file) as held:
            x = (images.numpy() * held["scale"] + held["shift"]).reshape(len(images), -1).astype(np.float32)
            for i in range(sum(name.startswith("w") for name in held)):
                x = (np.maximum(x, 0) if i else x) @ held[f"w{i}"].T + held[f"b{i}"]
        logits = torch.from_numpy(x)
        return logits, logits.softmax(1)

    def show_use(self, name, *, is_classifier):
        return Use(("import numpy as np",), (f'held = np.load("{name}")',))
'''


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one file, in a folder that is otherwise empty."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "arrays.py"
    path.write_text(PLUGIN.replace("FAULT", "0.0"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    overrides = [one for one in QUICK if not one.startswith("model")]
    place = f"run.folder={tmp_path_factory.mktemp('runs')}"
    return loupe.train("digits", *overrides, "model={name='mlp', widths=[16]}", place)


def test_it_is_listed(plugin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["export-formats"], ["parts", "export-formats"]):
        assert main([*command, "--plugin", str(plugin)]) == 0
        shown = capsys.readouterr().out
        assert "arrays  The weights of dense layers with ReLU between them as arrays" in shown
        assert "suffix .npz, runtime numpy" in shown


def test_it_is_written_compared_and_described(
    plugin: Path, run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(run.path), "--format", "arrays", "--plugin", str(plugin)]) == 0
    shown = capsys.readouterr().out
    assert "compared on 200 validation images: largest difference " in shown
    (file,) = (plugin.parent / "exports").rglob("*.npz")
    images = load_validation_images(run).images
    with np.load(file) as held:
        pixels = images.numpy() * held["scale"] + held["shift"]
        hidden = np.maximum(pixels.reshape(len(images), -1) @ held["w0"].T + held["b0"], 0)
        logits = hidden @ held["w1"].T + held["b1"]
    expected = open_classifier(run.path, device="cpu").compute_logits(images)
    torch.testing.assert_close(torch.from_numpy(logits).float(), expected, atol=1e-4, rtol=1e-4)
    card = file.with_name("model-card.md").read_text(encoding="utf-8")
    assert f"`{file.name}` needs numpy, and no Loupe." in card
    assert f'held = np.load("{file.name}")' in card
    assert "Compared with the network in float32 over 200 validation images" in card


def test_a_file_that_gives_something_else_is_not_kept(plugin: Path, run: RunFolder) -> None:
    plugin.write_text(PLUGIN.replace("FAULT", "0.01"), encoding="utf-8")
    load_plugin(str(plugin))
    with pytest.raises(LoupeError, match="does not give what the network gives, and was removed"):
        export_run(run.path, "arrays", plugin.parent)
    assert list(plugin.parent.glob("*.npz")) == []


def test_a_format_that_does_not_exist(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(run.path), "--format", "onxx"]) == 1
    shown = capsys.readouterr().err
    assert "did you mean: onnx" in shown
    assert "`loupe export-formats` lists them" in shown
