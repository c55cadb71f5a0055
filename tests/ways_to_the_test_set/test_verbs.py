"""From the command line and from Python: counted, or said."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import loupe
from loupe.benchmarking.reaching import measure_reaching
from loupe.cli import main
from loupe.data import load_dataset, split_dataset
from loupe.data.identity import digest_content
from loupe.data.ledger import count_looks
from loupe.data.manifest import write_manifest
from loupe.metrics import Metrics, Predictions, compute_metrics
from loupe.runs import RunFolder
from loupe.runs.looks import count_own_looks, describe_looks, read_test_content
from loupe.using.verify_run import verify
from tests.quick_runs import forget_images
from tests.running.test_leakage import draw, save, train
from tests.ways_to_the_test_set.looking import (
    assert_looks,
    count_ledger,
    list_test_files,
    list_validation_files,
    put_into_classes,
)

pytestmark = pytest.mark.thorough


# ---- counted


def test_evaluate_test_is_a_look_of_its_run(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """It was in the ledger without its run, so that `loupe verify` called the run altered."""
    assert main(["evaluate", str(run.path), "--test"]) == 0
    assert_looks(run, 1)
    looks = count_looks(str(read_test_content(run)))
    assert looks is not None
    assert looks.num_recipes == 1
    assert main(["evaluate", str(run.path), "--test"]) == 0
    assert_looks(run, 2)


def test_verify_test_is_a_look_and_finds_what_digests_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Predictions of test images, result and digests rewritten so that they agree with one another."""
    save(tmp_path / "images", "", draw(150, 3))
    run = train(tmp_path / "images", tmp_path / "runs")
    assert main(["verify", str(run.path), "--test"]) == 0
    assert "weights on test" in capsys.readouterr().out
    assert run.count_openings() == count_ledger(run) == 2
    answers, result = run.read_predictions(), run.require_result()
    test = answers["test"]
    logits = 9.0 * torch.nn.functional.one_hot(test.labels, test.num_classes).float()
    flattered = Predictions(test.labels, logits)
    run.write_predictions(validation=answers["validation"], test=flattered)
    assert result.best is not None
    assert isinstance(result.best.validation, Metrics)
    score = compute_metrics(flattered, result.best.validation.class_names, result.confidence)
    openings = tuple(run.read_openings())
    run.write_result(replace(result, best=replace(result.best, test=score), test_openings=openings))
    checks = {one.check: one.verdict for one in verify(run.path, on_test=True)[0].findings}
    assert checks["weights on test"] == "altered"
    assert checks["weights"] == "sound"


def test_a_sound_run_stays_sound_after_a_look(tmp_path: Path) -> None:
    save(tmp_path / "images", "", draw(150, 3))
    run = train(tmp_path / "images", tmp_path / "runs")
    assert main(["evaluate", str(run.path), "--test"]) == 0
    (found,) = verify(run.path)
    assert found.is_sound
    assert "2 looks on record, as in the ledger" in {one.check: one.found for one in found.findings}["looks"]


def test_evaluate_against_is_a_look_of_both(runs: tuple[RunFolder, RunFolder]) -> None:
    first, second = runs
    assert main(["evaluate", str(first.path), "--test", "--against", str(second.path)]) == 0
    for run in runs:
        assert_looks(run, 1)


