from dataclasses import replace
from typing import Any

import pytest

from loupe.reproductions.claims import (
    Verdict,
    judge_claims,
    judge_effect,
    judge_numbers,
    judge_winner,
    name_causes,
    pair_rows,
)
from loupe.reproductions.files import list_reproductions, read_reproduction
from loupe.reproductions.number_rules import Deltas, Found
from loupe.reproductions.placebo import try_placebos
from loupe.reproductions.schema import Effect, Numbers, Reproduction, Winner
from loupe.studies import parse_study
from loupe.studies.files import read_study_file
from tests.studies.arms import make_row, make_rows


def make_found(rows: list[Any], **study: Any) -> Found:
    arms = {row.arm: {} for row in rows if row.arm}
    return Found(parse_study({"recipe": "digits", "arms": arms, **study}), tuple(rows))


def judge_number(
    published: float, found: Found | None, figure: str = "test_accuracy", **more: Any
) -> Verdict:
    claim = Numbers(row="L", what="a thing", study="s", arm="a", published={figure: published}, **more)
    (verdict,) = judge_numbers(claim, found, Deltas())
    return verdict


def test_a_number_is_different_where_one_more_run_hardly_lies() -> None:
    """Student's prediction interval of 0.98 ± 0.001 over three seeds reaches 4.303 · 0.001 · √(4/3)."""
    found = make_found(make_rows("a", [0.979, 0.98, 0.981]))
    outside = judge_number(0.98 - 0.00498, found)
    assert (outside.ruling, outside.why) == ("different", "ours is higher by 0.50 points")
    assert (outside.published, outside.ours, outside.num_seeds) == ("97.50 %", "98.00 %", 3)
    assert judge_number(0.98 - 0.00496, found).ruling == "cannot tell"
    assert judge_number(0.9805, found).ruling == "consistent"
    assert judge_number(0.98, make_found(make_rows("a", [0.97]))).ruling == "not judged"
    assert judge_number(0.98, None).ruling == "not run"


def test_less_training_can_reach_a_number_and_cannot_refute_it() -> None:
    found = make_found(make_rows("a", [0.929, 0.93, 0.931]))
    below = judge_number(0.9448, found, scaled="10 of 150 epochs")
    assert below.ruling == "not judged"
    assert "ours is lower by 1.48 points, which less training may explain: 10 of 150 epochs" in below.why
    above = judge_number(0.9, found, scaled="10 of 150 epochs")
    assert (above.ruling, above.why) == (
        "different",
        "ours is higher by 3.00 points, with less: 10 of 150 epochs",
    )
    assert judge_number(0.93, found, scaled="10 of 150 epochs").ruling == "consistent"
    assert judge_number(0.93, found, scaled="10 of 150 epochs").why.endswith("; scaled: 10 of 150 epochs")
    other = make_found([make_row("a", seed, 0.9, parameters=5_000_000) for seed in range(3)])
    assert judge_number(4_079_429, other, "parameters", scaled="10 of 150 epochs").ruling == "different"
    losses = [make_row("a", seed, 0.9, test_loss=value) for seed, value in enumerate((0.5, 0.51, 0.49))]
    assert judge_number(0.05, make_found(losses), "test_loss", scaled="less").ruling == "not judged"
    assert judge_number(5.0, make_found(losses), "test_loss", scaled="less").ruling == "different"


def test_one_seed_shows_what_new_images_may_do() -> None:
    row = make_row("a", 0, 0.9, num_test=10_000)
    verdict = judge_number(0.95, make_found([row]))
    assert verdict.interval == "89.40 to 90.57 %"
    assert verdict.why == "one seed says nothing about the spread; the interval is one for new images"


def test_runs_that_vary_too_much_cannot_tell_and_never_pass_a_number_five_points_off() -> None:
    found = make_found(make_rows("a", [0.91, 0.95, 0.955]))
    assert judge_number(0.94, found).ruling == "cannot tell", "it may be points apart"
    assert judge_number(0.9919, found).ruling != "consistent"


def test_losses_are_compared_as_factors() -> None:
    rows = [make_row("a", seed, 0.9, test_loss=value) for seed, value in enumerate((0.050, 0.052, 0.049))]
    assert judge_number(0.051, make_found(rows), "test_loss").ruling == "consistent"
    far = judge_number(0.5, make_found(rows), "test_loss")
    assert far.ruling == "different"
    assert judge_number(0.0, make_found(rows), "test_loss").ruling == "not judged"


