"""What is done to training images on purpose, and classes that were changed: told apart by every verb."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import loupe
from loupe.cli import main
from loupe.data.identity import to_keys
from loupe.data.manifest import read_manifest
from loupe.errors import RunError
from loupe.running.describe_data import write_card
from loupe.running.recipe_data import load_run_splits
from loupe.runs import RunFolder
from loupe.studies.loading import load_study
from loupe.studies.run import run_study
from loupe.using.verify_run import verify
from tests.quick_runs import StopAfter, is_same_weights

pytestmark = pytest.mark.thorough

NAMES = ("cat", "dog", "owl")
ON_PURPOSE = ("data.long_tail=4", "data.label_noise={share=0.25}")
QUICK = ("train.epochs=2", "evaluate.look_inside=false", "run.threads=1")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("labels")
    generator = np.random.default_rng(0)
    for index in range(300):
        path = root / "images" / NAMES[index % 3] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (6, 6), dtype=np.uint8)).save(path)
    return root


def train(root: Path, *overrides: str, **more: object) -> RunFolder:
    recipe = {
        "data": {"name": "folder", "path": str(root / "images")},
        "model": {"name": "mlp", "widths": [4]},
    }
    return loupe.train(recipe, *QUICK, f"run.folder={root / 'runs'}", *overrides, **more)


@pytest.fixture(scope="module")
def plain(root: Path) -> RunFolder:
    return train(root)


@pytest.fixture(scope="module")
def harder(root: Path) -> RunFolder:
    return train(root, *ON_PURPOSE)


def list_verdicts(run: RunFolder, data: Path | None = None) -> dict[str, tuple[str, str]]:
    (found,) = verify(run.path, data=data)
    return {one.check: (one.verdict, one.found) for one in found.findings}


def read_true_labels(run: RunFolder, side: str) -> tuple[list[str], list[str]]:
    """Return the classes of a side's images by the folders their files lie in, and those the run recorded."""
    table = run.read_images().table(side)
    return [path.split("/")[0] for path in table.paths], [NAMES[label] for label in table.labels.tolist()]


def hold_untouched(run: RunFolder, plain: RunFolder) -> None:
    """Check that a run's test and validation images are those of a plain run, under their own classes."""
    for side in ("validation", "test"):
        true, recorded = read_true_labels(run, side)
        assert true == recorded
        pair = run.read_images().table(side), plain.read_images().table(side)
        assert to_keys(pair[0].digests) == to_keys(pair[1].digests)
        assert run.read_predictions()[side].labels.tolist() == pair[0].labels.tolist()


def test_test_images_are_never_touched(harder: RunFolder, plain: RunFolder) -> None:
    hold_untouched(harder, plain)
    true, recorded = read_true_labels(harder, "train")
    wrong = sum(one != other for one, other in zip(true, recorded, strict=True))
    assert wrong == sum(round(0.25 * true.count(name)) for name in NAMES)
    assert len(true) < len(plain.read_images().train)
    assert set(harder.read_images().train.paths) <= set(plain.read_images().train.paths)


def test_it_verifies(harder: RunFolder) -> None:
    verdicts = list_verdicts(harder)
    assert {verdict for verdict, _ in verdicts.values()} <= {"sound", "unknown"}
    for check in ("data", "weights", "images", "figures", "recipe"):
        assert verdicts[check][0] == "sound", verdicts[check]
    assert "pixel by pixel, under its class; " in verdicts["data"][1]


@pytest.mark.parametrize("kind", ["harder", "plain"])
def test_classes_that_were_changed_in_the_data_are_found(
    kind: str, request: pytest.FixtureRequest, root: Path, tmp_path: Path
) -> None:
    """A file moved from one class to another left every digest as it was, and was called sound."""
    run: RunFolder = request.getfixturevalue(kind)
    for side in ("train", "validation", "test"):
        data = Path(shutil.copytree(root / "images", tmp_path / side))
        victims = [path for path in run.read_images().table(side).paths if path.startswith("cat/")][:2]
        for path in victims:
            (data / path).rename(data / "dog" / f"moved-{Path(path).name}")
        verdict, found = list_verdicts(run, data)["data"]
        assert verdict == "altered", side
        assert f" {side}" in found
        assert list_verdicts(run, data)["weights"][0] == "sound"


def test_a_renamed_class_and_moved_files_are_told_apart(plain: RunFolder, root: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(root / "images", tmp_path / "renamed-files"))
    for number, path in enumerate(sorted(data.rglob("*.png"))):
        path.rename(path.with_name(f"other-{number}.png"))
    assert list_verdicts(plain, data)["data"][0] == "sound"
    (data / "owl").rename(data / "ant")
    verdict, found = list_verdicts(plain, data)["data"]
    assert verdict == "altered"
    assert "under another class" in found


