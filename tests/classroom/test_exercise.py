"""An exercise: its file, its mistakes, and a pack that reveals nothing."""

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tomli_w

import loupe
from loupe.classroom.loading import load_exercise
from loupe.classroom.making import make_exercise
from loupe.classroom.seal import commit, read_hidden, read_pack
from loupe.classroom.submitting import RECORD_NAME
from loupe.cli import main
from loupe.data import load_dataset
from loupe.data.identity import digest_content, to_keys
from loupe.data.ledger import count_looks
from loupe.errors import ExerciseError, LoupeError, UntrustedPluginError
from tests.classroom.conftest import EXERCISE, Lesson


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ExerciseError) as caught:
        load_exercise({"task": "", "lookz": 1, "hidden": {"part": 0}, "data": "digits", "looks": -1})
    told = {one.where for one in caught.value.mistakes}
    assert told == {"task", "lookz", "hidden.part", "looks"}
    assert "did you mean 'looks'" in str(caught.value)


def test_mistakes_of_its_recipe_are_told_with_its_own() -> None:
    wrong = {
        "name": "x",
        "task": "…",
        "data": "digits",
        "graded": {"metric": "acuracy"},
        "set": {"train.epochz": 3},
    }
    with pytest.raises(ExerciseError) as caught:
        load_exercise(wrong)
    assert "graded.metric: got 'acuracy'" in str(caught.value)
    assert "recipe: train.epochz" in str(caught.value)


def test_mistakes_of_form_do_not_hide_those_of_the_recipe() -> None:
    wrong = {**EXERCISE, "looks": "many", "graded": {"metric": "f1"}, "set": {"train.epochz": 3}}
    with pytest.raises(ExerciseError) as caught:
        load_exercise(wrong)
    assert [one.where for one in caught.value.mistakes] == ["looks", "graded.metric", "recipe: train.epochz"]
    with pytest.raises(ExerciseError) as caught:
        load_exercise({**wrong, "recipe": 3})  # what is changed of it cannot be judged
    assert [one.where for one in caught.value.mistakes] == ["recipe", "looks", "graded.metric"]


def test_a_fixed_field_that_is_none_is_told() -> None:
    with pytest.raises(ExerciseError, match=r"fixed: train.epoch: .*did you mean 'train.epochs'"):
        load_exercise({**EXERCISE, "fixed": ["train.epoch"]})
    with pytest.raises(ExerciseError, match="a field that says where, not what"):
        load_exercise({**EXERCISE, "fixed": ["data.path"]})


def test_looks_have_to_suffice_for_the_recipe() -> None:
    with pytest.raises(ExerciseError, match="0, and the recipe opens the test set"):
        load_exercise({**EXERCISE, "looks": 0})


