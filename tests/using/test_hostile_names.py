"""Names that a folder can have and a terminal, a table or a file should not obey."""

import csv
import os
from pathlib import Path

import pytest
from PIL import Image

from loupe.cli import main
from loupe.data import load_dataset
from loupe.data.pixel_cache import find_cache_folder
from loupe.errors import DataError, LoupeError
from loupe.runs.packing import unpack
from loupe.terminal import print_line, print_table
from loupe.using.verify_run import verify
from loupe.wording import guard_cell, read_guarded_cell, show_plainly
from tests.quick_runs import Train
from tests.running.test_leakage import draw, save
from tests.running.test_leakage import train as train_folder

ORDER = "\x1b[2J\x1b]0;title\x07\u202e"


def test_text_is_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    assert show_plainly(f"a{ORDER}b\n\tü\u00a0é") == "a\\x1b[2J\\x1b]0;title\\x07\\u202eb\n\tü\u00a0é"
    assert show_plainly("\udcff") == "\\udcff"
    print_line(ORDER)
    print_table(("name",), [(ORDER,)])
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@x", "'a", "plain", "-1.5", "'=x", ""])
def test_a_guarded_cell_reads_back(text: str) -> None:
    assert read_guarded_cell(guard_cell(text)) == text
    assert not guard_cell(text).startswith(("=", "+x", "-x", "@"))


def test_predictions_begin_no_formula(train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train()
    folder = tmp_path / "=cmd|C!A0"
    folder.mkdir()
    Image.new("L", (8, 8), 7).save(folder / f"one{ORDER[:4]}.png")
    out = tmp_path / "answers.csv"
    monkeypatch.chdir(tmp_path)
    assert main(["predict", str(run.path), "=cmd|C!A0", "--out", str(out)]) == 0
    with out.open(newline="") as file:
        (_, row) = csv.reader(file)
    assert row[0].startswith("'=cmd")
    assert "\x1b" not in out.read_text()


def test_a_class_whose_name_is_no_text_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    for name in (b"ant", b"caf\xe9"):
        folder = tmp_path / "images" / os.fsdecode(name)
        folder.mkdir(parents=True)
        for index in range(8):
            Image.new("L", (8, 8), 20 * index).save(folder / f"{index}.png")
    with pytest.raises(DataError, match="a name that is no text"):
        load_dataset("folder", path=str(tmp_path / "images"))


def test_files_whose_names_are_no_text_can_be_listed(tmp_path: Path) -> None:
    save(tmp_path / "images", "", draw(40, 3))
    first = next((tmp_path / "images").rglob("*.png"))
    first.rename(os.fsdecode(os.fsencode(first.parent) + b"/\xff\xfe.png"))
    run = train_folder(tmp_path / "images", tmp_path / "runs")
    assert verify(run.path)[0].is_sound
    call = ["data", "folder", f"data.path={tmp_path / 'images'}", "--manifest", str(tmp_path / "list.csv")]
    assert main([*call, "--out", str(tmp_path / "card")]) == 0


def test_verify_decodes_files_whatever_the_cache_holds(tmp_path: Path) -> None:
    """Painted pixels in the cache gave 100 %, and every image of the run was said to be there."""
    save(tmp_path / "images", "", draw(60, 3))
    train_folder(tmp_path / "images", tmp_path / "runs", "name=first")
    painted = list(find_cache_folder().glob("*/*images.npy"))
    assert painted
    for file in painted:
        content = bytearray(file.read_bytes())
        content[-40:] = bytes(40)
        file.write_bytes(content)
    run = train_folder(tmp_path / "images", tmp_path / "runs", "name=second")
    found = {one.check: one.verdict for one in verify(run.path)[0].findings}
    assert found["data"] == "altered"


@pytest.mark.parametrize("place", ["pipe", "/dev/zero", "nothing"])
def test_only_a_file_is_unpacked(place: str, tmp_path: Path) -> None:
    archive = tmp_path / place if not place.startswith("/") else Path(place)
    if place == "pipe":
        os.mkfifo(archive)
    with pytest.raises(LoupeError, match="There is no archive"):
        unpack(archive, tmp_path / "runs")


@pytest.mark.parametrize("sample", ["0", "-1"])
def test_a_sample_of_no_image_is_refused(
    train: Train, sample: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train()
    assert main(["verify", str(run.path), f"--sample={sample}"]) == 1
    assert "1 or more validation images" in capsys.readouterr().err


def test_settings_inside_one_another_have_an_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = tmp_path / "deep.toml"
    recipe.write_text(f"{'.'.join('a' * 5000)} = 1\n")
    assert main(["show", str(recipe)]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_weights_of_a_run_come_by_the_run(train: Train) -> None:
    """By the file alone, test images of that run could be validated on, uncounted."""
    source = train()
    with pytest.raises(LoupeError, match="holds the weights of a run"):
        train(f"transfer.weights={source.best_file}")
