"""`loupe table`: numbers of the record, escaped for LaTeX, Markdown and spreadsheets."""

import csv
import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from loupe.cli import main
from loupe.errors import LoupeError
from loupe.publishing import ReportTable, gather_tables, write_tables
from loupe.publishing.class_figures import measure_classes
from loupe.publishing.latex_table import escape_latex, write_latex
from loupe.publishing.table import ReportColumn, write_csv, write_markdown
from loupe.runs import RunFolder, load_model
from loupe.statistics import Interval

NASTY = ReportTable(
    "nasty",
    "50 % of A_B & C#1 {x} ~ ^ \\ $5",
    (
        ReportColumn("name"),
        ReportColumn("accuracy", "%", 2, has_interval=True),
        ReportColumn("loss", "nats"),
    ),
    (
        ("=HYPERLINK(1)", (0.5, Interval(0.25, 0.75)), 0.16),
        ("a|b<c>_*", (1 / 3, None), None),
    ),
    num_totals=1,
)


def test_latex_is_escaped_and_closed() -> None:
    text = write_latex(NASTY)
    assert r"\caption{50 \% of A\_B \& C\#1 \{x\} \textasciitilde{} \textasciicircum{}" in text
    assert r"accuracy (\%)" in text
    assert r"50.00 {[}25.00, 75.00{]} & 0.160 \\" in text
    assert text.index(r"\midrule", text.index("50.00")) < text.index("33.33"), "a rule before what sums up"
    assert_closed(text)


def assert_closed(text: str) -> None:
    """Check that environments and braces close in order, and no sign stands alone that LaTeX obeys."""
    open_ones: list[str] = []
    for what, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if what == "begin":
            open_ones.append(name)
        else:
            assert open_ones.pop() == name
    assert not open_ones
    plain = re.sub(r"\\[\\{}&%$#_]|~(?=\\ref)", "", text)
    assert plain.count("{") == plain.count("}")
    body = "\n".join(line for line in plain.splitlines() if not line.endswith("{%"))
    assert not re.search(r"[#^~]|(?<!\\)%", body)


@pytest.mark.parametrize("sign", list('\\{}&%$#_~^<>|"–−×±≥≤…→[]'))
def test_every_sign_that_latex_obeys_is_escaped(sign: str) -> None:
    assert escape_latex(sign) != sign
    assert_closed(escape_latex(sign))


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("-6.26 points (-8.88 to -3.63)", "$-$6.26 points ($-$8.88 to $-$3.63)"),
        ("[-1, 1]", "{[}$-$1, 1{]}"),
        ("2026-11-29, run-2, 1e-05, 3-5", "2026-11-29, run-2, 1e-05, 3-5"),
    ],
)
def test_a_hyphen_before_a_number_is_a_minus_sign(text: str, latex: str) -> None:
    assert escape_latex(text) == latex


def test_markdown_cells_stay_in_their_column() -> None:
    row = write_markdown(NASTY).splitlines()[-1]
    assert row == r"| a\|b&lt;c>_\* | 33.33 | – |"


def test_csv_has_all_digits_ends_apart_and_no_formula() -> None:
    rows = list(csv.reader(io.StringIO(write_csv(NASTY))))
    assert rows[0] == ["name", "accuracy (%)", "accuracy (%) low", "accuracy (%) high", "loss (nats)"]
    assert rows[1] == ["'=HYPERLINK(1)", "50", "25", "75", "0.16"]
    assert rows[2] == ["a|b<c>_*", "33.3333333", "", "", ""]


def test_numbers_are_those_of_the_record(reported: RunFolder) -> None:
    result = reported.require_result()
    best = result.best
    assert best is not None
    assert best.test is not None
    (table,) = gather_tables([reported], ["results"])
    (row,) = table.rows
    values = dict(zip([column.label for column in table.columns], row, strict=True))
    assert values["test accuracy (%)"] == (best.test.headline.value, best.test.headline.interval)
    assert values["validation loss (nats)"] == (best.validation.loss, None)
    assert values["best epoch"] == best.epoch
    (layers,) = gather_tables([reported], ["layers"])
    assert layers.rows[-1][4] == result.parameters
    confusion = gather_tables([reported], ["confusion"])[-1]
    assert confusion.name == "confusion-test"
    assert confusion.rows[-1][-1] == best.test.num_images


def test_f1_intervals_hold_the_value_and_precision_is_undefined_where_nothing_was_named() -> None:
    from loupe.metrics import compute_metrics
    from tests.publishing.answers import answer

    score = compute_metrics(answer([0, 0, 1, 1, 2], [0, 1, 1, 1, 0], 3), ("a", "b", "c"))
    found = {one.name: one for one in measure_classes(score, 0.95)}
    assert found["c"].precision is None
    assert found["c"].f1 is not None
    assert found["c"].f1[0] == 0
    assert found["b"].f1 is not None
    value, ends = found["b"].f1
    assert value == pytest.approx(0.8)
    assert ends.low < value < ends.high < 1


def test_several_runs_stand_side_by_side_with_what_differs(reported: RunFolder) -> None:
    results, _, recipe = gather_tables([reported, reported])
    assert len(results.rows) == 2
    assert "train.epochs" in [row[0] for row in recipe.rows], "not the default"
    assert "train.accumulate" not in [row[0] for row in recipe.rows]


