"""A run's network opened for use: the numbers of the run itself, and images of any kind."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import loupe
from loupe.errors import DataFileError, LoupeError, RunError, ShapeError
from loupe.running.training_setup import load_recipe_data, load_validation_images
from loupe.runs import RunFolder
from loupe.using.classifier import Classifier, open_classifier
from loupe.using.inspect_run import inspect_run
from tests.quick_runs import StopAfter, Train

COLOURS = {"blue": (20, 40, 250), "red": (250, 40, 20)}


@pytest.fixture
def run(train: Train) -> RunFolder:
    return train("train.epochs=1")


def make_folder(root: Path, size: tuple[int, int] = (12, 8)) -> Path:
    for name, colour in COLOURS.items():
        (root / name).mkdir(parents=True)
        for index in range(12):
            image = Image.new("RGB", size, colour)
            image.putpixel((index % size[0], 0), (0, 0, 0))
            image.save(root / name / f"{index}.png")
    return root


def train_on_folder(tmp_path: Path, *overrides: str) -> RunFolder:
    quick = ("train.epochs=1", "data.validation=4", "evaluate.look_inside=false", "model=mlp")
    data = (f"data.path={make_folder(tmp_path / 'crops')}", f"run.folder={tmp_path / 'runs'}")
    return loupe.train({"data": {"name": "folder"}}, *quick, *data, *overrides)


@pytest.mark.parametrize("override", ["evaluate.batch_size=64", "train.channels_last=true", "model=mlp"])
def test_the_probabilities_are_those_of_the_run_to_the_bit(override: str, train: Train) -> None:
    overrides = ["model={name='mlp'}"] if override == "model=mlp" else [override]
    run = train("train.epochs=1", *overrides)
    images = load_validation_images(run).images
    stored = run.read_predictions()["validation"]
    classifier = open_classifier(run.path)
    assert torch.equal(classifier.compute_logits(images), stored.logits)
    assert torch.equal(classifier.predict(images), stored.probabilities)
    assert len(classifier.predict(images[:0])) == 0


def test_it_says_what_it_is(run: RunFolder) -> None:
    classifier = open_classifier(run, device="cpu")
    assert classifier.class_names == tuple("0123456789")
    assert (classifier.in_channels, classifier.image_size, classifier.fit) == (1, (8, 8), None)
    assert (classifier.recipe_name, classifier.run.path) == ("digits", run.path)
    assert not classifier.model.training


@pytest.fixture(scope="module")
def grey() -> Classifier:
    """A classifier of grey images of 6 x 4 pixels, with a network that is never asked."""
    return make_classifier(channels=1)


def make_classifier(channels: int) -> Classifier:
    normalization = loupe.data.normalization.Normalization((0.5,) * channels, (0.5,) * channels)
    return Classifier(
        *(torch.nn.Flatten(), torch.device("cpu"), ("a", "b"), normalization, channels, (4, 6)),
        *(None, "none", RunFolder(Path("nowhere"))),
    )


def test_images_come_as_the_network_wants_them(grey: Classifier, tmp_path: Path) -> None:
    picture = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
    colour = make_classifier(channels=3)
    image = Image.fromarray(picture)
    assert torch.equal(grey.prepare(image)[0], torch.from_numpy(picture))
    assert torch.equal(colour.prepare(image), torch.from_numpy(picture).expand(3, -1, -1))
    deep = Image.fromarray(picture.astype(np.uint16) * 256 + 99)
    assert torch.equal(grey.prepare(deep)[0], torch.from_numpy(picture))
    see_through = Image.new("RGBA", (6, 4), (0, 0, 0, 0))
    assert int(grey.prepare(see_through).min()) == 255, "glass lies over white"
    palette = Image.fromarray(picture).convert("RGB").quantize(64)
    assert int((grey.prepare(palette)[0].int() - torch.from_numpy(picture).int()).abs().max()) <= 2
    turned = Image.fromarray(np.rot90(picture).copy())
    exif = turned.getexif()
    exif[0x0112] = 6  # the camera was turned: the file's left is the picture's bottom
    turned.save(tmp_path / "turned.png", exif=exif)
    for source in (tmp_path / "turned.png", str(tmp_path / "turned.png")):
        assert torch.equal(grey.prepare(source)[0], torch.from_numpy(picture))
    with (tmp_path / "turned.png").open("rb") as file:
        assert torch.equal(grey.prepare(file)[0], torch.from_numpy(picture))
    assert int(grey.prepare(Image.new("RGB", (6, 4), (255, 0, 0)))[0, 0, 0]) == 76  # 0.299 of red


def test_another_size_is_refused_unless_somebody_said_how_to_change_it(grey: Classifier) -> None:
    image = Image.new("L", (12, 4), 200)
    with pytest.raises(ShapeError, match="got: 12 x 4 pixels\n  allowed: 6 x 4") as caught:
        grey.prepare(image)
    assert "not for Loupe to guess" in str(caught.value)
    assert int(grey.prepare(image, fit="resize").min()) == 200
    assert int(grey.prepare(image, fit="crop").min()) == 200
    padded = grey.prepare(image, fit="pad")[0]
    assert padded[:, 0].tolist() == [0, 200, 200, 0]


def test_the_rule_of_the_training_images_holds(tmp_path: Path) -> None:
    run = train_on_folder(tmp_path, "data.image_size=8", "data.fit=pad")
    classifier = open_classifier(run.path)
    assert classifier.fit == "pad"
    prepared = classifier.prepare(tmp_path / "crops" / "red" / "3.png")
    assert prepared.shape == (3, 8, 8)
    trained_on = {image.tobytes() for image in load_recipe_data(run.read_recipe()).train.images.numpy()}
    files = (tmp_path / "crops").rglob("*.png")
    assert trained_on <= {classifier.prepare(file).numpy().tobytes() for file in files}


def test_inspect_brings_a_file_to_the_size_as_training_did(tmp_path: Path) -> None:
    run = train_on_folder(tmp_path, "data.image_size=8", "data.fit=pad")
    page = inspect_run(run.path, image=tmp_path / "crops" / "red" / "3.png", out=tmp_path / "out")
    assert "The image is 3.png." in page.read_text(encoding="utf-8")


def test_a_network_of_oblong_images(tmp_path: Path) -> None:
    classifier = open_classifier(train_on_folder(tmp_path).path)
    assert classifier.image_size == (8, 12)
    probabilities = classifier.predict(classifier.prepare(tmp_path / "crops" / "red" / "3.png")[None])
    assert probabilities.shape == (1, 2)
    assert float(probabilities.sum()) == pytest.approx(1)


def test_files_that_are_no_images(grey: Classifier, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(DataFileError, match=r"text\.png cannot be read\.\n  got: not an image"):
        grey.prepare(tmp_path / "text.png")
    with pytest.raises(DataFileError, match="No such file"):
        grey.prepare(tmp_path / "nothing.png")
    (tmp_path / "program.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 6 4\n%%EndComments\n")
    with pytest.raises(DataFileError, match="got: not an image"):
        grey.prepare(tmp_path / "program.eps")
    with pytest.raises(DataFileError, match=r"The image cannot be read\.\n  got: not an image"):
        grey.prepare(io.BytesIO(b"no image"))


@pytest.mark.parametrize("side", [10_000, 20_000])
def test_an_image_that_unpacks_to_gigabytes_is_refused_before_it_does(
    grey: Classifier, tmp_path: Path, side: int
) -> None:
    """Both of Pillow's limits: at the first it only warns."""
    Image.new("1", (side, side)).save(tmp_path / "bomb.png")
    with pytest.raises(DataFileError, match="got: more than 89 million pixels"):
        grey.prepare(tmp_path / "bomb.png", fit="resize")


