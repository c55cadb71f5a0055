import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from loupe.data import Dataset, load_dataset, split_dataset
from loupe.errors import DataError, DataFileError, LoupeError

COLOURS = {"blue": (0, 0, 255), "red": (255, 0, 0)}


def save(path: Path, colour: object = (9, 9, 9), size: tuple[int, int] = (6, 6), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


def make_folder(root: Path, count: int = 20, *, first: int = 0, **settings: object) -> Path:
    for name, (red, _, blue) in COLOURS.items():
        for index in range(count):
            save(root / name / f"{index}.png", (red, first + index, blue), **settings)
    return root


def load(root: Path, **settings: object) -> Dataset:
    return load_dataset("folder", path=str(root), **settings)


def test_one_folder_a_class_with_a_test_part_set_apart(tmp_path: Path) -> None:
    dataset = load(make_folder(tmp_path))
    assert dataset.train.class_names == ("blue", "red")
    assert dataset.train.images.shape[1:] == (3, 6, 6)
    assert len(dataset.train) + len(dataset.test) == 40
    assert all(0 < count < 12 for count in dataset.test.class_counts()), "about a fifth of each class"
    assert int(dataset.train.images[dataset.train.labels == 1][0, 0, 0, 0]) == 255


def test_the_test_part_depends_on_the_images_alone(tmp_path: Path) -> None:
    first, again = load(make_folder(tmp_path)), load(tmp_path)
    assert first.test.digest == again.test.digest
    splits = [split_dataset(first, validation=0.3, seed=seed) for seed in (0, 1)]
    assert splits[0].test.digest == splits[1].test.digest


def test_no_setting_changes_which_files_are_test_images(tmp_path: Path) -> None:
    """Else tuning the image size would train on what was test before."""
    for name, first in (("a", 0), ("b", 100)):
        for index in range(30):
            save(tmp_path / name / f"{index}.png", first + index, mode="L")

    def shades(**settings: object) -> list[int]:
        test = load(tmp_path, **settings).test.open("compare the test images of two settings")
        return sorted(test.images[:, 0, 0, 0].tolist())

    assert shades() == shades(image_size=4, fit="resize") == shades(image_size=9, fit="crop", colour="colour")


def test_train_validation_and_test_folders_are_taken_as_they_are(tmp_path: Path) -> None:
    make_folder(tmp_path / "train", 4)
    make_folder(tmp_path / "val", 2, first=10)
    make_folder(tmp_path / "test", 3, first=20)
    dataset = load(tmp_path)
    splits = split_dataset(dataset, validation=0.5)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (8, 4, 6)


def test_grey_images_have_one_channel_unless_colour_is_wanted(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for index in range(30):
            save(tmp_path / name / f"{index}.png", 4 * index + 120 * (name == "b"), mode="L")
    assert load(tmp_path).train.in_channels == 1
    assert load(tmp_path, colour="colour").train.in_channels == 3
    save(tmp_path / "a" / "colourful.png", (1, 2, 3))
    assert load(tmp_path).train.in_channels == 3
    assert load(tmp_path, colour="grey").train.in_channels == 1


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("RGBA", (255, 0, 0, 0), [255, 255, 255]),  # glass over white
        ("RGBA", (255, 0, 0, 255), [255, 0, 0]),
        ("CMYK", (0, 255, 255, 0), [255, 0, 0]),
        ("P", 0, [0, 0, 0]),
        ("1", 1, [255, 255, 255]),
        ("LA", (10, 255), [10, 10, 10]),
        ("I;16", 513, [2, 2, 2]),
    ],
)
def test_every_kind_of_picture_becomes_plain_pixels(
    tmp_path: Path, mode: str, colour: object, expected: list[int]
) -> None:
    suffix = "tif" if mode == "CMYK" else "png"
    for part in ("train", "test"):
        make_folder(tmp_path / part, 1)
        save(tmp_path / part / "odd" / f"picture.{suffix}", colour, mode=mode)
    dataset = load(tmp_path)
    odd = dataset.train.images[dataset.train.labels == 1][0]
    assert odd[:, 3, 3].tolist() == expected


