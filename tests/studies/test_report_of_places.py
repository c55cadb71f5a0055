"""The table of a study: the verdict beside the arm, and no column that would be empty."""

import re
from pathlib import Path

import pytest

from loupe.studies.folder import StudyFolder
from loupe.studies.report import tabulate_arms, write_study_report
from loupe.studies.rows import StudyRow

from .arms import AXIS, make_rows, make_study

PLACES = ("0.1", "0.5", "1")


def make_places(gain: float) -> list[StudyRow]:
    """Return rows of two arms at all places, four seeds each; the second is better by so much."""
    rows = []
    for number, place in enumerate(PLACES):
        values = [0.7 + 0.05 * number + one for one in (0.0, 0.01, 0.003, 0.006)]
        rows += make_rows("plain", values, at={"fraction": place})
        better = [value + gain + 0.002 * (-1) ** seed for seed, value in enumerate(values)]
        rows += make_rows("smooth", better, at={"fraction": place})
    return rows


def read_table(page: str, head: str) -> tuple[list[str], list[list[tuple[str, str]]]]:
    """Return headings of the first table behind a heading, and of each row the cells' classes and texts."""
    (table,) = re.findall(rf"{head}.*?<table>(.*?)</table>", page, re.DOTALL)[:1]
    headings = re.findall(r"<th(?: [^>]*)?>(.*?)</th>", table, re.DOTALL)
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table.split("<tbody>")[1], re.DOTALL)
    cells = [re.findall(r"<td(?: class=\"([^\"]*)\")?>(.*?)</td>", row, re.DOTALL) for row in rows]
    return [one.strip() for one in headings], [[(a, b.strip()) for a, b in row] for row in cells]


@pytest.mark.parametrize(("gain", "is_judged"), [(0.0, False), (0.1, True)])
def test_single_places_have_a_verdict_only_where_they_are_judged(
    gain: float, is_judged: bool, tmp_path: Path
) -> None:
    study = make_study(arms={"plain": {}, "smooth": {}}, axes=AXIS, reference="plain", seeds=[0, 1, 2, 3])
    folder = StudyFolder(tmp_path)
    folder.write_results(make_places(gain), ("fraction",))
    analysis = write_study_report(study, folder, None)
    page = folder.report_file.read_text(encoding="utf-8")
    headings, rows = read_table(page, 'id="table"')
    assert headings[:2] == (["arm", "shown"] if is_judged else ["arm", "seeds"])
    assert ("p" in headings) == is_judged
    assert headings.count("95 % interval") == 1 + is_judged
    for number, heading in enumerate(headings):
        assert any(row[number][1] for row in rows), heading
    difference = headings.index("against plain")
    classes = {row[difference][0].strip() for row in rows if row[difference][1]}
    assert classes == ({"n"} if is_judged else {"n noise"})
    assert ("grey in this table: not looked at" in " ".join(page.split())) != is_judged
    assert read_table(page, "On average over all places")[0][:2] == ["arm", "shown"]
    assert ("shown" in tabulate_arms(analysis)[0]) == is_judged
