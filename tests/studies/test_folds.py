"""k-fold as an axis of a study: each image validated once, one answer over all of them."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from loupe.data import Dataset, ImageDataset, LockedTest, split_dataset
from loupe.data.identity import to_keys
from loupe.errors import DataError, RecipeError, StudyError
from loupe.metrics import Predictions
from loupe.publishing.study_tables import tabulate_study
from loupe.running import load_recipe
from loupe.running.recipe_data import load_recipe_data, split_recipe_data
from loupe.runs import RunFolder
from loupe.studies import parse_study
from loupe.studies.analysis import analyse_study
from loupe.studies.answer import answer_question
from loupe.studies.folder import StudyFolder
from loupe.studies.plan import make_plan
from loupe.studies.run import run_study
from tests.studies.conftest import make_study


def name_images(images: ImageDataset) -> list[bytes]:
    return to_keys(images.table.identities)


@given(parts=st.integers(2, 9), seed=st.integers(0, 3))
def test_each_image_validates_once_and_trains_in_all_other_folds(few: Dataset, parts: int, seed: int) -> None:
    splits = [
        split_dataset(few, validation=0.1, seed=seed, fold=(number, parts)) for number in range(1, parts + 1)
    ]
    everything = sorted(name_images(few.train))
    assert sorted(key for one in splits for key in name_images(one.validation)) == everything
    for one in splits:
        assert sorted([*name_images(one.train), *name_images(one.validation)]) == everything
        counts = one.validation.class_counts()
        assert max(counts) - min(counts) <= 2
    sizes = [len(one.validation) for one in splits]
    assert max(sizes) - min(sizes) <= 1


@pytest.fixture(scope="module")
def few(digits: Dataset) -> Dataset:
    """200 digits, 20 a class; the test set of a single image must not be touched."""
    of_class = [(digits.train.labels == label).nonzero().flatten()[:20] for label in range(10)]
    train = digits.train.select(torch.cat(of_class))
    return Dataset(train, LockedTest(train.select(torch.tensor([0]))))


def test_official_validation_images_are_among_the_parts(few: Dataset) -> None:
    halves = [torch.arange(start, 200, 2) for start in range(2)]
    parts = [few.train.select(half) for half in halves]
    divided = Dataset(parts[0], few.test, validation=parts[1])
    validated = [
        key
        for number in (1, 2, 3)
        for key in name_images(split_dataset(divided, validation=0.1, fold=(number, 3)).validation)
    ]
    assert sorted(validated) == sorted(name_images(few.train))


def test_of_a_growing_folder_each_image_keeps_its_part(tmp_path: Path, few: Dataset) -> None:
    def write(count: int) -> None:
        for index in range(count):
            place = tmp_path / "images" / "even" if index % 2 else tmp_path / "images" / "odd"
            place.mkdir(parents=True, exist_ok=True)
            picture = (index * torch.ones(6, 6) + torch.arange(6)).to(torch.uint8).numpy()
            Image.fromarray(picture).save(place / f"{index}.png")

    def find_folds(count: int) -> dict[bytes, int]:
        write(count)
        found: dict[bytes, int] = {}
        for number in (1, 2, 3):
            recipe = load_recipe(
                {
                    "data": {
                        "name": "folder",
                        "path": str(tmp_path / "images"),
                        "fold": {"number": number, "of": 3},
                    }
                }
            )
            for key in name_images(split_recipe_data(recipe, load_recipe_data(recipe)).validation):
                assert key not in found
                found[key] = number
        return found

    before, after = find_folds(80), find_folds(140)
    kept = before.keys() & after.keys()
    assert len(kept) > 40
    assert all(before[key] == after[key] for key in kept)


def test_a_number_beyond_the_parts_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"data\.fold"):
        load_recipe("digits", ["data.fold={number=6, of=5}"])


def test_too_many_parts_for_a_class_are_refused(few: Dataset) -> None:
    with pytest.raises(DataError, match="would hold no image of"):
        split_dataset(few, validation=0.1, fold=(1, 100))


def test_folds_are_an_axis_that_stages_follow_too() -> None:
    study = make_study(
        folds=3,
        stages={"base": {"recipe": "digits"}},
        arms={"a": {}, "b": {"transfer": {"run": "base"}}},
        seeds=[0],
    )
    assert study.num_runs == 6
    assert parse_study(make_study(folds=3).model_dump(mode="json", exclude_none=True)) == make_study(folds=3)
    runs = make_plan(study).runs
    assert all(run.recipe.data.fold is not None and not run.recipe.evaluate.test for run in runs)
    assert all(run.source is None or run.source.recipe.data.fold == run.recipe.data.fold for run in runs)


def test_opening_the_test_set_is_refused_by_name() -> None:
    with pytest.raises(StudyError, match=r"evaluate\.test: got true; allowed: false"):
        make_plan(make_study(folds=2, set={"evaluate": {"test": True}}))


@pytest.mark.thorough
def test_all_folds_give_one_answer_over_all_images(tmp_path: Path) -> None:
    study = make_study(
        folds=3,
        compare="macro_f1",
        arms={"narrow": {}, "wide": {"model": {"name": "mlp", "widths": [64]}}},
        set={"data": {"augment": []}, "train": {"epochs": 2, "clean_train_images": 0}},
        seeds=[0, 1],
    )
    analysis = run_study(study, tmp_path, engine="serial")
    assert len(analysis.run_rows) == 12
    assert [(row.arm, row.at, row.seed) for row in analysis.rows] == [
        ("narrow", {}, 0),
        ("narrow", {}, 1),
        ("wide", {}, 0),
        ("wide", {}, 1),
    ]
    for row in analysis.rows:
        own = [one for one in analysis.run_rows if (one.arm, one.seed) == (row.arm, row.seed)]
        folders = [RunFolder(next((tmp_path / "runs").glob(f"*-{one.key}"))) for one in own]
        parts = [folder.read_predictions()["validation"] for folder in folders]
        whole = Predictions(
            torch.cat([part.labels for part in parts]), torch.cat([part.logits for part in parts])
        )
        assert len(whole.labels) == 1437
        assert row.validation_accuracy == pytest.approx(float(whole.is_right.double().mean()), abs=1e-8)
        assert not any(folder.read_openings() for folder in folders)
    assert "Each image was validated once" in answer_question(analysis)
    report = StudyFolder(tmp_path / "small").report_file.read_text(encoding="utf-8")
    assert "folds = 3" in report
    page = report.replace("\n", "").replace(" ", "")
    assert "<th>fold</th>" in page
    assert '<thclass="n">validationmacroF1</th>' in page
    assert '<thclass="n">validation</th>' not in page, (
        "the compared figure is validation's own: no second column"
    )
    table = tabulate_study(analysis, StudyFolder(tmp_path / "small"))
    assert [column.heading for column in table.columns if "validation" in column.heading] == [
        "mean validation macro F1"
    ]
    by_accuracy = analyse_study(
        study.model_copy(update={"compare": "accuracy"}),
        StudyFolder(tmp_path / "small").read_results(tuple(study.axes)),
        tmp_path / "runs",
    )
    assert by_accuracy.runs[0].images == by_accuracy.runs[1].images, (
        "seeds divide otherwise: one order for all"
    )
    assert len(by_accuracy.overall) == 1
    joined = [cell.difference for cell in by_accuracy.cells if cell.difference is not None]
    assert joined[0].num_images == 1437


def test_a_fold_that_failed_or_is_missing_gives_no_answer() -> None:
    from dataclasses import replace

    from loupe.studies.rows import StudyRow

    study = make_study(folds=2, seeds=[0])
    row = StudyRow(
        "",
        "recipe",
        {"fold": "1"},
        0,
        "finished",
        None,
        1,
        1,
        None,
        None,
        0.5,
        1.0,
        None,
        None,
        10,
        0,
        5,
        1.0,
        "a",
    )
    assert analyse_study(study, [row]).rows == ()
    other = replace(row, at={"fold": "2"}, key="b", validation_accuracy=0.7)
    assert analyse_study(study, [row, other]).runs[0].figure == pytest.approx(0.6)
    broken = replace(other, status="failed", reason="no memory")
    analysis = analyse_study(study, [row, broken])
    assert analysis.runs == ()
    assert analysis.rows[0].reason == "fold 2: no memory"
