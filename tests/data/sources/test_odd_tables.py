"""Tables, folders and arrays as other systems write them: the same images, or a refusal that helps."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from loupe.data import SOURCES, Dataset, load_dataset
from loupe.errors import DataError

NAMES = ("cat", "dog")
COUNT = 20


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    generator = np.random.default_rng(4)
    for name in NAMES:
        (tmp_path / "crops" / name).mkdir(parents=True)
        for index in range(COUNT):
            pixels = generator.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "crops" / name / f"{index}.png")
    return tmp_path / "crops"


def list_rows() -> list[tuple[str, str]]:
    return [(f"{name}/{index}.png", name) for name in NAMES for index in range(COUNT)]


def load_table(crops: Path, rows: list[tuple[str, str]], encoding: str = "utf-8") -> Dataset:
    text = "path,label\n" + "".join(f"{path},{label}\n" for path, label in rows)
    table = crops.parent / "crops.csv"
    table.write_bytes(text.encode(encoding))
    return load_dataset("csv", path=str(table), folder=str(crops))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings_that_say_what_they_are(crops: Path, encoding: str) -> None:
    assert (
        load_table(crops, list_rows(), encoding).train.digest == load_table(crops, list_rows()).train.digest
    )


def test_an_encoding_that_says_nothing_is_refused(crops: Path) -> None:
    rows = [(path, label.replace("dog", "Hühnerhof")) for path, label in list_rows()]
    with pytest.raises(DataError, match=r"CSV in UTF-8, with commas, semicolons or tabs"):
        load_table(crops, rows, "latin-1")


def test_paths_as_windows_writes_them(crops: Path) -> None:
    rows = [(path.replace("/", "\\"), label) for path, label in list_rows()]
    assert load_table(crops, rows).train.digest == load_table(crops, list_rows()).train.digest


def test_a_name_that_really_has_a_backslash(crops: Path) -> None:
    (crops / "cat" / "0.png").rename(crops / "cat\\0.png")
    rows = [("cat\\0.png", "cat"), *list_rows()[1:]]
    dataset = load_table(crops, rows)
    assert "cat\\0.png" in {*(dataset.train.paths or ()), *(dataset.test.table.paths or ())}


@pytest.mark.parametrize("change", ["C:\\Users\\me\\{0}", "images/{0}", "{0}.jpeg"])
def test_files_none_of_which_is_there_are_a_wrong_folder(crops: Path, change: str) -> None:
    rows = [(change.format(path), label) for path, label in list_rows()]
    with pytest.raises(DataError, match=r"The files that .*crops\.csv names are not there\.") as refused:
        load_table(crops, rows)
    assert "next: set data.folder to the folder that the paths start from" in str(refused.value)


def test_labels_that_became_floats_are_the_whole_numbers_they_were(crops: Path) -> None:
    floats = [(path, f"{NAMES.index(label) + 9}.0") for path, label in list_rows()]
    assert load_table(crops, floats).train.class_names == ("9", "10")
    mixed = [(path, label if label == "10.0" else "9.5") for path, label in floats]
    assert load_table(crops, mixed).train.class_names == ("10.0", "9.5")


@pytest.mark.parametrize(
    "text",
    [
        "path;label\n{rows}",
        "path;label;width (px, real)\n{wide}",
        "sep=;\npath;label\n{rows}",
        "path,label\n{quoted}",
    ],
)
def test_whole_numbers_with_decimal_commas_are_the_numbers_they_were(crops: Path, text: str) -> None:
    """As spreadsheets write them where semicolons stand between cells."""
    labelled = [(path, f"{NAMES.index(label) + 9},0") for path, label in list_rows()]
    table = crops.parent / "crops.csv"
    rows = "".join(f"{path};{label}\n" for path, label in labelled)
    wide = "".join(f"{path};{label};7,25\n" for path, label in labelled)
    quoted = "".join(f'{path},"{label}"\n' for path, label in labelled)
    table.write_text(text.format(rows=rows, wide=wide, quoted=quoted), encoding="utf-8")
    assert load_dataset("csv", path=str(table), folder=str(crops)).train.class_names == ("9", "10")


def test_decimal_commas_between_commas_are_refused_with_the_way_out(crops: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_table(crops, [(path, f"{NAMES.index(label)},0") for path, label in list_rows()])
    assert "got: 3 cells under 2 columns\n" in str(caught.value)
    assert "one that holds a comma, as 3,0 does, stands in quotation marks" in str(caught.value)


@pytest.mark.parametrize("other", ["Cat", "cat ", "c\u0041t", "ca\uff54"])
def test_classes_whose_names_look_alike_are_warned_of(crops: Path, other: str) -> None:
    (crops / other).mkdir()
    generator = np.random.default_rng(5)
    for index in range(COUNT):
        Image.fromarray(generator.integers(0, 256, (8, 8), dtype=np.uint8)).save(
            crops / other / f"{index}.png"
        )
    (said,) = load_dataset("folder", path=str(crops)).notes
    assert said.startswith("The classes ")
    assert repr(other) in said
    assert "differ only in case, spaces, dashes or how a letter is encoded" in said


def test_names_that_differ_are_not_warned_of(crops: Path) -> None:
    assert load_dataset("folder", path=str(crops)).notes == ()


def write_table(crops: Path, text: str | bytes) -> Path:
    table = crops / "table.csv"
    table.write_bytes(text.encode() if isinstance(text, str) else text)
    return table


def spell(separator: str = ",", header: str = "path,label", more: str = "") -> str:
    rows = [header.replace(",", separator)]
    rows += [f"{path}{separator}{label}{more}" for path, label in list_rows()]
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        *(spell(one) for one in ";\t|"),
        "sep=;\n" + spell(";"),
        '"sep=|"\r\n' + spell("|"),
        "\ufeffsep=;\n" + spell(";"),
        spell().replace("\n", "\r\n"),
        spell().replace("\n", "\r"),
        spell(";", header='path,label,"one, two, three"', more=";1"),
        spell(header=",path,label").replace("\ncat", "\n1,cat").replace("\ndog", "\n2,dog"),
        spell("\t") + "\n\t\n",
    ],
    ids=range(11),
)
def test_tables_of_all_sorts_are_the_same_table(crops: Path, text: str) -> None:
    loaded = load_dataset("csv", path=str(write_table(crops, text)))
    plain = load_dataset("csv", path=str(write_table(crops, spell())))
    assert (loaded.train.digest, loaded.test.digest) == (plain.train.digest, plain.test.digest)


@pytest.mark.parametrize(
    ("text", "said", "got"),
    [
        (spell(header="path,label,Label", more=",x"), "has several columns label", "path, label, Label"),
        (spell(header="path,path,label", more=",x"), "has several columns path", "path, path, label"),
        (spell().partition("\n")[2], "begins with an image, not with the names", "cat/0.png, cat"),
        (spell() + "cat/a\0b.png,cat\n", "Line 42 of", "no name of a file: cat/a\0b.png"),
        (spell() + "a" * 300 + ".png,cat\n", "Line 42 of", "no name of a file: aaaa"),
        ("sep=,\n" + spell() + "x,,\n", "Line 43 of", "3 cells under 2 columns"),
        (b"PK\x03\x04" + b"\xff" * 40, "cannot be read", "a workbook or an archive"),
        (b"PAR1" + b"\xff" * 40, "cannot be read", "a Parquet file"),
        ("", "has no column of paths", "no header"),
        ("path,label\n", "lists too little", "0 training images"),
    ],
    ids=range(10),
)
def test_tables_that_cannot_be_meant_are_refused(crops: Path, text: str | bytes, said: str, got: str) -> None:
    with pytest.raises(DataError, match=said) as refused:
        load_dataset("csv", path=str(write_table(crops, text)))
    assert str(refused.value.got).startswith(got)


def test_a_column_of_folds_is_no_split_unless_it_is_named(crops: Path) -> None:
    table = write_table(crops, spell(header="path,label,fold", more=",3"))
    dataset = load_dataset("csv", path=str(table))
    (said,) = dataset.notes
    assert said == "The column fold holds numbers, no train, validation or test, and was passed over."
    plain = load_dataset("csv", path=str(write_table(crops, spell())))
    assert dataset.train.digest == plain.train.digest
    write_table(crops, spell(header="path,label,fold", more=",3"))
    with pytest.raises(DataError, match="Line 2 of") as refused:
        load_dataset("csv", path=str(table), split_column="fold")
    assert refused.value.got == "split 3"
    write_table(crops, spell(header="path,label,split", more=",train") + "cat/0.png,cat,\n")
    with pytest.raises(DataError, match="Line 42 of"):
        load_dataset("csv", path=str(table))


def load_arrays(folder: Path, **arrays: np.ndarray) -> Dataset:
    np.savez(folder / "arrays.npz", **arrays)
    return load_dataset("arrays", path=str(folder / "arrays.npz"))


IMAGES = np.random.default_rng(6).integers(0, 256, (40, 8, 8), dtype=np.uint8)
LABELS = np.arange(40) % 2


@pytest.mark.parametrize(
    "labels",
    [
        np.where(LABELS, np.inf, 0.0),
        np.where(LABELS, np.nan, 0.0),
        np.where(LABELS, 1e300, 0.0),
        np.where(LABELS, 0.5, 0.0),
        np.where(LABELS, b"\xff", b"ok"),
        LABELS.astype("datetime64[Y]"),
        LABELS + 0j,
    ],
    ids=["inf", "nan", "vast", "half", "bytes", "dates", "complex"],
)
def test_labels_that_name_no_class_are_refused(tmp_path: Path, labels: np.ndarray) -> None:
    """Endless ones once became the class -9223372036854775808."""
    with pytest.raises(DataError, match="do not name one class an image"):
        load_arrays(tmp_path, images=IMAGES, labels=labels)


def test_two_classes_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="have one name") as refused:
        load_arrays(tmp_path, images=IMAGES, labels=LABELS, class_names=np.array(["ant", "ant"]))
    assert refused.value.got == "ant"


def test_images_with_a_fourth_channel_are_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="have no shape of images") as refused:
        load_arrays(tmp_path, images=np.repeat(IMAGES[..., None], 4, axis=3), labels=LABELS)
    assert "images[..., :3]" in str(refused.value.next_step)


@pytest.mark.parametrize("kind", [">u2", "<u2", ">f4", ">i8", "u1", "?"])
def test_arrays_of_any_byte_order_are_the_same_images(tmp_path: Path, kind: str) -> None:
    bright = IMAGES > 127
    scale = {"u": 65535 if kind.endswith("2") else 255, "f": 1, "i": 255, "?": 1}[kind.strip("<>")[0]]
    loaded = load_arrays(tmp_path, images=(bright * scale).astype(kind), labels=LABELS.astype(">i2"))
    assert loaded.train.digest == load_arrays(tmp_path, images=bright, labels=LABELS).train.digest


@pytest.mark.parametrize("source", ["folder", "csv", "arrays"])
def test_an_empty_path_is_not_the_folder_one_is_in(source: str) -> None:
    assert [one.where for one in SOURCES.find_mistakes(source, {"path": ""}, where="data")] == ["data.path"]


def test_links_that_lead_nowhere_are_counted(crops: Path) -> None:
    (crops / "dog" / "gone.png").symlink_to(crops / "nothing.png")
    (crops / "dog" / "round.png").symlink_to(crops / "dog" / "round.png")
    assert load_dataset("folder", path=str(crops)).notes == (
        "Passed over in crops: 2 links that lead nowhere.",
    )


def test_arrays_of_other_lengths_are_counted(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.zeros((9, 4, 4), np.uint8), labels=np.arange(8) % 2)
    with pytest.raises(DataError, match=r"Of the train part of arrays a\.npz(.|\n)*9 images, 8 labels"):
        load_dataset("arrays", path=str(tmp_path / "a.npz"))
