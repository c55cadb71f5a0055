"""Every way on which a network meets test images: counted by its run and the ledger, or barred.

`docs/evidence.md` lists the ways; the last test holds its table to the tests that it names.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FunctionType, ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient

import loupe
from loupe.benchmarking.reaching import measure_reaching
from loupe.cli import main
from loupe.data import LockedTest, load_dataset, split_dataset
from loupe.data.identity import digest_content, digest_images, to_keys
from loupe.data.ledger import count_looks
from loupe.data.manifest import write_manifest
from loupe.metrics import Metrics, Predictions, compute_metrics
from loupe.running.recipe_data import load_run_splits
from loupe.runs import RunFolder
from loupe.runs.evidence import read_digests
from loupe.runs.looks import count_own_looks, describe_looks, read_test_content
from loupe.training import Observer, TrainingState
from loupe.using.verify_run import verify
from loupe.web.application import create_app
from tests.quick_runs import forget_images
from tests.running.test_leakage import draw, save, train

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, RunFolder]:
    """Return two runs, of two seeds, on one folder of images."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("ways")
    save(root / "images", "", draw(150, 0))
    first = train(root / "images", root / "runs", "name=first")
    return first, train(root / "images", root / "runs", "name=second", "run.seed=1", "data.split_seed=0")


@pytest.fixture
def runs(trained: tuple[RunFolder, RunFolder], tmp_path: Path) -> tuple[RunFolder, RunFolder]:
    """Return copies of both, each with one look on record and in this test's ledger."""
    copies = []
    for run in trained:
        copy = RunFolder(Path(shutil.copytree(run.path, tmp_path / "runs" / run.path.name)))
        copies.append(copy)
    return copies[0], copies[1]


@pytest.fixture
def run(runs: tuple[RunFolder, RunFolder]) -> RunFolder:
    return runs[0]


def list_test_files(run: RunFolder) -> list[Path]:
    root = Path(str(run.read_recipe().data.settings["path"]))
    record = run.read_images()
    assert record is not None
    assert record.test.paths is not None
    return [root / path for path in record.test.paths]


def list_validation_files(run: RunFolder) -> list[Path]:
    root, record = Path(str(run.read_recipe().data.settings["path"])), run.read_images()
    assert record is not None
    assert record.validation.paths is not None
    return [root / path for path in record.validation.paths]


def count_ledger(run: RunFolder) -> int:
    looks = count_looks(str(read_test_content(run)))
    return looks.runs.get(str(run.path.resolve()), 0) if looks is not None else 0


def assert_looks(run: RunFolder, more: int) -> None:
    """Check that a run has so many looks on record beyond its first, each in the ledger with its recipe."""
    assert run.count_openings() == 1 + more
    assert count_ledger(run) == more, "the first one was taken before this test's ledger began"
    result = run.read_result()
    assert result is not None
    assert len(result.test_openings) == 1 + more
    assert read_digests(run.path) is not None
    (found,) = verify(run.path)
    looks = {one.check: one for one in found.findings}["looks"]
    assert looks.found.startswith(("2 looks", "3 looks") if more else "1 look")


def put_into_classes(files: list[Path], place: Path) -> Path:
    for file in files:
        (place / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place / file.parent.name / f"renamed-{file.name}")
    return place


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


def ask_page(run: RunFolder, ask: Callable[[TestClient, bytes], object], file: Path) -> None:
    app = create_app(run.path.parent)
    with TestClient(app, base_url="http://localhost") as client:
        ask(client, file.read_bytes())


def _post(way: str) -> Callable[[TestClient, str, bytes], list[str]]:
    return lambda client, address, content: [
        client.post(f"{address}/{way}", files={"image": content}).raise_for_status().text
    ]


def _ask_upload(client: TestClient, address: str, content: bytes) -> list[str]:
    name = client.post(f"{address}/images", files={"image": content}).json()["image"]
    query = {"image": name, "layer": "0", "channel": 0}
    ways = ("reasons", "maps", "number", "nearest-neighbours")
    answers = [client.get(f"{address}/{way}", params=query).text for way in ways]
    return [*answers, client.post(f"{address}/inspect", json={"image": name}).text]


PAGE = {"predict": _post("predict"), "inspect": _post("inspect"), "asking about an upload": _ask_upload}


