"""Networks as files that need no Loupe: compared with the network on real images, opened without torch."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

import loupe
from loupe.data import Dataset, load_dataset
from loupe.errors import LoupeError, RunError
from loupe.exporting import EXPORT_FORMATS, parity
from loupe.exporting.formats import torch_file
from loupe.exporting.formats.torch_file import METADATA
from loupe.models import MODELS
from loupe.runs import RunFolder
from loupe.using.classifier import open_classifier
from loupe.using.export_run import Export, export_run
from tests.conftest import needs_official_data
from tests.quick_runs import Train

pytestmark = pytest.mark.thorough

FORMS = tuple(EXPORT_FORMATS)
QUICK = ("train.epochs=1", "data.fraction=0.2", "evaluate.look_inside=false", "evaluate.test=false")
NETWORKS = {
    "cnn": "{name='cnn', conv_layers=4, width=1}",
    "mlp": "mlp",
    "resnet": "{name='resnet', depth=20}",
    "resnet handwritten": "{name='resnet', depth=20, layers='handwritten', pool='max'}",
    "six-block": "{name='six-block', width=0.1}",
    "expert-net maps": "{name='expert-net', blocks=2, width=8, mixing='maps'}",
    "expert-net kernels": "{name='expert-net', blocks=2, width=8, mixing='kernels'}",
    "fast-net": "{name='fast-net', widths=[8, 16]}",
    "autoencoder": "{name='autoencoder', widths=[8]}",
    "mobile-net": "{name='mobile-net', width=0.1}",
    "vision-transformer": "{name='vision-transformer', width=24, depth=2}",
}

WITHOUT_TORCH = """
import sys
sys.modules["torch"] = sys.modules["loupe"] = None  # importing either now fails
import json
import numpy as np
import onnxruntime

try:
    import torch
except ImportError:
    pass
else:
    raise SystemExit("torch was there")
session = onnxruntime.InferenceSession(sys.argv[1])
known = np.load(sys.argv[2])
logits, probabilities = session.run(None, {"images": known["images"]})
same = bool((logits.argmax(1) == known["logits"].argmax(1)).all())
names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])
print(json.dumps([len(logits), float(np.abs(logits - known["logits"]).max()), same, names,
                  float(np.abs(probabilities.sum(1) - 1).max())]))