def test_a_photograph_lying_on_its_side_is_put_upright(tmp_path: Path) -> None:
    make_folder(tmp_path / "train", 1)
    make_folder(tmp_path / "test", 1)
    pixels = np.zeros((6, 6, 3), np.uint8)
    pixels[0] = 255  # a white top edge; orientation 6 says: turn a quarter clockwise to see it upright
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "train" / "blue" / "0.png", exif=exif)
    dataset = load(tmp_path)
    image = dataset.train.images[dataset.train.labels == 0][0, 0]
    assert image[:, -1].tolist() == [255] * 6
    assert image[:, 0].tolist() == [0] * 6


def test_grey_pictures_saved_as_colour_are_grey(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for index in range(30):
            save(tmp_path / name / f"{index}.png", (4 * index + 120 * (name == "b"),) * 3)
    assert load(tmp_path).train.in_channels == 1


def test_sizes_that_differ_need_a_stated_policy(tmp_path: Path) -> None:
    make_folder(tmp_path)
    save(tmp_path / "red" / "wide.png", size=(9, 4))
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    assert str(caught.value) == (
        "The images differ in size.\n  got: width x height (images): 6 x 6 (40), 9 x 4 (1)\n"
        "  allowed: one size, or a stated way to reach it: data.fit = resize, crop or pad\n"
        "  next: add data.image_size=6 data.fit=resize (or crop, or pad)"
    )
    with pytest.raises(DataError, match=r"The images are not all of the wanted size"):
        load(tmp_path, image_size=8)


@pytest.mark.parametrize(
    ("fit", "rows"),
    [
        ("resize", [[7, 7, 200, 200]] * 4),  # both sides squeezed to four pixels
        ("crop", [[7, 7, 200, 200]] * 4),  # the middle 4 x 4 of 8 x 4
        ("pad", [[0] * 4, [7, 7, 200, 200], [7, 7, 200, 200], [0] * 4]),  # 4 x 2 between black bars
    ],
)
def test_each_policy_does_what_it_says(tmp_path: Path, fit: str, rows: list[list[int]]) -> None:
    pixels = np.full((4, 8), 7, np.uint8)
    pixels[:, 4:] = 200
    for part in ("train", "test"):
        for name in ("a", "b"):
            path = tmp_path / part / name / "0.png"
            path.parent.mkdir(parents=True)
            Image.fromarray(pixels).save(path)
    image = load(tmp_path, image_size=4, fit=fit).train.images[0, 0]
    assert image[:, [0, 3]].tolist() == [[row[0], row[3]] for row in rows]


def test_images_are_decoded_once_and_again_when_a_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder(tmp_path / "images")
    opened: list[object] = []
    real_open = Image.open

    def counting_open(*arguments: object, **settings: object) -> Image.Image:
        opened.append(arguments)
        return real_open(*arguments, **settings)

    monkeypatch.setattr(Image, "open", counting_open)
    first = load(folder)
    assert len(opened) == 80, "each once for its size, once for its pixels"
    assert load(folder).train.digest == first.train.digest
    assert len(opened) == 80, "the cache was not used"
    save(folder / "red" / "0.png", (1, 2, 3))
    changed = load(folder)
    assert len(opened) == 160, "the cache was used although a file changed"
    assert {first.train.digest, first.test.digest} != {changed.train.digest, changed.test.digest}


def test_a_damaged_cache_is_made_anew(tmp_path: Path) -> None:
    import pooch

    folder = make_folder(tmp_path / "images")
    first = load(folder)
    (cached,) = (Path(pooch.os_cache("loupe")) / "pixels").glob("*/train_images.npy")
    cached.write_bytes(cached.read_bytes()[:100])
    assert load(folder).train.digest == first.train.digest


def truncate(path: Path) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue()[:900])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (truncate, "truncated"),
        (lambda path: path.write_bytes(b""), "not an image"),
        (lambda path: path.write_text("hello"), "not an image"),
    ],
)
def test_damaged_images_are_all_named(tmp_path: Path, damage: Callable[[Path], None], reason: str) -> None:
    make_folder(tmp_path)
    damage(tmp_path / "red" / "1.png")
    damage(tmp_path / "blue" / "3.png")
    with pytest.raises(DataFileError) as caught:
        load(tmp_path)
    text = str(caught.value)
    assert f"2 of 40 images in {tmp_path} cannot be read." in text
    assert "blue/3.png (" in text
    assert "red/1.png (" in text
    assert reason in text


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    make_folder(tmp_path)
    (tmp_path / "red" / "notes.txt").write_text("not a picture")
    (tmp_path / "red" / ".hidden.png").write_text("not a picture")
    (tmp_path / ".git").mkdir()
    dataset = load(tmp_path)
    assert len(dataset.train) + len(dataset.test) == 40


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda root: None, r"does not hold two classes or more\.\n  got: sub-folders: none"),
        (lambda root: (root / "red").mkdir(), r"got: sub-folders: red"),
        (lambda root: [(root / name).mkdir() for name in "ab"], r"hold no images\.\n  got: a, b"),
        (
            lambda root: [make_folder(root / "train", 2), save(root / "test" / "gren" / "0.png")],
            r"The test folder has classes that the training folder has not\.\n  got: gren",
        ),
        (
            lambda root: [make_folder(root / "train", 2), (root / "test").mkdir()],
            r"The test folder has no images\.",
        ),
        (
            lambda root: [make_folder(root / "val", 2), make_folder(root / "test", 2)],
            r"are partly splits and partly not\.\n  got: test, val",
        ),
        (
            lambda root: [make_folder(root / part, 2) for part in ("train", "val", "valid")],
            r"are partly splits and partly not\.\n  got: train, val, valid",
        ),
    ],
)
def test_folders_that_hold_no_dataset(
    tmp_path: Path, prepare: Callable[[Path], object], message: str
) -> None:
    prepare(tmp_path)
    with pytest.raises(DataError, match=message):
        load(tmp_path)