def test_the_verb_writes_each_form(
    reported: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(reported.path)
    assert main(["table", place, "--latex"]) == 0
    assert_closed(capsys.readouterr().out)
    file = tmp_path / "results.csv"
    assert main(["table", place, "--csv", "--only", "results", "--out", str(file)]) == 0
    assert file.read_text(encoding="utf-8").startswith("run,seed,best epoch")
    assert main(["table", place, "--only", "results", "--out", str(file)]) == 1
    assert "say --replace" in capsys.readouterr().err
    assert main(["table", place, "--csv"]) == 1
    assert "A CSV file holds one table." in capsys.readouterr().err
    assert main(["table", place, "--only", "resutls"]) == 1
    assert "did you mean: results" in capsys.readouterr().err


def test_two_forms_at_once_are_refused() -> None:
    with pytest.raises(LoupeError, match="one of --latex, --markdown, --csv"):
        write_tables([NASTY], latex=True, csv=True)


def make_wide(num_rows: int) -> ReportTable:
    columns = (ReportColumn("run"), *(ReportColumn(f"accuracy on split {n}", "%", 2) for n in range(14)))
    row = ("wide", *(0.5 + n / 100 for n in range(13)), None)
    return ReportTable("results", "Results.", columns, (row,) * num_rows)


def test_a_wide_table_of_few_rows_is_turned_and_one_of_many_made_smaller() -> None:
    few = write_latex(make_wide(1))
    assert r" & wide \\" in few
    assert r"accuracy on split 1 (\%) & 51.00 \\" in few
    assert r"accuracy on split 13 (\%) & -- \\" in few
    many = write_latex(make_wide(4))
    assert many.count("wide &") == 4
    assert r"\resizebox{\linewidth}" in many
    narrow = ReportTable("results", "Results.", tuple(ReportColumn(f"{n}") for n in range(9)), ((1,) * 9,))
    assert r"\resizebox" not in write_latex(narrow)


def test_headings_are_broken_before_a_table_is_made_smaller() -> None:
    columns = (ReportColumn("run"), *(ReportColumn(f"accuracy on split {n}", "%", 2) for n in range(6)))
    text = write_latex(ReportTable("results", "Results.", columns, (("wide", *(0.5,) * 6),)))
    assert r"\shortstack[r]{accuracy \\ on split \\ 0 (\%)}" in text
    assert not any(word in text for word in ("resizebox", "tiny", "scriptsize"))


def test_a_table_longer_than_a_page_goes_on_with_its_heading() -> None:
    rows = tuple((f"arm {n}", n) for n in range(60))
    text = write_latex(ReportTable("study", "All arms.", (ReportColumn("arm"), ReportColumn("seeds")), rows))
    assert text.count(r"\begin{longtable}") == text.count(r"\end{longtable}") == 1
    assert text.count("arm & seeds") == 2
    assert r"\begin{table}" not in text
    assert text.count("\narm ") == 62


def test_long_words_are_broken_into_lines() -> None:
    rows = (("all runs", "train.epochs = 3; " * 20), ("arm", "as the recipe says"))
    text = write_latex(ReportTable("arms", "Settings.", (ReportColumn("part"), ReportColumn("is")), rows))
    assert re.search(r"\\begin\{tabular\}\{lp\{1[34]\dmm\}\}", text)


@pytest.mark.thorough
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex")
def test_latex_sets_it_without_a_word(tmp_path: Path) -> None:
    rows = tuple((f"arm {n}", n) for n in range(60))
    tables = [NASTY, make_wide(1), make_wide(4), ReportTable("long", "All.", make_wide(1).columns[:2], rows)]
    named = ("[T1]{fontenc}", "{booktabs}", "{graphicx}", "{longtable}", "[margin=25mm]{geometry}")
    head = "\n".join([r"\documentclass[11pt]{article}", *(rf"\usepackage{one}" for one in named)])
    body = "\n".join(map(write_latex, tables))
    (tmp_path / "all.tex").write_text(f"{head}\n\\begin{{document}}\n{body}\n\\end{{document}}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    for _ in range(3):  # longtable settles its widths
        said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stdout[-2000:]
    assert "Overfull" not in said.stdout
    assert "undefined" not in said.stdout


def test_normalisation_says_what_black_and_white_become(reported: RunFolder) -> None:
    (table,) = gather_tables([reported.path], ["normalization"])
    _, description = load_model(reported)
    (mean,), (std,) = (description["normalization"][one] for one in ("mean", "std"))
    ((name, *values),) = table.rows
    assert name == "grey"
    assert values == pytest.approx([mean, std, -mean / std, (1 - mean) / std, 255 * mean])


def test_pairs_are_those_of_the_confusion_matrix(reported: RunFolder) -> None:
    tables = {one.name: one for one in gather_tables([reported.path], ["pairs"])}
    best = reported.require_result().best
    assert best is not None
    assert best.test is not None
    names, confusion = best.test.class_names, best.test.confusion
    for true, taken, count, share in tables["pairs-test"].rows:
        row = confusion[names.index(str(true))]
        assert (row[names.index(str(taken))], count / sum(row)) == (count, share)


def test_a_printed_table_is_one_to_be_read(reported: RunFolder) -> None:
    (table,) = gather_tables([reported.path], ["normalization"])
    assert str(table) == write_markdown(table)
    assert "| grey |" in str(table)
