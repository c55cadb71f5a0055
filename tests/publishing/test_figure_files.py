"""`loupe figures`: every figure of a run in files, and nothing written over."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from loupe.cli import main
from loupe.errors import LoupeError
from loupe.figures.presentation import StyleName, present
from loupe.publishing import write_figures
from loupe.publishing.class_figures import draw_classes
from loupe.publishing.curve_figures import draw_charts
from loupe.publishing.figure_files import WrittenFigures, render, write_files
from loupe.publishing.report_figure import ReportFigure
from loupe.runs import RunFolder

_SHOWN = {
    "curves-loss", "curves-accuracy", "curves-gap", "curves-learning-rate", "classes-test",
    "classes-validation",
    "confusion-counts-test", "confusion-percent-validation", "calibration-test", "mistakes-validation",
    "feature_map-validation", "filters-conv1", "maps-relu1-one-per-class", "layer-statistics",
    "reasons-one-per-class",
}  # fmt: skip


@pytest.fixture(scope="module")
def written(reported: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> WrittenFigures:
    out = tmp_path_factory.mktemp("figures") / "out"
    return write_figures(reported, formats=["png"], dpi=60, out=out)


@pytest.mark.thorough
def test_every_figure_of_the_report_is_a_file_named_after_run_layer_and_image(
    written: WrittenFigures, reported: RunFolder
) -> None:
    names = {one["name"] for one in written.figures}
    assert names >= _SHOWN
    assert all(file.is_file() and file.name.startswith(f"{reported.path.name}--") for file in written.files)
    assert {"data-classes", "data-images", "data-pixels"} <= names
    assert len({file.name for file in written.files}) == len(written.figures)
    assert any(re.fullmatch(r"layers-validation-\d+-\d", name) for name in names)


@pytest.mark.thorough
def test_each_has_a_caption_that_says_of_which_images_and_which_run(
    written: WrittenFigures, reported: RunFolder
) -> None:
    captions = json.loads((written.folder / "captions.json").read_text(encoding="utf-8"))
    page = (written.folder / "captions.md").read_text(encoding="utf-8")
    assert len(captions) == len(written.figures)
    for one in captions:
        assert reported.path.name in one["caption"]
        assert ".." not in one["caption"].replace("…", "")
        assert one["caption"] in page
    by_name = {one["name"]: one["caption"] for one in captions}
    assert "360 test images" in by_name["confusion-counts-test"]
    assert "200 validation images" in by_name["classes-validation"]


@pytest.mark.thorough
def test_figures_cost_no_look_at_the_test_set(written: WrittenFigures, reported: RunFolder) -> None:
    assert written.figures
    assert len(reported.read_openings()) == 1


@pytest.mark.thorough
def test_on_paper_a_figure_is_as_wide_as_a_column_or_a_page(written: WrittenFigures) -> None:
    for file in written.files:
        with Image.open(file) as picture:
            width, height = (round(pixels / 60 * 25.4) for pixels in picture.size)
        assert width <= 176
        assert height <= 227
    loss = next(file for file in written.files if file.stem.endswith("curves-loss"))
    with Image.open(loss) as picture:
        assert picture.size[0] == int(85 / 25.4 * 60)


@pytest.mark.thorough
def test_grey_has_no_colour_and_its_formats_hold_text(reported: RunFolder, tmp_path: Path) -> None:
    found = write_figures(reported, formats=["png", "svg", "pdf"], dpi=60, style="grey", out=tmp_path / "g")
    for file in (one for one in found.files if one.suffix == ".png"):
        pixels = np.asarray(Image.open(file).convert("RGB")).astype(int)
        assert np.ptp(pixels, axis=2).max() <= 2, file.name
    svg = (tmp_path / "g" / f"{reported.path.name}--curves-loss.svg").read_text(encoding="utf-8")
    assert "<text" in svg
    assert "validation" in svg
    assert all(one.read_bytes()[:5] == b"%PDF-" for one in found.files if one.suffix == ".pdf")
    bar = (tmp_path / "g" / f"{reported.path.name}--confusion-counts-test.svg").read_text(encoding="utf-8")
    assert ">100<" in bar.replace("</text>", "<"), "the colour bar kept its percentages"


@pytest.mark.thorough
def test_curves_and_classes_come_from_the_record_alone_in_every_style(reported: RunFolder) -> None:
    result = reported.require_result()
    drawn = [*draw_charts(reported, result), *draw_classes(reported, result)]
    names = [one.name for one in drawn]
    assert names[:4] == ["curves-loss", "curves-accuracy", "curves-gap", "curves-learning-rate"]
    assert {"classes-test", "confusion-counts-test", "confusion-percent-validation"} <= set(names)
    loss = drawn[0].figure.axes[0]
    history = reported.read_history()
    assert list(loss.lines[0].get_ydata()) == [record.validation_loss for record in history]
    looks = {(line.get_linestyle(), line.get_marker()) for line in loss.lines}
    assert len(looks) == len(loss.lines), "told apart without colour"
    for one, style in zip(drawn, ["paper", "grey", "slides", "grey"], strict=False):
        picture = Image.open(io.BytesIO(render(present_as(one, style), "png", 50)))
        wide, high = (500, 280) if style == "slides" else (int(85 / 25.4 * 50), 400)
        assert picture.size[0] == wide or picture.size[1] == high
        assert picture.size[0] <= wide


def present_as(one: ReportFigure, style: StyleName) -> ReportFigure:
    present(one.figure, style)
    return one


def test_nothing_is_written_over_unless_asked(tmp_path: Path) -> None:
    write_files(tmp_path / "out", {"a.png": b"1", "b.png": b"2"}, replace=False)
    write_files(tmp_path / "out", {"a.png": b"1"}, replace=False)  # the same again is no loss
    with pytest.raises(LoupeError, match=r"1 of these files would be written over.*\n  got: b\.png\n"):
        write_files(tmp_path / "out", {"c.png": b"3", "b.png": b"other"}, replace=False)
    assert not (tmp_path / "out" / "c.png").exists(), "all or none"
    write_files(tmp_path / "out", {"b.png": b"other"}, replace=True)
    assert (tmp_path / "out" / "b.png").read_bytes() == b"other"
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "out" / "link.png").symlink_to(tmp_path / "precious")
    write_files(tmp_path / "out", {"link.png": b"4"}, replace=True)
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_wrong_wishes_are_named(reported: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["figures", str(reported.path), "--format", "gif,png"]) == 1
    assert "got: gif\n  allowed: pdf, svg, png" in capsys.readouterr().err
    assert main(["figures", str(reported.path), "--dpi", "0"]) == 1
    assert "allowed: 1 to 2,400" in capsys.readouterr().err
    assert main(["figures", "nowhere"]) == 1
    assert "or a study's folder" in capsys.readouterr().err


@pytest.mark.thorough
def test_one_image_is_named_in_the_file(reported: RunFolder, tmp_path: Path) -> None:
    found = write_figures(reported, formats=["png"], dpi=30, out=tmp_path / "one", class_name="7")
    names = {one["name"] for one in found.figures}
    (maps,) = (name for name in names if name.startswith("maps-relu1-"))
    assert re.fullmatch(r"maps-relu1-validation-\d+-7", maps)
    with pytest.raises(LoupeError, match="There is no validation image 200"):
        write_figures(reported, formats=["png"], out=tmp_path / "two", index=200)


@pytest.mark.thorough
def test_where_the_images_are_gone_the_rest_is_written_and_the_loss_is_said(
    reported: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loupe.errors import DataError
    from loupe.publishing import run_figures

    def gone(*_: object) -> None:
        raise DataError("The images are gone.")

    for name in ("load_validation_images", "load_run_splits"):
        monkeypatch.setattr(run_figures, name, gone)
    found = write_figures(reported, formats=["png"], dpi=30, out=tmp_path / "rest")
    assert {one["name"] for one in found.figures} >= {"curves-loss", "confusion-counts-test"}
    assert found.left_out == ["figures that need the run's images: The images are gone."]
