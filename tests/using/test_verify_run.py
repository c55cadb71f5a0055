"""`loupe verify` finds what was changed in a run folder, and passes what was not."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import loupe
from loupe.cli import main
from loupe.errors import RunError
from loupe.plugins import trust_plugin
from loupe.runs import RunFolder
from loupe.runs.evidence import read_digests, renew_digests
from loupe.using.verify_run import verify
from tests.quick_runs import QUICK, Train, forget_plugins

PLUGIN = '''
import torch
from loupe.models import register_model

@register_model("own")
def build_own(*, in_channels, image_size, num_classes):
    """A layer of one's own."""
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, num_classes))
'''


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("verify")
    (root / "own.py").write_text(PLUGIN)
    generator = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (root / "images" / name).mkdir(parents=True)
        for index in range(60):
            pixels = generator.integers(0, 200, (8, 8), dtype=np.uint8) + (50 if name == "dog" else 0)
            Image.fromarray(pixels.astype(np.uint8)).save(root / "images" / name / f"{index}.png")
    recipe = {"data": {"name": "folder", "path": str(root / "images"), "validation": 0.3}, "model": "own"}
    quick = ("train.epochs=3", "evaluate.track_examples=10", "evaluate.look_inside=false")
    return loupe.train(recipe, *quick, f"run.folder={root / 'runs'}", plugins=[str(root / "own.py")])


@pytest.fixture(autouse=True)
def _trusted(finished: RunFolder) -> None:
    """Each test has a state folder of its own, where nobody has trusted anything yet."""
    trust_plugin(str(finished.path.parents[1] / "own.py"))


@pytest.fixture
def run(finished: RunFolder, tmp_path: Path) -> RunFolder:
    shutil.copytree(finished.path, tmp_path / "copy")
    return RunFolder(tmp_path / "copy")


def altered(run: RunFolder) -> list[str]:
    (found,) = verify(run.path)
    return [f"{one.check}: {one.found}" for one in found.findings if one.verdict == "altered"]


def test_a_sound_run_passes(finished: RunFolder, run: RunFolder) -> None:
    assert altered(run) == []
    (found,) = verify(run.path)
    verdicts = {one.check: one.verdict for one in found.findings}
    assert {"files", "recipe", "figures", "images", "data", "weights"} <= set(verdicts)
    unknown = [name for name, verdict in verdicts.items() if verdict == "unknown"]
    assert unknown == ["looks"], "the ledger knows another folder"
    assert main(["verify", str(run.path)]) == 0


def test_every_flipped_bit_is_found(run: RunFolder) -> None:
    files = [file for file in run.path.rglob("*") if file.is_file() and file.name not in (".lock",)]
    assert len(files) >= 14
    for file in files:
        before = file.read_bytes()
        content = bytearray(before)
        content[len(content) // 2] ^= 4
        file.write_bytes(content)
        assert altered(run), f"nobody saw a flipped bit in {file.name}"
        file.write_bytes(before)
    assert altered(run) == []


@pytest.mark.thorough
def test_every_missing_file_is_found(run: RunFolder) -> None:
    for file in [file for file in run.path.rglob("*") if file.is_file() and file.name != ".lock"]:
        before = file.read_bytes()
        file.unlink()
        if file == run.environment_file:  # without it, it is no run
            with pytest.raises(RunError, match="no run"):
                verify(run.path)
        else:
            assert altered(run), f"nobody missed {file.name}"
        file.write_bytes(before)


def forge(run: RunFolder) -> None:
    """Write the digests anew, as somebody does who wants to be believed."""

    digests = read_digests(run.path)
    assert digests is not None
    renew_digests(run.path, [run.path / name for name in digests if not digests[name].may_grow])


def edit_result(run: RunFolder, change: Callable[[dict], object]) -> None:
    values = json.loads(run.result_file.read_text())
    change(values)
    run.result_file.write_text(json.dumps(values))
    forge(run)


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values["best"]["test"].update(accuracy=0.9999),
        lambda values: values["best"]["validation"].update(loss=0.01),
        lambda values: values["best"]["test"]["interval"].update(low=0.76, high=0.85),
        lambda values: values["best"].update(epoch=values["best"]["epoch"] % 3 + 1),
        lambda values: values["num_images"].update(test=1000),
        lambda values: values.update(test_openings=[{"reason": "never", "at": "2026"}]),
    ],
)
def test_an_edited_figure_is_found_even_with_new_digests(run: RunFolder, change: Callable) -> None:
    """F2-2: accuracy 0.9999 with an interval of 76 to 85 % was shown as fact."""
    edit_result(run, change)
    assert altered(run)


def test_other_weights_are_found_even_with_new_digests(run: RunFolder) -> None:
    weights = load_file(run.best_file)
    with safe_open(run.best_file, framework="pt") as file:
        metadata = file.metadata()
    save_file({name: -tensor for name, tensor in weights.items()}, run.best_file, metadata=metadata)
    forge(run)
    (found,) = altered(run)
    assert found.startswith("weights: the stored predictions are not those of the weights")


def test_an_edited_recipe_is_found_even_with_new_digests(run: RunFolder) -> None:
    run.recipe_file.write_text(run.recipe_file.read_text().replace("epochs = 3", "epochs = 300"))
    forge(run)
    assert any(one.startswith("recipe: ") for one in altered(run))


def test_emptied_looks_are_found_even_with_new_digests(run: RunFolder) -> None:
    run.openings_file.write_text("")
    run.digests_file.unlink()
    assert any(one.startswith("looks: ") for one in altered(run))


def test_a_changed_plugin_is_found_and_not_run(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (plugin,) = run.read_recipe().run.plugins
    before = Path(plugin).read_text()
    try:
        Path(plugin).write_text(before + f"\nopen({str(tmp_path / 'was-run')!r}, 'w')\n")
        (found,) = altered(run)
        assert found == f"plugin {plugin}: another content than when the run was trained"
        assert not (tmp_path / "was-run").exists()
        assert main(["verify", str(run.path), "--json"]) == 1
        (told,) = json.loads(capsys.readouterr().out)
        assert told["is_sound"] is False
    finally:
        Path(plugin).write_text(before)


def test_other_data_is_found_and_moved_data_is_not(run: RunFolder, tmp_path: Path) -> None:
    images = Path(run.read_recipe().data.settings["path"])
    moved = tmp_path / "moved"
    shutil.copytree(images, moved)
    (found,) = verify(run.path, data=moved)
    assert found.is_sound
    (moved / "cat" / "more.png").write_bytes((moved / "dog" / "0.png").read_bytes())
    Image.new("L", (8, 8), 3).save(moved / "dog" / "more.png")
    (found,) = verify(run.path, data=moved)
    assert found.is_sound
    assert any("others are there that it did not use" in one.found for one in found.findings)
    victim = run.read_images().validation.paths[0]
    Image.new("L", (8, 8), 77).save(moved / victim)
    (found,) = verify(run.path, data=moved)
    assert [one.found for one in found.findings if one.verdict == "altered"] == [
        f"images of the run are no longer in its data: 1 of {len(run.read_images().validation)} validation"
    ]


@pytest.mark.thorough
def test_the_ledger_is_held_against_the_record(train: Train) -> None:
    run = train()
    (found,) = verify(run.path)
    assert {one.check: one.verdict for one in found.findings}["looks"] == "sound"
    run.openings_file.write_text("")
    renew_digests(run.path, [run.openings_file])
    assert any("lacks looks" in one for one in altered(run))


@pytest.mark.thorough
def test_a_series_is_verified_seed_by_seed(tmp_path: Path) -> None:
    series = loupe.train("digits", *QUICK, "run.seeds=[0,1]", f"run.folder={tmp_path}")
    assert [one.run.name for one in verify(series.path)] == ["seed-0", "seed-1"]
    assert all(one.is_sound for one in verify(series.path))


@pytest.mark.slow
def test_a_hundred_sound_runs_pass(tmp_path: Path) -> None:
    """Of several kinds: classifiers, autoencoders, with further metrics, transferred, continued."""
    kinds = [
        (),
        ("model=mlp",),
        ("model=autoencoder", "data.normalize=unit", "data.augment=[]", "train.label_smoothing=0"),
        ("evaluate.test=false",),
        ("evaluate.tta=none", "evaluate.show_test_picking=true"),
        ("train.average_decay=0.9",),
        ("data.classes=[1,2,3]",),
        ("evaluate.metrics=['macro_f1', 'balanced_accuracy']",),
        ("train.channels_last=true",),
        ("evaluate.track_examples=20",),
        ("transfer={first}", "transfer.head=copied"),
        ("run.continues={first}", "train.epochs=2", "run.seed=0"),
    ]
    first = ""
    for number in range(100):
        quick = (
            *QUICK[1:],
            "train.epochs=1",
            f"run.seed={number}",
            f"run.folder={tmp_path}",
            "run.threads=1",
        )
        kind = [one.format(first=first) for one in kinds[number % len(kinds)]]
        run = loupe.train("digits", *quick, *kind)
        first = first or str(run.path)
        (found,) = verify(run.path)
        assert found.is_sound, found
        assert not [one for one in found.findings if one.verdict == "unknown"]


DATASET_PLUGIN = """
import torch
from typing import Annotated
from pydantic import Field
from loupe.data import ImageDataset, SourceImages, load_dataset, register_augmentation, register_dataset

@register_dataset("k49", image_shape=(1, 8, 8), num_classes=10, origin="scikit-learn's digits")
def load_k49() -> SourceImages:
    "Digits by another name."
    digits = load_dataset("digits")
    return SourceImages(train=digits.train, test=digits.test.open("a dataset of its own"))

@register_augmentation("as-it-is")
class AsItIs:
    "Images left alone."
    def draw(self, images, generator):
        return torch.zeros(len(images))
    def apply(self, images, draw):
        return images
"""


@pytest.mark.thorough
@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_run_of_a_plugins_dataset_is_checked_in_a_new_process(
    tmp_path: Path, is_trusted: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin = tmp_path / "k49.py"
    plugin.write_text(DATASET_PLUGIN)
    changes = (*QUICK, "data.name=k49", 'data.augment=["as-it-is"]', f"run.folder={tmp_path / 'runs'}")
    run = loupe.train("digits", *changes, plugins=[str(plugin)])
    forget_plugins()
    if not is_trusted:
        monkeypatch.setattr("loupe.plugins._trusted_here", set())
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    capsys.readouterr()
    assert main(["verify", str(run.path)]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    (found,) = verify(run.path)
    verdicts = {one.check: one.verdict for one in found.findings}
    if is_trusted:
        assert set(verdicts.values()) == {"sound"}
        assert {"recipe", "data", "weights"} <= set(verdicts)
        assert first == f"{run.path}: nothing altered"
        return
    assert verdicts["recipe"] == verdicts["data"] == "unknown"
    assert first.startswith(f"{run.path}: nothing found altered, but not known: recipe")
    told = [one.found for one in found.findings if one.check == "data"]
    assert told == [
        f"not checked: The plugin {plugin} is code that has not been trusted yet. "
        f"Read it; then: loupe trust {plugin}"
    ]
