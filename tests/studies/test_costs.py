"""What the arms of a study achieve against what they cost."""

from dataclasses import replace

from loupe.studies.analysis import analyse_study
from loupe.studies.costs import draw_study_costs

from .arms import make_rows
from .conftest import make_study


def test_arms_stand_with_their_means_over_seeds() -> None:
    study = make_study(arms={"small": {}, "large": {}, "vain": {}})
    rows = [
        *make_rows("small", [0.90, 0.92], parameters=1_000, seconds=10.0, multiply_adds=2_000_000),
        *make_rows("large", [0.97, 0.98], parameters=9_000, seconds=20.0, multiply_adds=8_000_000),
        *make_rows("vain", [0.95, 0.96], parameters=20_000, seconds=19.0, multiply_adds=9_000_000),
    ]
    rows[0] = replace(rows[0], seconds=14.0)
    front = draw_study_costs(analyse_study(study, rows))
    assert front is not None
    by_parameters, by_arithmetic, by_time = front.sentences
    assert "small (91.00 % at 1,000) and large (97.50 % at 9,000) are not beaten" in by_parameters
    assert "small (91.00 % at 2 million) and large (97.50 % at 8 million)" in by_arithmetic
    assert "small (91.00 % at 12 s), vain (95.50 % at 19 s) and large (97.50 % at 20 s)" in by_time
    assert front.title == (
        "test accuracy against parameters, multiply-adds of an image and seconds of training"
    )


def test_arms_of_one_network_have_none() -> None:
    study = make_study(arms={"plain": {}, "smooth": {}})
    rows = [
        *make_rows("plain", [0.9, 0.92], parameters=10, seconds=10.0),
        *make_rows("smooth", [0.97, 0.98], parameters=10, seconds=11.0),
    ]
    assert draw_study_costs(analyse_study(study, rows)) is None


def test_of_many_places_an_arm_is_one_point() -> None:
    fractions = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    axes = {"fraction": {"field": "data.fraction", "values": fractions}}
    study = make_study(arms={"plain": {}, "frozen": {}}, axes=axes)
    rows = []
    for place, fraction in enumerate(fractions):
        more = {"at": {"fraction": fraction}}
        rows += make_rows("plain", [0.9 + 0.01 * place] * 2, seconds=100.0 + place, **more)
        if place < 6:  # not finished at the last
            rows += make_rows("frozen", [0.8 + 0.01 * place] * 2, seconds=40.0 + place, **more)
    front = draw_study_costs(analyse_study(study, rows))
    assert front is not None
    assert front.title == "test accuracy against seconds of training, on average over fraction"
    (by_time,) = front.sentences
    assert "frozen (82.50 % at 42.5 s) and plain (92.50 % at 102 s)" in by_time