"""


def test_every_registered_model_is_tried() -> None:
    ours = {name for name in MODELS if MODELS.get(name).__module__.startswith("loupe.models")}
    assert {name.split()[0] for name in NETWORKS} == ours - {"timm"}  # whose networks are others' work


_SLOW = ("resnet", "resnet handwritten", "six-block", "expert-net maps")


@pytest.mark.thorough
@pytest.mark.parametrize(
    "network", [pytest.param(name, marks=[pytest.mark.slow] * (name in _SLOW)) for name in NETWORKS]
)
def test_every_network_gives_in_both_forms_what_it_gives_here(network: str, tmp_path: Path) -> None:
    overrides = [f"model={NETWORKS[network]}", "data.name=digits", "data.validation=200", *QUICK]
    unit = ["data.normalize=unit"] if network == "autoencoder" else []
    run = loupe.train({"name": "taken-out"}, *overrides, *unit, f"run.folder={tmp_path / 'runs'}")
    for form in FORMS:
        export = export_run(run.path, form, tmp_path)
        assert export.file == tmp_path / f"taken-out{EXPORT_FORMATS.facts(form)['suffix']}"
        assert export.parity.num_images == 200
        assert export.parity.largest_difference < 1e-4
        assert export.parity.num_other_answers == 0
        assert b"loupe/models" not in export.file.read_bytes(), "places on this machine are in the file"
    assert {file.name for file in tmp_path.iterdir()} == {
        *("runs", "taken-out.onnx", "taken-out.pt2", "model-card.md", "model-card-pt2.md")
    }


def run_without_torch(file: Path, run: RunFolder, images: Tensor, folder: Path) -> list:
    known = folder / "known.npz"
    logits = open_classifier(run.path, device="cpu").compute_logits(images)
    np.savez(known, images=images.numpy(), logits=logits.numpy())
    command = [sys.executable, "-c", WITHOUT_TORCH, str(file), str(known)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout)


def test_onnxruntime_alone_gives_the_same_on_a_thousand_real_images(
    run: RunFolder, exported: dict[str, Export], digits: Dataset, tmp_path: Path
) -> None:
    images = digits.train.images[:1000]
    found = run_without_torch(exported["onnx"].file, run, images, tmp_path)
    num_images, difference, is_same, names, off_one = found
    assert (num_images, is_same) == (1000, True)
    assert difference < 1e-4
    assert off_one < 1e-5
    assert names == [str(digit) for digit in range(10)]


@pytest.mark.slow
@needs_official_data
def test_and_on_fashion_mnist(tmp_path: Path) -> None:
    run = loupe.train("fashion-cnn-full", *QUICK, f"run.folder={tmp_path / 'runs'}", "data.fraction=0.02")
    export = export_run(run.path, "onnx", tmp_path)
    assert export.parity.num_images == 1000
    images = load_dataset("fashion-mnist").train.images[:1000]
    num_images, difference, is_same, *_ = run_without_torch(export.file, run, images, tmp_path)
    assert (num_images, is_same) == (1000, True)
    assert difference < 1e-4


def read_metadata(export: Export) -> dict[str, str]:
    if export.file.suffix == ".onnx":
        return onnxruntime.InferenceSession(str(export.file)).get_modelmeta().custom_metadata_map
    extra = {METADATA: ""}
    torch.export.load(export.file, extra_files=extra)
    return json.loads(extra[METADATA])


def test_a_place_is_text_or_a_path(run: RunFolder, tmp_path: Path) -> None:
    assert export_run(run.path, out=str(tmp_path / "own.onnx")).file == tmp_path / "own.onnx"
    (tmp_path / "folder").mkdir()
    assert export_run(run.path, out=str(tmp_path / "folder")).file.parent == tmp_path / "folder"
    with pytest.raises(LoupeError, match="another ending"):
        export_run(run.path, out=str(tmp_path / "own.txt"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.filterwarnings("ignore")  # torch's own on reading
def test_the_file_says_what_it_is(form: str, run: RunFolder, exported: dict[str, Export]) -> None:
    metadata, result = read_metadata(exported[form]), run.read_result()
    assert json.loads(metadata["class_names"]) == [str(digit) for digit in range(10)]
    assert metadata["recipe"] == run.read_recipe().to_toml()
    assert json.loads(metadata["image_size"]) == [8, 8]
    assert metadata["loupe_version"] == loupe.__version__
    assert metadata["resize"].startswith("none known")
    assert metadata["input"] == "uint8 (batch, channels, height, width), levels 0 to 255, grey"
    test = json.loads(metadata["test"])
    assert test["accuracy"] == result.best.test.accuracy
    assert test["interval"] == {
        "low": result.best.test.interval.low,
        "high": result.best.test.interval.high,
        "confidence": 0.95,
    }
    assert json.loads(metadata["test_looks"]) == 1
    normalization = open_classifier(run.path).normalization
    assert json.loads(metadata["normalization"]) == {
        "mean": list(normalization.mean),
        "std": list(normalization.std),
    }


def test_the_onnx_graph_takes_bytes_in_batches_of_any_size(exported: dict[str, Export]) -> None:
    session = onnxruntime.InferenceSession(str(exported["onnx"].file))
    (images,) = session.get_inputs()
    assert (images.name, images.type, images.shape) == ("images", "tensor(uint8)", ["batch", 1, 8, 8])
    outputs = session.get_outputs()
    assert [(one.name, one.shape) for one in outputs] == [
        *(("logits", ["batch", 10]), ("probabilities", ["batch", 10]))
    ]
    for count in (1, 2, 701):
        logits, _ = session.run(None, {"images": np.zeros((count, 1, 8, 8), dtype=np.uint8)})
        assert logits.shape == (count, 10)


# what is written goes wrong, and is found out


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_gives_something_else_is_removed(
    form: str, run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The normalisation of the graph is off by less than a hundredth of a level."""
    write = torch.export.export

    def spoil(module: nn.Module, *args: object, **settings: object) -> object:
        module.shift += 0.01 / 255
        return write(module, *args, **settings)

    monkeypatch.setattr(torch.export, "export", spoil)
    with pytest.raises(LoupeError, match=r"does not give what the network gives(.|\n)*largest difference of"):
        export_run(run.path, form, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_file_outlives_one_that_is_wrong(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = export_run(run.path, "torch", tmp_path).file
    before = file.read_bytes()
    monkeypatch.setattr(torch_file, "run_torch", lambda *_: (torch.full((200, 10), torch.nan),) * 2)
    with pytest.raises(LoupeError, match="a largest difference of inf"):
        export_run(run.path, "torch", tmp_path)
    monkeypatch.setattr(torch_file, "run_torch", fail)
    with pytest.raises(LoupeError, match=r"cannot be run, and was removed(.|\n)*got: RuntimeError: broken"):
        export_run(run.path, "torch", tmp_path)
    assert file.read_bytes() == before


def fail(*_: object) -> None:
    raise RuntimeError("broken\nfurther lines")


def test_another_answer_is_found_even_within_rounding() -> None:
    expected = torch.tensor([[0.0, 0.00001], [1.0, 0.0]])
    found = torch.tensor([[0.00002, 0.00001], [1.0, 0.0]])
    outcome = parity.Parity(2, float((found - expected).abs().max()), 1)
    assert not outcome.is_kept
    assert parity.Parity(2, 9e-5, 0).is_kept
    assert not parity.Parity(2, 1e-4, 0).is_kept


def test_missing_packages_are_named(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(LoupeError, match=r"got: no onnxscript(.|\n)*pip install 'loupe-bench\[export\]'"):
        export_run(run.path, "onnx")


PLUGIN = '''
from torch import nn
from loupe import register_model


class Moody(nn.Module):
    def __init__(self, pixels, num_classes):
        super().__init__()
        self.dense = nn.Linear(pixels, num_classes)

    def forward(self, images):
        logits = self.dense(images.flatten(1))
        return logits if float(logits.detach().sum()) > 0 else 2 * logits


@register_model("moody")
def moody(*, in_channels: int, image_size: tuple[int, int], num_classes: int) -> nn.Module:
    """Decides by the values it sees."""
    return Moody(in_channels * image_size[0] * image_size[1], num_classes)
'''


@pytest.mark.parametrize("form", FORMS)
def test_a_network_that_cannot_be_traced_is_refused(form: str, tmp_path: Path) -> None:
    (tmp_path / "moody.py").write_text(PLUGIN)
    plugins, overrides = [str(tmp_path / "moody.py")], (*QUICK, f"run.folder={tmp_path / 'runs'}")
    run = loupe.train("digits", "model={name='moody'}", *overrides, plugins=plugins)
    with pytest.raises(LoupeError, match=r"This network cannot be exported(.|\n)*got: \w+"):
        export_run(run.path, form, tmp_path)
    assert not list(tmp_path.glob("digits*"))


def test_runs_and_places_that_do_not_fit(train: Train, run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(LoupeError, match=r"got: net\.pt2(.|\n)*ends in \.onnx(.|\n)*next: --out .*net\.onnx"):
        export_run(run.path, "onnx", tmp_path / "net.pt2")
    unfinished = train("train.epochs=1")
    unfinished.result_file.unlink()
    with pytest.raises(RunError, match="has no result yet: its network would go out without its figures"):
        export_run(unfinished.path, "torch")


# the model card