@pytest.mark.parametrize("way", PAGE)
def test_the_page_counts_a_test_image_once(run: RunFolder, way: str) -> None:
    """Layers, numbers and reasons of an upload were uncounted, and all questions to autoencoders."""

    def ask(client: TestClient, content: bytes) -> None:
        assert all(PAGE[way](client, f"/api/runs/{run.path.name}", content))

    ask_page(run, ask, list_validation_files(run)[0])
    assert_looks(run, 0)
    ask_page(run, ask, list_test_files(run)[0])
    assert_looks(run, 1)


def test_an_upload_to_one_run_that_is_shown_to_another_is_a_look_there(
    runs: tuple[RunFolder, RunFolder],
) -> None:
    first, second = runs
    with TestClient(create_app(first.path.parent), base_url="http://localhost") as client:
        content = list_test_files(first)[0].read_bytes()
        address = f"/api/runs/{first.path.name}/images"
        name = client.post(address, files={"image": content}).json()["image"]
        assert_looks(second, 0)
        client.post(f"/api/runs/{second.path.name}/inspect", json={"image": name})
    for run in runs:
        assert_looks(run, 1)


def test_the_page_counts_test_images_shown_to_an_autoencoder(tmp_path: Path) -> None:
    save(tmp_path / "images", "", draw(150, 0))
    recipe = {
        "data": {"name": "folder", "path": str(tmp_path / "images"), "normalize": "unit"},
        "model": {"name": "autoencoder", "widths": [4]},
    }
    quick = ("train.epochs=1", f"run.folder={tmp_path / 'runs'}", "evaluate.look_inside=false")
    run = loupe.train(recipe, *quick)

    def ask(client: TestClient, content: bytes) -> None:
        answer = client.post(f"/api/runs/{run.path.name}/predict", files={"image": content})
        assert answer.status_code == 200

    ask_page(run, ask, list_test_files(run)[0])
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


# ---- impossible


class Searching(Observer):
    """Look for a test set in all that an observer can reach."""

    def __init__(self) -> None:
        self.found: list[object] = []
        self.seen = 0

    def on_epoch_end(self, state: TrainingState) -> None:
        for one in walk(state):
            self.seen += 1
            if isinstance(one, LockedTest):
                self.found.append(one)


def walk(start: object) -> Iterator[object]:
    """Yield everything that attributes and elements lead to."""
    left, known = [start], set[int]()
    while left:
        one = left.pop()
        if id(one) in known or isinstance(one, type | ModuleType | FunctionType | torch.Tensor):
            continue
        known.add(id(one))
        yield one
        if isinstance(one, dict):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            left += one
        else:
            left += vars(one).values() if hasattr(one, "__dict__") else []


def test_observers_reach_no_test_set(tmp_path: Path) -> None:
    save(tmp_path / "images", "", draw(150, 0))
    recipe = {"data": {"name": "folder", "path": str(tmp_path / "images")}, "model": "mlp"}
    searching = Searching()
    loupe.train(recipe, "train.epochs=1", f"run.folder={tmp_path / 'runs'}", observers=[searching])
    assert searching.seen > 50
    assert searching.found == []


def test_nothing_of_a_run_holds_pixels_of_test_images(trained: tuple[RunFolder, RunFolder]) -> None:
    run, _ = trained
    record = run.read_images()
    locked = set(to_keys(record.test.digests))
    pictures = run.read_evaluations().to_arrays()
    shown = [array for array in pictures.values() if array.ndim == 4 and array.dtype == torch.uint8]
    assert not locked & {key for array in shown for key in to_keys(digest_images(array))}
    splits = load_run_splits(run)
    for images in (splits.train, splits.validation):
        assert not locked & set(to_keys(images.table.digests))


def test_names_of_test_images_are_no_way_to_them(run: RunFolder) -> None:
    with TestClient(create_app(run.path.parent), base_url="http://localhost") as client:
        for name in ("test-0", "test_images-0", "validation--1", "train-0"):
            answer = client.get(f"/api/runs/{run.path.name}/reasons", params={"image": name})
            assert 400 <= answer.status_code < 500
    assert_looks(run, 0)


# ---- the table


def test_every_way_in_the_table_is_held_by_a_test() -> None:
    root = Path(__file__).parents[2]
    text = (root / "docs/evidence.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    ways = [row for row in rows if "::" in row[2]]
    assert len(ways) >= 30
    for way, outcome, held_by in ways:
        assert re.match("counted|said|refused|impossible|not seen", outcome), way
        for file, name in re.findall(r"`([\w/]+\.py)::(\w+)`", held_by):
            assert f"def {name}(" in (root / "tests" / file).read_text(encoding="utf-8"), f"{way}: no {name}"