def test_a_flaw_stands_beside_the_ruling_with_what_was_demonstrated() -> None:
    found = make_found(make_rows("a", [0.979, 0.98, 0.981]))
    verdict = judge_number(0.0834, found, flaw="D-004-9: a misprint")
    assert (verdict.ruling, verdict.ours) == ("different", "98.00 %")
    assert verdict.defect == "D-004-9: a misprint"
    told = name_causes("D-004-12, -14: the encoder had learned nothing", ["D-004-12"])
    assert told.endswith("(demonstrated here: D-004-12; inferred, not demonstrated: D-004-14)")


def test_a_winner_is_judged_by_how_likely_it_is() -> None:
    rows = [*make_rows("a", [0.90, 0.91, 0.92]), *make_rows("b", [0.95, 0.97, 0.96])]
    claim = Winner(row="K", what="best", study="s", published="b")
    assert judge_winner(claim, make_found(rows)).ruling == "consistent"
    equals = [row for arm in "abcd" for row in make_rows(arm, [0.90, 0.91, 0.92])]
    verdict = judge_winner(claim.model_copy(update={"published": "a"}), make_found(equals))
    assert verdict.ruling == "cannot tell", "among equals it is luck"
    assert "each of 4 equals in 25" in verdict.why
    crowd = [*rows, *(row for i in range(40) for row in make_rows(f"c{i}", [0.5, 0.51, 0.52]))]
    lost = judge_winner(claim.model_copy(update={"published": "c0"}), make_found(crowd))
    assert (lost.ruling, lost.ours.partition(" ")[0]) == ("different", "b")


@pytest.mark.parametrize(
    ("published", "values", "ruling"),
    [
        ("better", [0.95, 0.96, 0.97], "consistent"),
        ("worse", [0.95, 0.96, 0.97], "different"),
        ("worse", [0.85, 0.86, 0.87], "consistent"),
        ("no difference", [0.90, 0.92, 0.905], "cannot tell"),
        ("no difference", [0.95, 0.96, 0.97], "different"),
    ],
)
def test_an_effect_is_held_against_its_interval(published: str, values: list[float], ruling: str) -> None:
    rows = [*make_rows("a", [0.900, 0.912, 0.9055]), *make_rows("b", values)]
    claim = Effect(row="K", what="b helps", study="s", arm="b", reference="a", published=published)  # type: ignore[arg-type]  # plain texts, checked when it runs
    assert judge_effect(claim, make_found(rows)).ruling == ruling


def test_a_seed_that_has_not_come_through_all_places_is_left_out_of_an_effect() -> None:
    """Its average would be of other places, and its slope 0."""
    rows = [
        row
        for place in (1, 2)
        for arm, lead in (("a", 0.0), ("b", 0.01 * place))
        for row in make_rows(arm, [0.8 + lead, 0.81 + lead], at={"size": str(place)})
    ]
    late = [replace(make_rows(arm, [0.9])[0], seed=9, at={"size": "1"}) for arm in "ab"]
    claim = Effect(row="K", what="b", study="s", arm="b", reference="a", published="better")
    axes = {"size": {"field": "model.width", "values": [1, 2]}}
    found, crowded = make_found(rows, axes=axes), make_found([*rows, *late], axes=axes)
    assert pair_rows(claim, crowded) == pair_rows(claim, found)


def test_no_difference_is_shown_by_a_narrow_interval_only() -> None:
    rows = [*make_rows("a", [0.900, 0.9005, 0.9002]), *make_rows("b", [0.9003, 0.9001, 0.9004])]
    claim = Effect(row="K", what="b", study="s", arm="b", reference="a", published="no difference")
    assert judge_effect(claim, make_found(rows)).ruling == "consistent"


def test_a_placebo_is_given_to_every_model() -> None:
    shares = {arm: 0.90 + 0.02 * place for place, arm in enumerate("abcdefg")}
    rows = [
        row for arm, share in shares.items() for row in make_rows(arm, [share - 0.001, share, share + 0.001])
    ]
    numbers = tuple(
        Numbers(row="L", what=arm, study="s", arm=arm, published={"test_accuracy": share})
        for arm, share in shares.items()
    )
    reproduction = Reproduction(name="x", title="x", studies=("s",), numbers=numbers)
    (placebo,) = try_placebos(reproduction, {"s": make_found(rows)})
    assert (placebo.own, placebo.others) == ({"consistent": 7}, {"different": 42})
    assert placebo.apart == "4.00 points"


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
    assert verdict.ruling == ("consistent" if slope > 0 else "different")


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


def test_the_parameters_of_one_network_are_those_of_all() -> None:
    found = make_found([make_row("a", 0, 0.9, parameters=4_079_429)])
    assert judge_number(4_079_429, found, "parameters", scaled="10 of 150 epochs").ruling == "consistent"
    assert judge_number(4_079_430, found, "parameters").ruling == "different"