def test_evaluate_on_a_folder_that_holds_test_images_is_a_look_of_both(
    runs: tuple[RunFolder, RunFolder], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = runs
    place = put_into_classes([*list_test_files(first), *list_validation_files(first)], tmp_path / "elsewhere")
    assert main(["evaluate", str(first.path), str(place), "--against", str(second.path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    count = len(list_test_files(first))
    assert f"{count} of these" in said
    assert "this look is counted" in said
    for run in runs:
        assert_looks(run, 1)


def test_predict_on_one_test_image_is_a_look(run: RunFolder, tmp_path: Path) -> None:
    (file, *_), other = list_test_files(run), list_validation_files(run)[0]
    assert main(["predict", str(run.path), str(other)]) == 0
    assert_looks(run, 0)
    again = tmp_path / "saved-again.bmp"
    Image.open(file).save(again)
    assert main(["predict", str(run.path), str(again)]) == 0
    assert_looks(run, 1)


def test_inspect_on_a_test_image_is_a_look(tmp_path: Path) -> None:
    save(tmp_path / "images", "", draw(150, 0))
    run = train(tmp_path / "images", tmp_path / "runs")
    (file, *_) = list_test_files(run)
    assert main(["inspect", str(run.path), "--image", str(file), "--out", str(tmp_path / "pages")]) == 0
    assert (run.count_openings(), count_ledger(run)) == (2, 2)


def test_a_classifier_in_python_counts(run: RunFolder) -> None:
    classifier = loupe.open_classifier(run.path)
    image = classifier.prepare(list_test_files(run)[0])
    classifier.predict(image[None])
    assert_looks(run, 1)


def test_an_evaluation_cut_off_counts_again(run: RunFolder) -> None:
    for file in (run.report_file, run.digests_file, run.result_file):
        file.unlink()
    loupe.resume(run.path)
    assert (run.count_openings(), count_ledger(run)) == (2, 1)


def test_images_that_were_left_out_are_found_again(tmp_path: Path) -> None:
    """`evaluate --test` called the data changed where the starting weights had seen test images."""
    old = draw(300, 1)
    save(tmp_path / "old", "train", old)
    save(tmp_path / "old", "test", draw(60, 2))
    first = train(tmp_path / "old", tmp_path / "runs", validation=0.2)
    save(tmp_path / "new", "train", draw(200, 3))
    save(tmp_path / "new", "test", np.concatenate([old[:30], draw(50, 4)]))
    transfer = (f"transfer={first.path}", "transfer.head=copied")
    second = train(tmp_path / "new", tmp_path / "runs", *transfer, validation=0.2)
    kept = second.read_result().num_images["test"]
    assert kept < 80
    found = loupe.evaluate_run(second.path, on_test=True)
    assert len(found.images) == kept
    assert found.metrics[0].value == pytest.approx(second.read_result().best.test.accuracy)


def test_test_images_of_data_that_grew_are_found_again(tmp_path: Path) -> None:
    save(tmp_path / "images", "", draw(150, 0))
    run = train(tmp_path / "images", tmp_path / "runs")
    save(tmp_path / "images", "", draw(80, 9), "new")
    found = loupe.evaluate_run(run.path, on_test=True)
    assert found.metrics[0].value == pytest.approx(run.read_result().best.test.accuracy)


def test_a_bench_that_reaches_an_accuracy_is_a_look_of_its_recipe() -> None:
    quick = ("train.epochs=3", "data.augment=[]", "train.clean_train_images=0", "run.threads=1")
    measure_reaching(loupe.load_recipe("digits", ["model=mlp", *quick]), 0.3, 2)
    looks = count_looks(digest_content(load_dataset("digits").test.table.identities))
    assert looks is not None
    assert (looks.count, looks.num_recipes) == (2, 1)


# ---- said


def test_given_test_images_that_a_list_makes_others_are_said(tmp_path: Path) -> None:
    save(tmp_path / "images", "train", draw(150, 0))
    save(tmp_path / "images", "test", draw(60, 1))
    splits = split_dataset(load_dataset("folder", path=str(tmp_path / "images")), validation=0.2)
    text = write_manifest(splits)
    moved, rows = [], text.splitlines()
    for index, row in enumerate(rows):
        if ",test," in row and len(moved) < 20:
            rows[index] = row.replace(",test,", ",validation,")
            moved.append(index)
    (tmp_path / "sides.csv").write_text("\n".join(rows) + "\n")
    run = train(tmp_path / "images", tmp_path / "runs", f"data.sides_of={tmp_path / 'sides.csv'}")
    said = " ".join(run.read_result().warnings)
    assert "20 of the 60 test images that the data gives are training or validation images" in said


def test_of_a_run_without_a_record_it_is_not_known_until_its_data_are_named(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, data = list_test_files(run)[0], str(run.read_recipe().data.settings["path"])
    forget_images(run)
    assert main(["predict", str(run.path), str(file)]) == 0
    assert (run.count_openings(), count_ledger(run)) == (1, 0)
    moved = shutil.copytree(data, tmp_path / "moved")
    assert main(["predict", str(run.path), str(file), "--data", str(moved)]) == 0
    assert run.count_openings() == 2
    next((moved / "cat").iterdir()).unlink()
    capsys.readouterr()
    assert main(["predict", str(run.path), str(file), "--data", str(moved)]) == 1
    assert "images of run" in capsys.readouterr().err


def move_sides(run: RunFolder, place: Path) -> int:
    """Write a list that makes every second test image of a class a validation image; return how many."""
    rows, moved, record = ["path,split"], 0, run.read_images()
    for side in ("train", "validation"):
        rows += [f"{path},train" for path in record.table(side).paths]
    for index, path in enumerate(sorted(record.test.paths)):
        rows.append(f"{path},{'test' if index % 2 else 'validation'}")
        moved += index % 2 == 0
    place.write_text("\n".join(rows) + "\n")
    return moved


def test_weights_that_go_on_where_their_test_images_are_others_are_a_look(
    run: RunFolder, tmp_path: Path
) -> None:
    """A list made a run's test images validation images: one hardly trained, and read off its figure."""
    images = Path(str(run.read_recipe().data.settings["path"]))
    still = ("transfer.head=copied", "train.optimizer.learning_rate=1e-12", "evaluate.test=false")
    count, moved = move_sides(run, tmp_path / "moved.csv"), f"data.sides_of={tmp_path / 'moved.csv'}"
    second = train(images, tmp_path / "more", f"transfer={run.path}", moved, *still)
    said = f"{count} test images of {run.path.name}, whose weights this run starts from, are training or"
    assert said in " ".join(second.read_result().warnings)
    assert_looks(run, 1)
    middle = train(images, tmp_path / "more", f"transfer={run.path}", *still, "name=middle")
    assert_looks(run, 1)
    train(images, tmp_path / "more", f"transfer={middle.path}", moved, *still, "name=third")
    assert_looks(run, 2)
    assert middle.count_openings() == 1


def test_a_record_that_was_deleted_is_missed(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """Without images.npz a run passed for one of an earlier version: its test images were any images."""
    file = list_test_files(run)[0]
    run.images_file.unlink()
    run.digests_file.unlink()
    assert main(["predict", str(run.path), str(file)]) == 1
    assert "images.npz is missing" in capsys.readouterr().err
    assert main(["verify", str(run.path)]) == 1


def test_a_record_of_looks_begun_anew_is_unknown(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """Deleted, it was written anew with the next look, and the run said "once"."""
    run.openings_file.unlink()
    assert count_own_looks(run) is None
    assert main(["predict", str(run.path), str(list_test_files(run)[0])]) == 1
    assert "test_openings.jsonl" in capsys.readouterr().err
    assert count_own_looks(run) is None
    assert "this run: unknown" in describe_looks([run])
    assert main(["verify", str(run.path)]) == 1