def test_a_missing_folder_gets_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "flowers").mkdir()
    with pytest.raises(DataError) as caught:
        load(tmp_path / "flower")
    assert str(caught.value) == (
        f"There is no folder {tmp_path / 'flower'}.\n  got: {tmp_path / 'flower'}\n"
        "  allowed: a folder with one sub-folder of images a class\n  did you mean: flowers\n"
        "  next: set data.path, which counts from the folder you are in"
    )


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_of_unknown_range_are_refused(tmp_path: Path, mode: str) -> None:
    make_folder(tmp_path)
    save(tmp_path / "red" / "deep.tif", 1, mode=mode)
    with pytest.raises(DataFileError, match=r"red/deep\.tif \(pixels of 32 bits; save it with 8 or 16 bits"):
        load(tmp_path)


def test_the_thinnest_image_can_be_padded(tmp_path: Path) -> None:
    make_folder(tmp_path, size=(1000, 1))
    assert load(tmp_path, image_size=8, fit="pad").train.image_size == (8, 8)


def test_a_test_part_too_small_for_the_classes_is_refused(tmp_path: Path) -> None:
    make_folder(tmp_path, 2)
    with pytest.raises(
        DataError, match=r"part would hold no image of (blue|red)(.|\n)*data\.test_part = 0\.2;"
    ):
        load(tmp_path)


def test_settings_are_checked() -> None:
    with pytest.raises(DataError, match=r"data\.fit says how, but not to what size\."):
        load_dataset("folder", path=".", fit="pad")
    with pytest.raises(LoupeError, match=r"folder\.fit: got 'squeeze'; allowed: 'resize', 'crop' or 'pad'"):
        load_dataset("folder", path=".", fit="squeeze")
    with pytest.raises(LoupeError, match=r"folder\.path: got nothing; allowed: a value is required"):
        load_dataset("folder")
