"""What the analysis says of real results, which lie beside the pages made of them."""

import math
from functools import cache
from pathlib import Path

import pytest

from loupe.reproductions.files import read_reproduction
from loupe.reproductions.number_rules import Found
from loupe.reproductions.placebo import try_placebos
from loupe.studies.analysis import StudyAnalysis, analyse_study
from loupe.studies.answer import answer_question
from loupe.studies.folder import StudyFolder
from loupe.studies.loading import load_study

DOCS = Path(__file__).parents[2] / "docs"
REPRODUCED = DOCS / "reproduction" / "004"


@cache
def analyse(file: Path) -> StudyAnalysis:
    study = load_study(file.stem)
    return analyse_study(study, StudyFolder.read_rows(file, tuple(study.axes)))


@pytest.mark.thorough
def test_frozen_layers_are_worse_at_nearly_all_places_and_one_sentence_says_so() -> None:
    analysis = analyse(REPRODUCED / "fashion-transfer.csv")
    frozen = [cell.difference for cell in analysis.cells if cell.arm == "frozen"]
    shown = [one for one in frozen if one is not None and one.conclusion == "shown" and one.mean < 0]
    assert len(shown) >= 43
    assert f"worse at {len(shown)} of 45 places" in answer_question(analysis)
    assert analysis.overall["frozen"].conclusion == "shown"


@pytest.mark.thorough
def test_autoencoders_of_ten_times_the_error_are_told_apart() -> None:
    analysis = analyse(REPRODUCED / "fashion-autoencoder-grid.csv")
    best = next(cell for cell in analysis.cells if cell.arm == analysis.reference)
    errors: dict[str, list[float]] = {}
    for run in analysis.runs:
        errors.setdefault(run.arm, []).append(run.figure)
    far = [cell for cell in analysis.cells if min(errors[cell.arm]) > 10 * best.summary.mean]
    assert len(far) == 15, "two more average ten times, with one run in three far from the others"
    for cell in far:
        assert cell.difference is not None
        assert cell.difference.conclusion == "shown"
        assert cell.difference.at_least > math.log(5)


def test_a_constant_rate_of_its_own_is_shown_to_be_worse() -> None:
    """2.2 points less in every one of five seeds, which used to be called noise."""
    analysis = analyse(DOCS / "answers" / "recipe-ablation.csv")
    assert analysis.overall["a constant rate of its own"].conclusion == "shown"
    worse = answer_question(analysis).split("worse than it: ")[1].split(";")[0]
    assert "a constant rate of its own by at least 0.47 points" in worse


def test_other_models_numbers_are_called_different_where_models_are_apart() -> None:
    reproduction = read_reproduction("004")
    found = {}
    for name in ("fashion-ten-models", "fashion-transfer"):
        study = load_study(name)
        rows = StudyFolder.read_rows(REPRODUCED / f"{name}.csv", tuple(study.axes))
        found[name] = Found(study, tuple(rows))
    for placebo in try_placebos(reproduction, found):
        own, others = (
            count.get("different", 0) / sum(count.values()) for count in (placebo.own, placebo.others)
        )
        assert others > own, f"{placebo.study}, {placebo.figure}"
