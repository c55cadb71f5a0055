"""`loupe write`: methods and results in words, with the record's numbers."""

import re
from pathlib import Path

import pytest

from loupe.cli import main
from loupe.models import MODELS, build_model
from loupe.models.layer_table import describe_layers
from loupe.publishing import run_words, write_draft
from loupe.publishing.draft import Draft, Heading, Paragraph, Points
from loupe.publishing.draft_writers import write_latex_draft, write_markdown
from loupe.publishing.report_figure import ReportFigure
from loupe.publishing.run_words import (
    describe_data,
    describe_network,
    describe_results,
    describe_selection,
    describe_training,
)
from loupe.publishing.table import ReportColumn, ReportTable
from loupe.publishing.theory_text import tell_merits
from loupe.runs import RunFolder
from loupe.studies.run import run_study
from tests.publishing.test_tables import assert_closed
from tests.studies.conftest import make_study


@pytest.fixture(scope="module")
def latex(reported: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_draft(reported, "latex", out=tmp_path_factory.mktemp("draft") / "out").file


@pytest.mark.thorough
def test_latex_closes_and_its_figures_are_there(latex: Path) -> None:
    text = latex.read_text(encoding="utf-8")
    assert_closed(text.partition(r"\begin{document}")[2].rpartition(r"\end{document}")[0])
    named = re.findall(r"\\includegraphics\[width=\d+mm,[^\]]*\]\{(.+?)\}", text)
    assert len(named) > 5
    assert all((latex.parent / name).read_bytes().startswith(b"%PDF") for name in named)
    assert {path.name for path in (latex.parent / "figures").iterdir()} == {Path(one).name for one in named}


@pytest.mark.thorough
def test_numbers_come_with_their_interval_and_selection_is_said(latex: Path, reported: RunFolder) -> None:
    text = " ".join(latex.read_text(encoding="utf-8").split())
    best = reported.require_result().best
    assert best is not None
    assert best.test is not None
    assert best.test.headline.describe().replace("%", r"\%") in text
    assert (
        f"The weights of epoch {best.epoch} are kept: those with the best accuracy on the 200 validation"
        in text
    )
    assert "Looks at the test set: this run: once" in text


def test_the_words_hold_the_record(reported: RunFolder) -> None:
    recipe, result = reported.read_recipe(), reported.require_result()
    best = result.best
    assert best is not None
    assert best.test is not None
    assert best.test.headline.describe() in describe_results(reported, result)
    data = describe_data(reported, recipe, result)
    assert "200 validation and 360 test images of 10 classes" in data
    assert "30 % of the training images are used" in data
    network = describe_network(reported, recipe, result)
    assert f"{result.parameters:,} parameters" in network
    fields = MODELS.settings_type(recipe.model.name).model_fields
    for name, value in recipe.model.settings.items():
        assert (f"{name.replace('_', ' ')} {value}" in network) == (value != fields[name].default), name
    assert "nothing else was selected by this run" in describe_selection([reported], recipe, result)
    assert "5 epochs" in describe_training(reported, recipe, result)


def test_markdown_and_latex_set_what_a_name_holds() -> None:
    draft = Draft("a_b*", "50 %", [Heading("x#"), Paragraph("<script> & $"), Points(("one", "[two]"))])
    assert b"&lt;script> & $" in write_markdown(draft, {})
    text = write_latex_draft(draft, {}).decode()
    assert_closed(text.partition(r"\begin{document}")[2].rpartition(r"\end{document}")[0])
    assert r"\textless{}script\textgreater{} \& \$" in text


@pytest.mark.thorough
def test_every_figure_and_table_is_referred_to_and_every_reference_is_there(latex: Path) -> None:
    text = latex.read_text(encoding="utf-8")
    labels, references = re.findall(r"\\label\{(.+?)\}", text), re.findall(r"\\ref\{(.+?)\}", text)
    assert sorted(labels) == sorted(set(references))
    assert len(labels) == len(set(labels)) > 8


def test_a_reader_is_sent_to_figures_and_tables_by_number() -> None:
    from matplotlib.figure import Figure

    curves, bars = (ReportFigure(name, name, "What it shows.", Figure()) for name in ("curves", "bars"))
    table = ReportTable("bars", "Numbers.", (ReportColumn("a"),), ((1,),))
    draft = Draft(
        "t", "n", [Paragraph("Said.", (table, bars, curves)), Paragraph("Alone."), curves, bars, table]
    )
    text = write_markdown(draft, {"curves": "c.png", "bars": "b.png"}).decode()
    assert "Said. See Figures 1 and 2 and Table 1.\n" in text
    assert "Alone.\n" in text
    tex = write_latex_draft(draft, {"curves": "c.pdf", "bars": "b.pdf"}).decode()
    assert r"Said. See Figures~\ref{fig:curves} and \ref{fig:bars} and Table~\ref{tab:bars}." in tex


@pytest.mark.thorough
def test_a_word_document_opens_with_its_pictures(reported: RunFolder, tmp_path: Path) -> None:
    docx = pytest.importorskip("docx")
    written = write_draft(reported, "docx", out=tmp_path)
    document = docx.Document(str(written.file))
    assert len(document.inline_shapes) == written.num_figures
    assert len(document.tables) == written.num_tables
    assert "Methods" in [one.text for one in document.paragraphs]
    section = document.sections[0]
    room = section.page_width - section.left_margin - section.right_margin + 10_000  # EMU: its twips
    assert all(shape.width <= room for shape in document.inline_shapes)
    for table in document.tables:
        assert sum(column.width for column in table.columns) <= room
        assert "w:tblHeader" in table.rows[0]._tr.xml  # the head comes again on each page
    results = next(one for one in document.tables if one.cell(0, 0).text == "class")
    assert results.cell(1, 1).paragraphs[0].alignment == docx.enum.text.WD_ALIGN_PARAGRAPH.RIGHT
    captions = [one for one in document.paragraphs if one.style.name == "Caption"]
    assert len(captions) == written.num_figures + written.num_tables
    assert all(one.paragraph_format.keep_with_next for one in captions if one.text.startswith("Table"))


@pytest.mark.thorough
def test_a_study_is_written_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = make_study(arms={"a": {}, "b": {"model": {"widths": [8]}}})
    run_study(study, tmp_path, engine="serial")
    out = tmp_path / "draft"
    assert main(["write", str(tmp_path / "small"), "--out", str(out)]) == 0
    text = (out / "draft.md").read_text(encoding="utf-8")
    assert "Does it help?" in text
    assert "Study small: 4 runs, 2 seeds" in text
    assert re.search("Described is [ab], seed 0; the others differ from it", text)
    assert "The data set is digits: " in text
    assert "The network is mlp (" in text
    assert "It is trained for 2 epochs" in text
    limits = text.partition("## Limits")[2].partition("## Reproduction")[0]
    assert "- Each mean is over 2 seeds: how far seeds lie apart is known roughly only." in limits
    assert "- Figures rest on 360 test images; intervals count these as drawn by chance. The study " in limits
    assert "says nothing of other data than digits." in limits
    assert "looked at the test images 4 times together" in limits
    is_open = "cannot tell" in text.partition("## Methods")[0]
    assert ("these runs cannot tell whether it differs from" in limits) == is_open
    assert "figures/small--test-accuracy.png" in text
    assert (out / "figures" / "small--test-accuracy.png").is_file()
    assert main(["table", str(tmp_path / "small"), "--latex"]) == 0
    assert_closed(capsys.readouterr().out.partition(r"\begin")[2].join(["\\begin", ""]))
    assert main(["figures", str(tmp_path / "small"), "--format", "svg", "--out", str(tmp_path / "f")]) == 0
    assert (tmp_path / "f" / "small--test-accuracy.svg").is_file()


@pytest.mark.thorough
def test_a_series_says_its_mean(reported: RunFolder, tmp_path: Path) -> None:
    import loupe

    quick = ("train.epochs=2", "model.width=1", "data.fraction=0.3", "evaluate.look_inside=false")
    series = loupe.train("digits", *quick, "run.seeds=[0, 1]", f"run.folder={tmp_path / 'runs'}")
    text = write_draft(series, out=tmp_path / "out").file.read_text(encoding="utf-8")
    assert "Mean of best test accuracy over 2 seeds" in text
    assert f"{series.path.name}: mean" in text
    assert "So 2 networks were trained, with the seeds 0 and 1." in text
    assert "these 2 runs: twice; " in text
    assert "Those of means over seeds hold for new seeds and new images." in text


@pytest.mark.thorough
def test_one_document_has_theory_data_and_results(reported: RunFolder, tmp_path: Path) -> None:
    written = write_draft(reported, "latex", out=tmp_path, theory=True)
    text = written.file.read_text(encoding="utf-8")
    assert_closed(text.partition(r"\begin{document}")[2].rpartition(r"\end{document}")[0])
    headings = re.findall(r"\\(?:sub)?section\{(.+?)\}", text)
    assert headings[:3] == ["Theory", "Neuron and activation", "Convolution"]
    assert headings.index("Merits and limits of convolutional networks") < headings.index("Methods")
    labels, references = re.findall(r"\\label\{(.+?)\}", text), re.findall(r"\\ref\{(.+?)\}", text)
    assert sorted(labels) == sorted(set(references))
    assert {"fig:theory-neuron", "fig:data-pixels", "fig:data-images", "tab:normalization"} <= set(labels)
    assert {"tab:pairs-test", "fig:right-answers-validation", "fig:curves-learning-rate"} <= set(labels)
    assert not any(one.startswith("fig:network-") for one in labels), "the pipeline is that picture"
    assert written.left_out == []


def test_sections_keep_their_figures_and_tables() -> None:
    table = ReportTable("t", "Numbers.", (ReportColumn("a"),), ((1,),))
    draft = Draft("t", "n", [Heading("One"), table, Heading("Sub", 2), Heading("Two"), Heading("Three")])
    text = write_latex_draft(draft, {}).decode()
    assert text.count(r"\clearpage") == 1
    assert text.index(r"\clearpage") < text.index("{Two}")


def test_merits_have_a_sum_of_the_networks_own() -> None:
    model = build_model("cnn", in_channels=1, image_size=(8, 8), num_classes=10, conv_layers=4)
    layers = describe_layers(model, in_channels=1, image_size=(8, 8))
    first = next(one for one in layers.rows if one.kind == "Conv2d")
    made = first.output_shape[0] * 64
    merits, _ = tell_merits(layers)
    assert f"the {first.parameters:,} parameters of {first.name} make {made:,} numbers of 64" in merits
    assert f"would take {64 * made + made:,}" in merits
    mlp = describe_layers(
        build_model("mlp", in_channels=1, image_size=(8, 8), num_classes=10), in_channels=1, image_size=(8, 8)
    )
    assert "(" not in tell_merits(mlp)[0]


def test_pairs_that_are_as_confused_as_the_last_are_counted(
    reported: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = reported.require_result()
    assert result.best is not None
    assert result.best.test is not None
    confusion = result.best.test.confusion
    cells = [
        (count / sum(row), count) for i, row in enumerate(confusion) for j, count in enumerate(row) if i != j
    ]
    ranked = sorted((one for one in cells if one[1]), reverse=True)
    tied = next(place for place in range(1, len(ranked)) if ranked[place] == ranked[place - 1])
    more = ranked[tied:].count(ranked[tied - 1])
    monkeypatch.setattr(run_words, "_MOST_PAIRS", tied)
    assert f", and {more} more pair" in describe_results(reported, result)
    monkeypatch.setattr(run_words, "_MOST_PAIRS", len(ranked))
    assert "like the last" not in describe_results(reported, result), "nothing is left out"
