"""A run handed over: packed, unpacked elsewhere, verified, looked into, without its data and machine."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import loupe
from loupe import plugins
from loupe.cli import main
from loupe.errors import LoupeError, RunError, UntrustedPluginError
from loupe.runs import RunFolder, load_model
from loupe.runs.packing import pack, unpack
from loupe.using.opened_run import open_run
from loupe.using.verify_run import verify

PLUGIN = '''
from pathlib import Path

import torch
from loupe.models import register_model

Path("PLACE").write_text("the code ran")

@register_model("handed-over")
def build_own(*, in_channels, image_size, num_classes):
    """A layer of one's own."""
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, num_classes))
'''


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("packing")
    (root / "own.py").write_text(PLUGIN.replace("PLACE", str(root / "ran")))
    generator = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (root / "images" / name).mkdir(parents=True)
        for index in range(40):
            pixels = generator.integers(0, 256, (6, 6), dtype=np.uint8)
            Image.fromarray(pixels).save(root / "images" / name / f"{index}.png")
    recipe = {
        "data": {"name": "folder", "path": str(root / "images"), "validation": 0.3},
        "model": "handed-over",
    }
    quick = ("train.epochs=2", "evaluate.look_inside=false", f"run.folder={root / 'runs'}")
    return loupe.train(recipe, *quick, plugins=[str(root / "own.py")])


@pytest.fixture
def elsewhere(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another machine: without the data, without the plugin's file, where nobody trusts it."""
    root = run.path.parent.parent
    monkeypatch.chdir(tmp_path)
    assert main(["pack", str(run.path), "--out", "with.zip", "--images"]) == 0
    assert main(["pack", str(run.path), "--out", "without.zip"]) == 0
    shutil.copytree(root, tmp_path / "kept")
    monkeypatch.setattr(plugins, "_trusted_here", set())
    yield tmp_path
    for name in ("images", "own.py"):
        if not (root / name).exists():
            (tmp_path / "kept" / name).rename(root / name)


def take_away(run: RunFolder) -> None:
    root = run.path.parent.parent
    shutil.rmtree(root / "images")
    (root / "own.py").unlink()


def test_a_packed_run_verifies_and_is_looked_into_elsewhere(run: RunFolder, elsewhere: Path) -> None:
    take_away(run)
    assert main(["unpack", "with.zip", "--into", "theirs"]) == 0
    there = RunFolder(elsewhere / "theirs" / run.path.name)
    plugin = there.path / "plugins" / "own.py"
    with pytest.raises(UntrustedPluginError) as caught:
        load_model(there)
    assert caught.value.next_step == f"read it; then: loupe trust {plugin}"
    assert main(["trust", str(plugin)]) == 0
    opened = open_run(there, "cpu")
    assert len(opened.validation) == len(there.read_images().validation)
    assert len(opened.splits.test) == 0, "test images were packed"
    (found,) = verify(there.path)
    verdicts = {one.check: one.verdict for one in found.findings}
    assert found.is_sound
    assert (verdicts["weights"], verdicts["data"]) == ("sound", "unknown")
    assert main(["inspect", str(there.path), "--index", "0"]) == 0


def test_without_images_it_predicts_and_says_what_is_not_at_hand(run: RunFolder, elsewhere: Path) -> None:
    take_away(run)
    assert main(["unpack", "without.zip", "--into", "theirs"]) == 0
    there = RunFolder(elsewhere / "theirs" / run.path.name)
    plugins.trust_plugin(str(there.path / "plugins" / "own.py"))
    Image.new("L", (6, 6)).save("one.png")
    assert main(["predict", str(there.path), "one.png"]) == 0
    (found,) = verify(there.path)
    assert found.is_sound
    (found,) = verify(there.path, data=elsewhere / "kept" / "images")
    assert {one.check: one.verdict for one in found.findings}["data"] == "sound"
    with pytest.raises(LoupeError, match="There is no folder"):
        open_run(there, "cpu").validation.images  # noqa: B018


def test_an_archive_holds_one_folder_and_no_test_image(run: RunFolder, elsewhere: Path) -> None:
    with zipfile.ZipFile("with.zip") as archive:
        names = archive.namelist()
        with archive.open(f"{run.path.name}/pixels.npz") as file, np.load(file) as arrays:
            assert sorted(arrays.files) == [
                *("train_images", "train_labels", "validation_images", "validation_labels")
            ]
    assert all(name.startswith(f"{run.path.name}/") for name in names)
    assert f"{run.path.name}/plugins/own.py" in names


def test_an_altered_run_is_not_packed(run: RunFolder, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "copy")
    (tmp_path / "copy" / "history.csv").write_text("")
    with pytest.raises(RunError, match=r"history\.csv was altered or damaged after the run ended: it is not"):
        pack(RunFolder(tmp_path / "copy"), tmp_path / "copy.zip")
    assert not (tmp_path / "copy.zip").exists()


@pytest.mark.parametrize(
    "names",
    [
        ["../escaped/environment.json"],
        ["/absolute/environment.json"],
        ["run/../../escaped"],
        ["one/environment.json", "two/environment.json"],
        ["run/environment.json", "run/a/b/c/d"],
        ["run\\environment.json"],
        ["run/.lock"],
        ["alone"],
        [],
    ],
)
def test_hostile_archives_are_refused(tmp_path: Path, names: list[str]) -> None:
    with zipfile.ZipFile(tmp_path / "hostile.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    with pytest.raises(RunError):
        unpack(tmp_path / "hostile.zip", tmp_path / "runs")
    assert not (tmp_path / "escaped").exists()
    assert {path.name for path in tmp_path.iterdir()} <= {"hostile.zip", "runs"}


def test_a_strangers_plugin_runs_only_once_trusted(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """F2-12: show, compare, predict, inspect, export and a click on the page ran it."""
    root = run.path.parent.parent
    monkeypatch.setattr(plugins, "_trusted_here", set())
    for name in [name for name in plugins.sys.modules if name.startswith("loupe_plugin_")]:
        monkeypatch.delitem(plugins.sys.modules, name)
    (root / "ran").unlink()
    monkeypatch.chdir(tmp_path)
    Image.new("L", (6, 6)).save("one.png")
    other = tmp_path / "other"
    shutil.copytree(run.path, other)
    assert main(["list", str(run.path.parent)]) == 0
    assert main(["compare", str(run.path), str(other)]) == 0, "reading needs no plugin"
    assert main(["verify", str(run.path)]) == 0
    for verb in (
        ["show", str(run.recipe_file)],
        ["train", str(run.recipe_file)],
        ["predict", str(run.path), "one.png"],
        ["inspect", str(run.path)],
        ["export", str(run.path), "--format", "torch"],
    ):
        capsys.readouterr()
        assert main(verb) == 1, verb
        assert "is code that has not been trusted yet" in capsys.readouterr().err
    assert not (root / "ran").exists(), "the code ran"
    assert main(["trust", str(root / "own.py")]) == 0
    assert main(["predict", str(run.path), "one.png"]) == 0
    assert (root / "ran").exists()


def test_a_changed_plugin_is_refused_at_every_way_in(run: RunFolder, tmp_path: Path) -> None:
    """F2-1: inspect and load_model went on silently, 0.0 % instead of 70.0 %."""
    from loupe.using.classifier import open_classifier
    from loupe.using.export_run import export_run, write_model_card
    from loupe.using.inspect_run import inspect_run

    plugin = Path(run.read_recipe().run.plugins[0])
    before = plugin.read_text()
    Image.new("L", (6, 6)).save(tmp_path / "one.png")
    try:
        plugin.write_text(before + "\n# another\n")
        for way in (
            lambda: load_model(run),
            lambda: inspect_run(run.path, out=tmp_path),
            lambda: export_run(run.path, "torch", tmp_path),
            lambda: write_model_card(run.path, tmp_path),
            lambda: open_classifier(run.path),
            lambda: open_run(run),
            lambda: loupe.predict(run.path, tmp_path / "one.png"),
        ):
            with pytest.raises(RunError, match=r"The plugins of run .* changed since it was trained"):
                way()
    finally:
        plugin.write_text(before)