def test_a_plugin_of_an_exercise_from_elsewhere_is_a_stranger(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("raise SystemExit('it ran')\n")
    recipe = {"model": "mlp", "run": {"plugins": [str(tmp_path / "own.py")]}}
    with pytest.raises(UntrustedPluginError):
        load_exercise({"task": "…", "data": "digits", "recipe": recipe, "plugins": "trusted"})


def test_the_sides_share_no_image_and_keep_the_classes(lesson: Lesson) -> None:
    pack = read_pack(lesson.pack)
    hidden = set(to_keys(lesson.classroom.hidden.table.digests))
    theirs = {key for table in pack.sides.values() for key in to_keys(table.digests)}
    assert len(hidden) == 120
    assert not hidden & theirs
    whole = load_dataset("digits")
    all_keys = set(to_keys(whole.train.table.digests)) | set(to_keys(whole.test.table.digests))
    assert hidden | theirs == all_keys
    counts = lesson.classroom.hidden.class_counts()
    assert max(counts) - min(counts) <= 2, "stratified"


def test_nothing_in_the_pack_reveals_hidden_images_labels_or_the_draw(lesson: Lesson) -> None:
    key = json.loads((lesson.folder / "teacher" / "key.json").read_text())
    hidden = lesson.classroom.hidden
    with zipfile.ZipFile(lesson.folder / "students.zip") as archive:
        files = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    assert files == {one.name: one.read_bytes() for one in lesson.pack.iterdir() if one.name != RECORD_NAME}
    assert set(files) == {"README.md", "recipe.toml", "data.npz", "seal.json"}
    with np.load(lesson.pack / "data.npz") as arrays:
        assert sorted(arrays) == ["class_names", "test_images", "test_labels", "train_images", "train_labels"]
        raw = b"".join(array.tobytes() for array in arrays.values())
    texts = b"".join(content for name, content in files.items() if name != "data.npz")
    for image, digest in zip(hidden.images, key["images"], strict=True):
        assert image.numpy().tobytes() not in raw
        assert digest.encode() not in texts
        assert bytes.fromhex(digest) not in raw
    for secret in (key["salt"], hidden.digest, hashlib.sha256(hidden.images.numpy().tobytes()).hexdigest()):
        assert secret.encode() not in texts
    assert b'"seed"' not in texts
    assert b"hidden.seed" not in texts


def test_the_commitment_shows_later_that_the_teacher_kept_to_the_images(lesson: Lesson) -> None:
    key = json.loads((lesson.folder / "teacher" / "key.json").read_text())
    seal = lesson.classroom.seal
    assert commit(key["salt"], lesson.classroom.hidden) == seal.hidden_commitment
    assert commit("another", lesson.classroom.hidden) != seal.hidden_commitment


def test_the_draw_follows_the_seed(lesson: Lesson, tmp_path: Path) -> None:
    again = make_exercise(EXERCISE, tmp_path / "again")
    other = make_exercise({**EXERCISE, "hidden": {"part": 120, "seed": 8}}, tmp_path / "other")
    first = lesson.classroom.hidden.digest
    assert read_hidden(again.folder / "teacher", again.seal)[0].digest == first
    assert read_hidden(other.folder / "teacher", other.seal)[0].digest != first


def test_hidden_images_of_all_and_copies_of_them_left_out(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (80, 8, 8), dtype=np.uint8)
    images[40:] = images[:40]  # each twice
    labels = np.arange(80) % 2
    np.savez(tmp_path / "own.npz", images=images, labels=labels)
    exercise = {
        "name": "own",
        "task": "…",
        "data": {"name": "arrays", "path": str(tmp_path / "own.npz")},
        "recipe": {"model": "mlp", "data": {"validation": 0.3}},
        "hidden": {"of": "all", "part": 10, "seed": 1},
    }
    made = make_exercise(exercise, tmp_path / "out")
    assert (made.counts["hidden"], made.num_copies) == (10, 10)
    hidden, _ = read_hidden(made.folder / "teacher", made.seal)
    pack = read_pack(made.folder / "students")
    theirs = {key for table in pack.sides.values() for key in to_keys(table.digests)}
    assert not set(to_keys(hidden.table.digests)) & theirs


@pytest.mark.thorough
def test_a_folder_of_colour_images_and_a_recipe_file_beside_the_exercise(tmp_path: Path) -> None:
    from PIL import Image

    generator = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for index in range(40):
            pixels = generator.integers(0, 256, (9, 9, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{index}.png")
    (tmp_path / "start.toml").write_text(
        tomli_w.dumps({"model": "mlp", "data": {"validation": 0.3}, "train": {"epochs": 1}})
    )
    text = {"task": "…", "data": "images", "recipe": "start.toml", "fixed": ["model", "data"]}
    (tmp_path / "cats.toml").write_text(tomli_w.dumps(text))
    assert main(["class", "make", str(tmp_path / "cats.toml"), "--out", str(tmp_path / "out")]) == 0
    pack = tmp_path / "out" / "students"
    run = loupe.train(
        pack / "recipe.toml",
        f"data.path={pack / 'data.npz'}",
        f"run.folder={tmp_path / 'runs'}",
        "evaluate.look_inside=false",
    )
    assert main(["class", "submit", str(run.path), "--out", str(tmp_path / "me.zip")]) == 0


def test_another_draw_is_not_written_over_an_exercise(lesson: Lesson) -> None:
    with pytest.raises(LoupeError, match="There is something at"):
        make_exercise(EXERCISE, lesson.folder)


def test_the_readme_says_task_rules_and_commands(lesson: Lesson) -> None:
    text = (lesson.pack / "README.md").read_text()
    for part in (
        "# Digits in two epochs",
        "Tell digits apart in **two** epochs.",
        "Friday, 18:00",
        "loupe train recipe.toml",
        "loupe class submit",
        "`train.epochs`, `data.validation`",
        "accuracy",
    ):
        assert part in text


def test_hidden_images_of_another_exercise_are_refused(lesson: Lesson, tmp_path: Path) -> None:
    other = make_exercise(EXERCISE, tmp_path / "other")
    with pytest.raises(LoupeError, match="does not hold the hidden images"):
        read_hidden(lesson.folder / "teacher", other.seal)


def test_making_an_exercise_is_a_look_at_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOUPE_LEDGER", str(tmp_path / "looks.jsonl"))
    make_exercise(EXERCISE, tmp_path / "out")
    looks = count_looks(digest_content(load_dataset("digits").test.table.identities))
    assert looks is not None
    assert looks.count == 1


def test_help_describes_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["class", "make", "--help"]) == 0
    said = capsys.readouterr().out
    for field in ("task", "fixed", "starting_weights", "hidden.part", "graded.metric"):
        assert field in said


def test_a_seal_without_a_date_is_what_it_was_before_there_were_dates(lesson: Lesson) -> None:
    """Packs that are out keep their digest: newer fields are written only where they say something."""
    values = json.loads((lesson.pack / "seal.json").read_text(encoding="utf-8"))
    assert not {"due", "late"} & set(values)
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    assert lesson.classroom.seal.digest == digest