def test_it_is_packed_and_looked_into_elsewhere(
    harder: RunFolder, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["pack", str(harder.path), "--images", "--out", "run.zip"]) == 0
    assert main(["unpack", "run.zip", "--into", "theirs"]) == 0
    there = RunFolder(tmp_path / "theirs" / harder.path.name)
    splits = load_run_splits(there)
    assert splits.train.digest == harder.read_environment()["data_digests"]["train"]
    assert splits.train.labels.tolist() == harder.read_images().train.labels.tolist()
    away = (root / "images").rename(root / "away")
    try:
        verdicts = list_verdicts(there)
        assert (verdicts["data"][0], verdicts["weights"][0]) == ("unknown", "sound")
    finally:
        away.rename(root / "images")


def test_it_is_continued_and_resumed_with_the_same_labels(
    harder: RunFolder, plain: RunFolder, root: Path, tmp_path: Path
) -> None:
    longer = loupe.train(harder.recipe_file, f"run.continues={harder.path}", "train.epochs=4")
    for other in ("data.long_tail=8", "data.label_noise.share=0.3", "data.label_noise=none"):
        with pytest.raises(RunError, match="cannot be continued like that"):
            loupe.train(harder.recipe_file, f"run.continues={harder.path}", "train.epochs=4", other)
    stop = StopAfter(1, KeyboardInterrupt())
    begun = train(root, *ON_PURPOSE, f"run.folder={tmp_path / 'runs'}", observers=[stop])
    resumed = loupe.resume(begun.path)
    assert is_same_weights(resumed.best_file, harder.best_file)
    for run in (longer, resumed):
        hold_untouched(run, plain)
        assert run.read_images().train.labels.tolist() == harder.read_images().train.labels.tolist()
        assert list_verdicts(run)["data"][0] == "sound"
    begun = train(root, *ON_PURPOSE, f"run.folder={tmp_path}", "name=edited", observers=[stop])
    text = begun.recipe_file.read_text(encoding="utf-8")
    assert "share = 0.25" in text
    begun.digests_file.unlink()
    begun.recipe_file.write_text(text.replace("share = 0.25", "share = 0.5"), encoding="utf-8")
    with pytest.raises(RunError, match="changed since it was started"):
        loupe.resume(begun.path)


def test_images_left_out_by_the_tail_have_trained_nothing(harder: RunFolder, root: Path) -> None:
    """Weights of a long tail have not seen what it left out; those images may judge others."""
    kept = set(to_keys(harder.read_images().train.digests))
    assert harder.read_images().trained() == kept
    after = train(root, f"transfer={harder.path}", "transfer.head=copied", "name=after")
    assert not [one for one in after.read_result().warnings if "left out, and" in one]
    assert kept < set(to_keys(after.read_images().train.digests))


@pytest.mark.parametrize("engine", ["serial", pytest.param("together", marks=pytest.mark.thorough)])
def test_arms_of_a_study_differ_in_training_images_alone(
    engine: str, plain: RunFolder, root: Path, tmp_path: Path
) -> None:
    text = f"""
        question = "What do wrong labels cost?"
        seeds = [0]
        threads = 1
        recipe = "{plain.recipe_file}"
        set = {{ train = {{ epochs = 1 }} }}
        [arms.plain]
        data.long_tail = 1.0
        [arms.tail]
        data.long_tail = 4.0
        [arms.noise]
        data.label_noise = {{ share = 0.25 }}
    """
    (tmp_path / "wrong.toml").write_text(text)
    run_study(load_study(tmp_path / "wrong.toml"), tmp_path, engine=engine)
    with (tmp_path / "wrong" / "results.csv").open() as file:
        rows = {row["arm"]: row for row in csv.DictReader(file)}
    assert len({row["key"] for row in rows.values()}) == 3
    runs = {arm: RunFolder(next((tmp_path / "runs").glob(f"*-{row['key']}"))) for arm, row in rows.items()}
    for run in runs.values():
        hold_untouched(run, plain)
        assert list_verdicts(run)["data"][0] == "sound"
    labels = {arm: read_true_labels(run, "train") for arm, run in runs.items()}
    assert labels["plain"][0] == labels["plain"][1]
    assert labels["tail"][0] == labels["tail"][1]
    assert labels["noise"][0] != labels["noise"][1]
    assert int(rows["tail"]["num_train"]) < int(rows["plain"]["num_train"]) == int(rows["noise"]["num_train"])


def test_a_list_names_every_image_under_its_own_class(plain: RunFolder, root: Path, tmp_path: Path) -> None:
    """It lacked what the recipe left out and held the wrong labels, and fitted its own data no more."""
    changes = (f"data.path={root / 'images'}", *ON_PURPOSE, "data.fraction=0.5")
    write_card("folder", changes, out=tmp_path, manifest=tmp_path / "list.csv")
    listed = read_manifest(tmp_path / "list.csv")
    assert len(listed.by_path) == 300
    assert all(path.split("/")[0] == label for path, label in listed.labels.items())
    again = train(root, f"data.sides_of={tmp_path / 'list.csv'}", *ON_PURPOSE, "name=by-list")
    hold_untouched(again, plain)
    assert list_verdicts(again)["data"][0] == "sound"
