from typing import Any

import pytest

from loupe.reproductions.claims import (
    Found,
    Verdict,
    judge_claims,
    judge_effect,
    judge_numbers,
    judge_winner,
)
from loupe.reproductions.files import list_reproductions, read_reproduction
from loupe.reproductions.schema import Effect, Numbers, Reproduction, Winner
from loupe.studies import parse_study
from loupe.studies.files import read_study_file
from tests.studies.test_answer import make_row, make_rows


def make_found(rows: list[Any], **study: Any) -> Found:
    arms = {row.arm: {} for row in rows if row.arm}
    return Found(parse_study({"recipe": "digits", "arms": arms, **study}), tuple(rows))


def judge_number(published: float, found: Found | None, **more: Any) -> Verdict:
    numbers = {"test_accuracy": published}
    claim = Numbers(row="L", what="a thing", study="s", arm="a", published=numbers, **more)  # type: ignore[arg-type]  # plain texts, checked when it runs
    (verdict,) = judge_numbers(claim, found)
    return verdict


def test_a_number_is_reproduced_if_one_more_run_would_reach_it() -> None:
    """Student's prediction interval of 0.98 ± 0.01 over three seeds reaches 0.98 ± 4.303 · 0.01 · √(4/3)."""
    found = make_found(make_rows("a", [0.97, 0.98, 0.99]))
    assert judge_number(0.98 - 0.0496, found).ruling == "reproduced"
    outside = judge_number(0.98 - 0.0498, found)
    assert (outside.ruling, outside.why) == ("not reproduced", "ours is higher by 4.98 points")
    assert (outside.published, outside.ours, outside.num_seeds) == ("93.02 %", "98.00 %", 3)
    assert judge_number(0.98, make_found(make_rows("a", [0.97]))).ruling == "not judged"
    assert judge_number(0.98, None).ruling == "not run"


def test_a_flawed_number_is_shown_beside_ours_and_judged_flawed() -> None:
    found = make_found(make_rows("a", [0.97, 0.98, 0.99]))
    verdict = judge_number(0.0834, found, flaw="D-004-9: a misprint")
    assert (verdict.ruling, verdict.why, verdict.ours) == (
        "original flawed",
        "D-004-9: a misprint",
        "98.00 %",
    )


def test_a_winner_is_held_against_ours() -> None:
    rows = [*make_rows("a", [0.90, 0.91, 0.92]), *make_rows("b", [0.95, 0.97, 0.96])]
    claim = Winner(row="K", what="best", study="s", published="b")
    assert judge_winner(claim, make_found(rows)).ruling == "reproduced"
    other = judge_winner(claim.model_copy(update={"published": "a"}), make_found(rows))
    assert other.ours == "b"
    assert other.why == "b is ahead of a by 5.00 points on average, beyond noise"
    crowd = [*rows, *(row for i in range(40) for row in make_rows(f"c{i}", [0.5, 0.51, 0.52]))]
    assert "within noise" in judge_winner(claim.model_copy(update={"published": "a"}), make_found(crowd)).why


@pytest.mark.parametrize(
    ("published", "values", "ruling"),
    [
        ("better", [0.95, 0.96, 0.97], "reproduced"),
        ("worse", [0.95, 0.96, 0.97], "not reproduced"),
        ("worse", [0.85, 0.86, 0.87], "reproduced"),
        ("no difference", [0.90, 0.92, 0.905], "reproduced"),
        ("no difference", [0.95, 0.96, 0.97], "not reproduced"),
    ],
)
def test_an_effect_is_held_against_its_interval(published: str, values: list[float], ruling: str) -> None:
    rows = [*make_rows("a", [0.900, 0.912, 0.9205]), *make_rows("b", values)]
    claim = Effect(row="K", what="b helps", study="s", arm="b", reference="a", published=published)  # type: ignore[arg-type]  # plain texts, checked when it runs
    assert judge_effect(claim, make_found(rows)).ruling == ruling


@pytest.mark.parametrize(("slope", "outcome"), [(0.1, "gap grows"), (-0.1, "gap shrinks"), (0.0, "no trend")])
def test_a_lead_that_grows_is_told_from_one_that_shrinks(slope: float, outcome: str) -> None:
    rows = []
    for place in (0.1, 0.5, 1.0):
        at = {"fraction": f"{place:g}"}
        noise = [0.001 * place, -0.002 * place, 0.0015 * place]
        rows += make_rows("a", [0.7, 0.71, 0.72], at=at)
        rows += make_rows("b", [0.7 + slope * place + one + 0.01 * i for i, one in enumerate(noise)], at=at)
    axes = {"fraction": {"field": "data.fraction", "values": [0.1, 0.5, 1.0]}}
    claim = Effect(row="K", what="grows", study="s", arm="b", reference="a", published="gap grows")
    verdict = judge_effect(claim, make_found(rows, axes=axes))
    assert verdict.ours.startswith(outcome)
    assert verdict.ruling == ("reproduced" if slope > 0 else "not reproduced")


def test_the_quick_form_judges_no_number() -> None:
    found = {"s": make_found(make_rows("a", [0.97, 0.98, 0.99]))}
    claim = Numbers(row="L", what="a thing", study="s", arm="a", published={"test_accuracy": 0.5})
    reproduction = Reproduction(name="x", title="x", studies=("s",), numbers=(claim,))
    (verdict,) = judge_claims(reproduction, found, is_quick=True)
    assert (verdict.ruling, verdict.ours) == ("not judged", "98.00 %")


@pytest.mark.parametrize("name", list_reproductions())
def test_every_claim_of_a_packaged_reproduction_names_runs_that_exist(name: str) -> None:
    reproduction = read_reproduction(name)
    studies = {one: parse_study(read_study_file(one)) for one in reproduction.studies}
    assert set(reproduction.quick) <= set(studies)
    for claim in (*reproduction.numbers, *reproduction.effects):
        study = studies[claim.study]
        assert not claim.arm or claim.arm in study.arms
        assert not claim.stage or claim.stage in study.stages
        for axis, value in claim.at.items():
            assert value in study.axes[axis].names
        if isinstance(claim, Effect):
            assert claim.reference in study.arms
    for winner in reproduction.winners:
        assert winner.published in studies[winner.study].arms


def test_failed_runs_count_for_nothing() -> None:
    found = make_found([*make_rows("a", [0.97, 0.98]), make_row("a", 2, None)])
    assert judge_number(0.975, found).num_seeds == 2
