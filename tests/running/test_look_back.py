"""Single images looked back on: training images followed, mistakes with their neighbours, their page."""

import re
import shutil
from html import unescape
from pathlib import Path

import pytest
import torch

import loupe
from loupe.errors import RecipeError, RunError
from loupe.evaluations import Gallery, Look, Scatter, measure_difficulty, rank_mistakes
from loupe.reports.earlier_looks import read_looks
from loupe.reports.run_report import render_findings
from loupe.running import load_recipe
from loupe.running.training_setup import load_recipe_data, split_recipe_data
from loupe.runs import MistakeRecord, RunFolder
from loupe.runs.arrays import write_arrays
from tests.quick_runs import StopAfter, Train, is_same_weights

pytestmark = pytest.mark.thorough

TRACK = "evaluate.track_examples=true"


def test_following_examples_changes_no_weight(train: Train) -> None:
    plain, followed = train("model.width=1"), train(TRACK)
    assert is_same_weights(plain.checkpoint_file, followed.checkpoint_file)
    assert plain.read_examples() is None
    examples = followed.read_examples()
    assert examples is not None
    assert examples.losses.shape == examples.correct.shape == (3, 371)
    assert examples.indices.tolist() == list(range(371))
    assert (examples.losses.dtype, examples.correct.dtype) == (torch.float32, torch.bool)


def test_what_is_followed_is_measured_as_the_clean_training_images_are(train: Train) -> None:
    run = train(TRACK, "train.clean_train_images=371", "data.augment=[{name='padded-crop', padding=1}]")
    examples, history = run.read_examples(), run.read_history()
    assert examples is not None
    for losses, correct, record in zip(examples.losses, examples.correct, history, strict=True):
        assert float(losses.double().mean()) == pytest.approx(record.clean_train_loss, rel=1e-6)
        assert float(correct.double().mean()) == pytest.approx(record.clean_train_accuracy)


def test_a_subset_is_stratified_and_counted(train: Train) -> None:
    run = train("evaluate.track_examples=50", "train.epochs=1")
    examples, recipe = run.read_examples(), run.read_recipe()
    assert examples is not None
    labels = split_recipe_data(recipe, load_recipe_data(recipe)).train.labels[examples.indices]
    assert torch.bincount(labels).tolist() == [5] * 10
    assert "50 training images were followed over 1 epochs" in run.report_file.read_text(encoding="utf-8")


def test_a_resumed_run_holds_the_same_examples(train: Train) -> None:
    whole = train(TRACK, "train.epochs=4")
    stopped = train(TRACK, "train.epochs=4", observers=[StopAfter(2, KeyboardInterrupt())])
    kept = stopped.read_examples()
    assert kept is not None
    assert kept.num_epochs == 2
    loupe.resume(stopped.path)
    expected, got = whole.read_examples(), stopped.read_examples()
    assert expected is not None
    assert got is not None
    assert all(torch.equal(getattr(expected, name), getattr(got, name)) for name in vars(expected))


def test_epochs_beyond_the_checkpoint_are_recorded_anew(train: Train) -> None:
    whole = train(TRACK)
    stopped = train(TRACK, observers=[StopAfter(2, KeyboardInterrupt())])
    kept = stopped.read_examples()
    assert kept is not None
    beyond = torch.full((1, 371), 99.0)  # of an epoch whose checkpoint was never written
    longer = type(kept)(kept.indices, torch.cat([kept.losses, beyond]), torch.cat([kept.correct, beyond > 0]))
    stopped.write_examples(longer)
    loupe.resume(stopped.path)
    assert torch.equal(stopped.read_examples().losses, whole.read_examples().losses)


