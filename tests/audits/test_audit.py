"""An audit: files by name, planted wrong labels and duplicates, no test image anywhere, and it goes on."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from loupe.audits.audit import COLUMNS, audit_recipe
from loupe.audits.findings import TITLES
from loupe.audits.folder import AuditFolder
from loupe.cli import main
from loupe.data import Dataset
from loupe.data.identity import digest_content, to_keys
from loupe.data.ledger import count_looks
from loupe.errors import DataError, LoupeError
from loupe.recipe import Recipe
from loupe.running import load_recipe
from loupe.running.recipe_data import load_recipe_data
from loupe.runs import RunFolder, list_run_folders

pytestmark = pytest.mark.thorough

WRONG = ("train/0/003.png", "train/1/004.png", "train/2/005.png")


def write_digits(folder: Path, digits: Dataset, num_per_class: int = 60) -> None:
    """Write digits 0, 1 and 2 as files: three under a wrong class, one twice, one mirrored, one blank."""
    for label in range(3):
        images = digits.train.images[digits.train.labels == label]
        for part, some in (("train", images[:num_per_class]), ("test", images[num_per_class:][:20])):
            for index, image in enumerate(some):
                path = f"{part}/{label}/{index:03}.png"
                if path in WRONG:
                    path = f"{part}/{(label + 1) % 3}/wrong-{label}.png"
                save(folder / path, image[0].numpy())
    two = np.asarray(Image.open(folder / "train/2/010.png"))
    save(folder / "train/2/copy.png", two)
    save(folder / "train/0/mirrored.png", two[:, ::-1])
    save(folder / "train/1/blank.png", np.full((8, 8), 90, np.uint8))


def save(file: Path, pixels: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(pixels)).save(file)


@pytest.fixture(scope="module")
def recipe(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    folder = tmp_path_factory.mktemp("images")
    write_digits(folder, digits)
    return load_recipe(
        {
            "name": "files",
            "data": {"name": "folder", "path": str(folder), "validation": 0.2},
            "model": {"name": "mlp", "widths": [32]},
            "train": {"epochs": 12, "clean_train_images": 0, "batch_size": 32},
        }
    )


@pytest.fixture(scope="module")
def folder(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> AuditFolder:
    return audit_recipe(recipe, tmp_path_factory.mktemp("audits"), num_folds=3, engine="serial").folder


def read_rows(folder: AuditFolder, kind: str) -> list[dict[str, str]]:
    with (folder.path / f"{kind}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_wrong_labels_are_listed_first_by_their_files(folder: AuditFolder) -> None:
    rows = read_rows(folder, "wrong_labels")
    first = {row["file"]: (row["label"], row["suggested_label"]) for row in rows[:6]}
    for label in range(3):
        assert first[f"train/{(label + 1) % 3}/wrong-{label}.png"] == (str((label + 1) % 3), str(label))
    assert all(row["side"] in ("training", "validation") for row in rows)
    assert tuple(rows[0]) == COLUMNS
    assert [float(row["score"]) for row in rows] == sorted((float(r["score"]) for r in rows), reverse=True)


def test_duplicates_under_two_classes_come_first_and_flaws_are_named(folder: AuditFolder) -> None:
    rows = read_rows(folder, "duplicates")
    pairs = [frozenset((row["file"], row["other_file"])) for row in rows]
    exact = {frozenset((f"train/2/{one}.png", f"train/2/{two}.png")) for one, two in [("010", "copy")]}
    assert exact <= set(pairs)
    crossing = next(row for row in rows if "train/0/mirrored.png" in (row["file"], row["other_file"]))
    assert "mirror image of" in crossing["reason"]
    assert rows.index(crossing) == 0
    assert [
        row["reason"][:5] for row in read_rows(folder, "flaws") if row["file"] == "train/1/blank.png"
    ] == ["blank"]


def test_no_test_image_is_listed_shown_or_opened(folder: AuditFolder, recipe: Recipe) -> None:
    tests = load_recipe_data(recipe).test.table
    keys = {key.hex() for key in to_keys(tests.identities)}
    page = folder.page_file.read_text(encoding="utf-8")
    for kind in TITLES:
        rows = read_rows(folder, kind)
        assert not keys & {row["image"] for row in rows}
        assert not any(row["file"].startswith("test/") for row in rows)
    assert "test/" not in page
    assert not any(key in page for key in keys)
    runs = [RunFolder(path) for path in list_run_folders(folder.path / "runs")]
    assert len(runs) == 3
    assert all(run.read_result().test_openings == () for run in runs)


def test_copies_of_test_images_are_listed_without_a_look(digits: Dataset, tmp_path: Path) -> None:
    """Three test images lie in the training part too: to the bit, mirrored, moved by a pixel."""
    write_digits(tmp_path / "images", digits)
    tests = [np.asarray(Image.open(tmp_path / f"images/test/{one}/00{one + 4}.png")) for one in range(3)]
    save(tmp_path / "images/train/0/exact.png", tests[0])
    save(tmp_path / "images/train/1/flipped.png", tests[1][:, ::-1])
    moved = np.pad(tests[2], 1, mode="edge")[1:-1, 2:]
    save(tmp_path / "images/train/2/moved.png", moved)
    save(tmp_path / "images/test/2/again.png", tests[2])
    recipe = load_recipe(
        {
            "name": "files",
            "data": {"name": "folder", "path": str(tmp_path / "images"), "validation": 0.2},
            "model": {"name": "mlp", "widths": [8]},
            "train": {"epochs": 1, "clean_train_images": 0},
        }
    )
    before = count_looks(digest_content(load_recipe_data(recipe).test.table.identities))
    found = audit_recipe(recipe, tmp_path / "audits", num_folds=2, engine="serial")
    rows = {row["file"]: row for row in read_rows(found.folder, "test_copies")}
    wanted = {"exact": "the same pixels as a test image", "flipped": "the mirror image of a test image"}
    wanted["moved"] = "moved by a pixel from a test image"
    for label, (name, reason) in enumerate(wanted.items()):
        assert rows[f"train/{label}/{name}.png"]["reason"].partition(";")[0] == reason
    table = load_recipe_data(recipe).test.table
    assert {row["other_image"] for row in rows.values()} <= {key.hex() for key in to_keys(table.identities)}
    assert all(row["other_file"] == "" for row in rows.values())
    kept = json.loads(found.folder.json_file.read_text())["test_images"]
    assert (kept["total"], kept["exact"], kept["repeated"]) == (61, 1, 1)
    assert kept["copied"] >= 3
    page = found.folder.page_file.read_text(encoding="utf-8")
    assert "Copies of test images" in page
    assert "test/" not in page
    assert count_looks(digest_content(table.identities)) == before
    assert any(note.startswith("The networks agree with") for note in found.audit.notes), "after an epoch"
    assert any("have a copy among these images (1 to the bit)" in note for note in found.audit.notes)


def test_good_networks_are_not_doubted(folder: AuditFolder) -> None:
    kept = json.loads(folder.json_file.read_text())
    assert kept["out_of_fold_accuracy"] > 0.8
    assert not any("agree with" in note for note in kept["notes"])


def test_what_is_kept_says_how_it_was_found(folder: AuditFolder) -> None:
    kept = json.loads(folder.json_file.read_text())
    assert kept["folds"] == 3
    assert kept["found"] == {kind: len(read_rows(folder, kind)) for kind in TITLES}
    assert sum(kept["images"].values()) == 183
    assert np.sum(kept["joint"]["counts"]) <= 183
    assert kept["interval"]["low"] < kept["out_of_fold_accuracy"] < kept["interval"]["high"]


def test_what_is_done_is_not_done_again(folder: AuditFolder, recipe: Recipe) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.path.glob("runs/*/result.json")}
    again = audit_recipe(recipe, folder.path.parent, num_folds=3, engine="serial")
    assert {path: path.stat().st_mtime_ns for path in folder.path.glob("runs/*/result.json")} == before
    assert len(again.audit.suspects["wrong_labels"]) == len(read_rows(folder, "wrong_labels"))


def test_what_was_corrected_or_kept_is_not_listed_again(
    folder: AuditFolder, recipe: Recipe, tmp_path: Path
) -> None:
    rows = read_rows(folder, "wrong_labels")
    wrong, other = rows[0], next(row for row in rows if "wrong-" not in row["file"])
    copy = read_rows(folder, "duplicates")[-1]
    lines = [
        f"{wrong['image']},{wrong['file']},relabel,{wrong['suggested_label']}",
        f"{other['image']},{other['file']},keep,",
        f"{copy['image']},{copy['file']},drop,",
    ]
    (tmp_path / "list.csv").write_text("\n".join(["image,file,action,label", *lines, ""]))
    corrected = load_recipe(recipe, [f"data.corrections={tmp_path / 'list.csv'}"])
    found = audit_recipe(corrected, tmp_path, num_folds=3, engine="serial")
    listed = {row["file"] for row in read_rows(found.folder, "wrong_labels")}
    assert not {wrong["file"], other["file"]} & listed
    assert copy["file"] not in {row["file"] for row in read_rows(found.folder, "duplicates")}
    assert len(found.audit.audited) == 182
    assert "The images are audited as corrected by list.csv; 1 that it keeps are not listed again." in (
        found.audit.notes
    )


def test_of_a_run_by_the_command_line(
    folder: AuditFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = list_run_folders(folder.path / "runs")[0]
    assert (
        main(
            [
                "audit",
                str(run),
                "train.epochs=1",
                "--folds",
                "2",
                "--out",
                str(tmp_path),
                "--engine",
                "serial",
            ]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert "Of 183 training and validation images" in said
    assert (tmp_path / "files" / "audit.html").is_file()


def test_what_cannot_be_audited(recipe: Recipe, tmp_path: Path) -> None:
    autoencoder = load_recipe({"data": {"normalize": "unit"}, "model": {"name": "autoencoder"}})
    with pytest.raises(LoupeError, match="gives its images back"):
        audit_recipe(autoencoder, tmp_path)
    with pytest.raises(LoupeError, match="takes several folds"):
        audit_recipe(load_recipe("digits"), tmp_path, num_folds=1)
    few = load_recipe(recipe, ["data.validation=0.5"])
    with pytest.raises(DataError, match=r"data\.fold of 50"):
        audit_recipe(few, tmp_path, num_folds=50)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_of_90_wrong_labels_among_all_digits_85_are_among_the_first_120(
    digits: Dataset, tmp_path: Path
) -> None:
    test = digits.test.open("all digits are wanted, to be audited")
    images = torch.cat([digits.train.images, test.images]).numpy()
    labels = torch.cat([digits.train.labels, test.labels]).numpy()
    generator = np.random.default_rng(0)
    wrong = generator.choice(len(images), 90, replace=False)
    given = labels.copy()
    given[wrong] = (labels[wrong] + generator.integers(1, 10, 90)) % 10
    parts = {"train_images": images, "train_labels": given}
    parts |= {"test_images": np.roll(images[:100], 2, axis=2), "test_labels": labels[:100]}
    np.savez(tmp_path / "digits.npz", **parts)  # type: ignore[arg-type]  # the stub has bools alone
    changes = ["data.name=arrays", f"data.path={tmp_path / 'digits.npz'}", "train.epochs=10"]
    found = audit_recipe(load_recipe("digits", changes), tmp_path, engine="serial").audit
    ranked = [int(found.audited.sources[one.index]) for one in found.suspects["wrong_labels"]]
    assert len(set(ranked[:120]) & set(wrong.tolist())) >= 85