def test_other_tensors_are_refused(run: RunFolder) -> None:
    classifier = open_classifier(run.path)
    for images in (torch.zeros(2, 1, 8, 8), torch.zeros(1, 8, 8, dtype=torch.uint8)):
        with pytest.raises(ShapeError, match=r"allowed: torch\.uint8 of shape \(images, 1, 8, 8\)"):
            classifier.predict(images)


def test_runs_that_have_no_classifier(train: Train, tmp_path: Path) -> None:
    unit = ("data.normalize=unit", "train.label_smoothing=0", "train.epochs=1")
    codes = train("model={name='autoencoder', widths=[8]}", *unit)
    with pytest.raises(RunError, match="trained no classifier: its network gives images back"):
        open_classifier(codes.path)
    series = train("train.epochs=1", "run.seeds=[1, 2]")
    with pytest.raises(RunError, match=r"is a series of seeds: as many networks(.|\n)*next: name .*seed-1"):
        open_classifier(series.path)
    assert open_classifier(series.path / "seed-2").run.path.name == "seed-2"
    with pytest.raises(RunError, match="There is no run 'nothing'"):
        open_classifier("nothing")


def test_a_run_broken_off_before_its_first_epoch_has_no_weights(run: RunFolder) -> None:
    run.best_file.unlink()
    with pytest.raises(RunError, match=r"has no weights yet(.|\n)*next: loupe resume"):
        open_classifier(run.path)
    with run.locked(), pytest.raises(RunError, match="next: wait: another process is training it"):
        open_classifier(run.path)


def test_a_run_broken_off_later_can_be_asked(train: Train) -> None:
    run = train("train.epochs=3", observers=[StopAfter(2, KeyboardInterrupt())])
    images = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    assert open_classifier(run.path).predict(images).shape == (1, 10)


PLUGIN = '''
from torch import nn
from loupe import register_model

@register_model("flat")
def flat(*, in_channels: int, image_size: tuple[int, int], num_classes: int) -> nn.Module:
    """A linear classifier."""
    return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * image_size[0] * image_size[1], num_classes))
'''


def test_a_network_from_a_plugin(tmp_path: Path) -> None:
    plugin = tmp_path / "flat.py"
    plugin.write_text(PLUGIN)
    quick = ["train.epochs=1", "evaluate.look_inside=false", f"run.folder={tmp_path / 'runs'}"]
    run = loupe.train("digits", "model={name='flat'}", *quick, plugins=[str(plugin)])
    assert len(open_classifier(run.path).class_names) == 10
    plugin.write_text(PLUGIN + "\n# changed\n")
    with pytest.raises(RunError, match=r"changed since it was trained(.|\n)*another content of: .*flat\.py"):
        open_classifier(run.path)
    plugin.unlink()
    with pytest.raises(LoupeError, match="There is no plugin file"):
        open_classifier(run.path)