def test_examples_that_are_lost_are_missed_and_come_back_by_training_again(train: Train) -> None:
    run = train(TRACK, "train.epochs=1")
    before = run.read_examples()
    run.examples_file.unlink()
    assert not run.is_finished()
    with pytest.raises(RunError) as caught:
        loupe.resume(run.path)
    assert str(caught.value) == (
        f"{run.examples_file} lacks epochs that the checkpoint has.\n  got: 0 of 1 epochs\n"
        "  allowed: the file as Loupe wrote it\n"
        f"  next: bring it back, or delete {run.checkpoint_file}: `loupe resume` then starts this run from "
        "its first epoch"
    )
    run.checkpoint_file.unlink()
    loupe.resume(run.path)
    assert torch.equal(run.read_examples().losses, before.losses)


@pytest.mark.parametrize("value", ["0", "-3", "2.5", "'all'"])
def test_what_can_be_followed_is_said(value: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("digits", [f"evaluate.track_examples={value}"])
    (mistake,) = caught.value.mistakes
    assert mistake.allowed == "true, false, or a number of images (1, 2, …)"


def test_a_network_without_classes_has_no_examples_to_follow() -> None:
    with pytest.raises(RecipeError, match=r"evaluate\.track_examples"):
        load_recipe({"model": {"name": "autoencoder"}, "data": {"normalize": "unit"}}, [TRACK])


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("runs")
    quick = ("train.epochs=2", "model.width=1", "data.fraction=0.3")
    return loupe.train("digits", *quick, TRACK, f"run.folder={folder}")


def find_look(run: RunFolder, name: str) -> Look:
    kept = run.read_evaluations()
    assert kept is not None
    (look,) = [one for one in kept.looks if one.name == name]
    return look


def test_neighbours_are_training_images_whose_pictures_are_kept(followed: RunFolder) -> None:
    recipe, kept = followed.read_recipe(), followed.read_evaluations()
    assert kept is not None
    splits = split_recipe_data(recipe, load_recipe_data(recipe))
    wrong = rank_mistakes(followed.read_predictions()["validation"])
    (gallery,) = find_look(followed, "mistakes").blocks
    assert isinstance(gallery, Gallery)
    assert [one.index for one in gallery.images] == wrong[:24].tolist()
    assert "among 371 training images" in gallery.note
    for one in gallery.images:
        far = [float(near.notes[0].removeprefix("distance ")) for near in one.near]
        assert len(far) == 3
        assert far == sorted(far)
        for near in one.near:
            assert torch.equal(kept.pictures["train"].find(near.index), splits.train.images[near.index])
            assert near.title == splits.train.class_names[int(splits.train.labels[near.index])]
    difficulty = measure_difficulty(followed.read_examples())
    (hardest,) = find_look(followed, "hardest_images").blocks
    assert isinstance(hardest, Gallery)
    assert [one.index for one in hardest.images] == difficulty.indices[difficulty.rank(24)].tolist()


def test_a_run_of_an_earlier_version_shows_the_same(followed: RunFolder, tmp_path: Path) -> None:
    """It holds `mistakes.npz` in place of what evaluations found."""
    earlier = RunFolder(tmp_path / "earlier")
    shutil.copytree(followed.path, earlier.path)
    kept = earlier.read_evaluations()
    assert kept is not None
    (gallery,), (hardest,), (scatter,) = (
        find_look(followed, name).blocks for name in ("mistakes", "hardest_images", "feature_map")
    )
    assert isinstance(gallery, Gallery)
    assert isinstance(hardest, Gallery)
    assert isinstance(scatter, Scatter)
    recipe, pictures = earlier.read_recipe(), kept.pictures["train"]
    splits = split_recipe_data(recipe, load_recipe_data(recipe))
    near = torch.tensor([[one.index for one in image.near] for image in gallery.images])
    far = [[float(one.notes[0].split()[1]) for one in image.near] for image in gallery.images]
    record = MistakeRecord(
        pictured=pictures.indices,
        pictures=pictures.pixels,
        labels=splits.train.labels[pictures.indices],
        mistakes=torch.tensor([one.index for one in gallery.images]),
        neighbours=near,
        distances=torch.tensor(far),
        num_searched=torch.tensor([371]),
        mapped=torch.arange(200),
        positions=torch.tensor(scatter.positions),
        variance=torch.tensor([0.5, 0.25]),
        hardest=torch.tensor([one.index for one in hardest.images]),
    )
    write_arrays(earlier.mistakes_file, record.to_arrays())
    earlier.evaluations_file.unlink()
    earlier.pictures_file.unlink()
    assert earlier.is_finished()
    result = earlier.read_result()
    assert result is not None
    looks = read_looks(earlier, result, splits.validation)
    # of the network, which no record can answer for
    asked = {"baselines", "robustness", "shift_consistency", "weak_segments"}
    known = [one for one in kept.looks if one.name not in asked]
    assert [(one.name, one.split) for one in looks.looks] == [(one.name, one.split) for one in known]
    for before, now in zip(looks.looks, known, strict=True):
        if before.name != "feature_map":
            assert (before.sentence, before.values, before.blocks) == (now.sentence, now.values, now.blocks)
    page, style = render_findings(earlier, result, splits.validation)
    assert page.count("<use ") == 200
    assert "background-image" in style
    assert 'aria-label="training image' in page


def test_every_cell_opens_as_many_images_as_it_counts(followed: RunFolder) -> None:
    page = followed.report_file.read_text(encoding="utf-8")
    confusion = followed.read_result().best.validation.confusion
    for true, row in enumerate(confusion):
        for guess, count in enumerate(row):
            opens = f'<a href="#cell-{true}-{guess}">{count}</a>'
            section = re.search(rf'<section class="cell" id="cell-{true}-{guess}">(.*?)</section>', page)
            assert (opens in page) == bool(count) == bool(section)
            if section:
                assert f": {count} image" in section.group(1)
                assert section.group(1).count("<figure>") == min(count, 12)


def test_pictures_are_of_validation_and_training_images_only(followed: RunFolder) -> None:
    page = followed.report_file.read_text(encoding="utf-8")
    shown = [unescape(text) for text in re.findall(r'class="pic" role="img"[^>]*aria-label="([^"]*)"', page)]
    assert len(shown) > 100
    assert all("validation image" in text or "training image" in text for text in shown)
    assert len(followed.read_openings()) == 1


def test_the_map_shows_every_validation_image_and_rings_the_wrong_ones(followed: RunFolder) -> None:
    page = followed.report_file.read_text(encoding="utf-8")
    result = followed.read_result()
    assert page.count("<use ") == 200
    assert page.count('class="ring"') == 200 - result.best.validation.correct


def test_the_page_of_what_was_followed_names_the_hardest(followed: RunFolder) -> None:
    page = followed.report_file.read_text(encoding="utf-8")
    assert "<h3>Hardest images (training)</h3>" in page
    assert "371 training images were followed over 2 epochs" in page
    assert page.count('<br><span class="soft">mean loss ') == 24


def test_a_network_without_a_head_still_gets_its_report(tmp_path) -> None:
    plugin = tmp_path / "functional.py"
    plugin.write_text(
        "import torch\nfrom torch import nn\nfrom loupe import register_model\n\n"
        "class Whole(nn.Module):\n    def __init__(self, pixels, classes):\n        super().__init__()\n"
        "        self.weight = nn.Parameter(torch.zeros(pixels, classes))\n\n"
        "    def forward(self, images):\n        return images.flatten(1) @ self.weight\n\n"
        '@register_model("whole")\ndef whole(*, in_channels: int, image_size: tuple[int, int], '
        'num_classes: int) -> nn.Module:\n    """All in one module."""\n'
        "    return Whole(in_channels * image_size[0] * image_size[1], num_classes)\n"
    )
    settings = ("model=whole", "train.epochs=1", "data.fraction=0.3", f"run.folder={tmp_path / 'runs'}")
    run = loupe.train("digits", *settings, plugins=[str(plugin)])
    assert run.is_finished()
    assert "no images as the network sees them (validation): There is no layer" in run.log_file.read_text(
        encoding="utf-8"
    )
    page = run.report_file.read_text(encoding="utf-8")
    assert '<section class="cell"' in page
    assert "No training images beside them: There is no layer" in page
    assert '<figure class="map">' not in page
