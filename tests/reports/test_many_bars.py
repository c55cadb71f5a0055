"""Looks of many classes on a page: what is worst and best is seen, the rest is folded."""

import re

from loupe.evaluations import Look, Looks, Matrix
from loupe.evaluations.finding import Bar, Bars, Column, Table
from loupe.reports.looks import render_looks

LONG = "ein sehr langer Klassenname der wirklich nicht mehr aufhört und noch weiter geht"


def draw(*blocks: Bars | Table | Matrix) -> str:
    look = Look("made", "Made", "Classes", 10, "validation", 4, 0.0, blocks=blocks)
    return str(render_looks(Looks((look,), {}), {}, ()).html)


def test_of_many_bars_the_lowest_and_the_highest_are_seen_side_by_side() -> None:
    bars = tuple(Bar(f"class {number}", (number * 7 % 150) / 150) for number in range(150))
    page = draw(Bars("", bars, 0.5))
    seen, folded = page.split("<details>")
    assert "The 20 lowest" in seen
    assert "The 20 highest" in seen
    assert len(re.findall('class="track"', seen)) == 40
    assert "<summary>All 150</summary>" in folded
    assert len(re.findall('class="track"', folded)) == 150
    assert seen.index(">class 0<") < seen.index(
        f">class {next(n for n in range(150) if n * 7 % 150 == 149)}<"
    )
    assert "<details>" not in draw(Bars("", bars[:40]))


def test_a_table_of_many_rows_is_folded() -> None:
    rows = tuple((f"class {number}", number) for number in range(150))
    columns = (Column("class"), Column("images", "count"))
    assert "<summary>The table: 149 rows</summary>" in draw(Table("", columns, rows, num_totals=1))
    assert "<summary>" not in draw(Table("", columns, rows[:60]))


def test_a_long_name_is_cut_in_a_matrix_and_whole_beside_it() -> None:
    page = draw(Matrix("", ("a", LONG), ((1, 0), (0, 1)), "images of {row} taken for {column}"))
    names = re.findall(r'<th scope="\w+" title="([^"]*)" data-whole="([^"]*)"\s*>(?:<span>)?([^<]*)<', page)
    assert [whole for _, whole, _ in names] == ["a", LONG, "a", LONG]
    assert names[1][2] == names[3][2] == "ein sehr lan…weiter geht"
