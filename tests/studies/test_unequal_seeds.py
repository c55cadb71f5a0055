"""What a study says while some of its runs are still to come."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from loupe.publishing.study_tables import tabulate_study
from loupe.statistics.conclusions import Difference
from loupe.studies.analysis import StudyAnalysis, analyse_study
from loupe.studies.answer import answer_question
from loupe.studies.folder import StudyFolder
from loupe.studies.report import write_cell, write_study_report
from loupe.studies.table import list_numbers
from tests.studies.arms import make_row, make_rows, make_study

ARMS = {arm: dict[str, object]() for arm in "abcd"}
VALUES = {
    "a": {10: 0.90, 11: 0.91, 12: 0.95},
    "b": {10: 0.92, 11: 0.93},
    "c": {10: 0.93},
    "d": {7: 0.90, 8: 0.92},
}
ROWS = [make_row(arm, seed, value) for arm, of_arm in VALUES.items() for seed, value in of_arm.items()]


def analyse() -> StudyAnalysis:
    return analyse_study(make_study(arms=ARMS, reference="a", seeds=[7, 8, 10, 11, 12]), ROWS)


def test_the_table_says_on_how_many_seeds_a_difference_rests() -> None:
    analysis = analyse()
    written = [write_cell(analysis, cell)["difference"] for cell in analysis.cells]
    assert written == ["", "+2.00 (2 seeds)", "+3.00 (1 seed)", "-1.00 (unpaired)"]
    rows = list(list_numbers(analysis))
    assert [row["difference_seeds"] for row in rows] == ["", "2", "1", "0"]
    assert [row["seeds"] for row in rows] == ["3", "2", "1", "2"]


def test_the_answer_and_the_table_of_a_paper_say_what_differences_rest_on() -> None:
    told = (
        "Not all arms have the same seeds: means are over all of an arm's, differences over those it shares; "
        "unpaired, as no seed is shared: d."
    )
    analysis = analyse()
    assert answer_question(analysis).endswith(told)
    assert told in tabulate_study(analysis, StudyFolder(Path("nowhere"))).caption


def test_a_study_that_is_done_says_nothing_of_it() -> None:
    rows = [row for arm in "abcd" for row in make_rows(arm, [0.9, 0.91, 0.92])]
    rows = [row if row.arm == "a" else make_row(row.arm, row.seed, 0.8 + 0.01 * row.seed) for row in rows]
    analysis = analyse_study(make_study(arms=ARMS, reference="a"), rows)
    assert "same seeds" not in answer_question(analysis)
    assert all("seed" not in write_cell(analysis, cell)["difference"] for cell in analysis.cells)


def test_the_page_says_it_too(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    study = make_study(arms=ARMS, reference="a", seeds=[7, 8, 10, 11, 12])
    folder.write_results(ROWS, ())
    write_study_report(study, folder, None)
    page = re.sub(r"\s+", " ", folder.report_file.read_text(encoding="utf-8"))
    assert "+2.00 (2 seeds)" in page
    assert "How much an arm varies is told by all of its seeds." in page


@pytest.mark.parametrize("reference", ["a", "b", "c"])
@pytest.mark.parametrize("by_key", [True, False])
def test_an_arm_whose_runs_are_all_anothers_is_no_comparison_of_its_own(reference: str, by_key: bool) -> None:
    """It has seeds missing, and was no copy for that: a difference of exactly nothing stood as a finding."""
    others = [row for row in ROWS if row.arm in "ab"]
    taken = [replace(row, arm="c") for row in others if row.arm == "a"][:2]
    taken = taken if by_key else [replace(row, key=f"{row.key} of c") for row in taken]
    arms = {arm: dict[str, object]() for arm in "abc"}
    seeds = [10, 11, 12]
    alone = analyse_study(make_study(arms={"a": {}, "b": {}}, reference="a", seeds=seeds), others)
    analysis = analyse_study(make_study(arms=arms, reference=reference, seeds=seeds), [*others, *taken])
    answer = answer_question(analysis)
    how = "is" if by_key else "came out the same to the last digit as"
    assert f"Every finished run of c {how} one of a: their difference is not known yet." in answer
    cells = {cell.arm: cell for cell in analysis.cells}
    assert [cells[arm].summary.num_seeds for arm in "abc"] == [3, 2, 2]
    if reference == "a":
        assert analysis.overall["b"] == alone.overall["b"], "c counts as a comparison"
        assert cells["b"] == alone.cells[1]
    if reference in "ac":
        same = analysis.overall["c" if reference == "a" else "a"]
        assert (same.mean, same.interval, same.conclusion) == (
            0.0,
            None,
            Difference(0.0, None, None, 2).conclusion,
        )
    else:
        assert "c" not in analysis.overall
        assert cells["c"].difference is None
    write_cell(analysis, cells["c"])
    assert len(list(list_numbers(analysis))) == 3
