import pytest
from hypothesis import given
from hypothesis import strategies as st

from loupe.evaluations import compute_class_scores

NAMES = ("cat", "dog", "ship")


def test_scores_of_a_table_worked_by_hand() -> None:
    """F10: 10 cats, 5 dogs, 5 ships; 9 taken for cat, 7 for dog, 4 for ship."""
    scores = compute_class_scores(((8, 2, 0), (1, 4, 0), (0, 1, 4)), NAMES)
    assert [one.precision for one in scores.per_class] == pytest.approx([8 / 9, 4 / 7, 1.0])
    assert [one.recall for one in scores.per_class] == pytest.approx([0.8, 0.8, 0.8])
    assert [one.f1 for one in scores.per_class] == pytest.approx([16 / 19, 8 / 12, 8 / 9])
    assert scores.macro_precision == pytest.approx((8 / 9 + 4 / 7 + 1) / 3)
    assert scores.macro_recall == pytest.approx(0.8)
    assert scores.macro_f1 == pytest.approx((16 / 19 + 2 / 3 + 8 / 9) / 3)
    assert (scores.never_predicted, scores.without_images) == ((), ())


def test_what_is_undefined_is_none_and_not_zero() -> None:
    scores = compute_class_scores(((3, 0, 0), (2, 0, 0), (0, 0, 0)), NAMES)
    cat, dog, ship = scores.per_class
    assert (cat.precision, cat.recall, cat.f1) == (0.6, 1.0, 0.75)
    assert (dog.precision, dog.recall, dog.f1) == (None, 0.0, 0.0)
    assert (ship.precision, ship.recall, ship.f1) == (None, None, None)
    assert scores.never_predicted == ("dog", "ship")
    assert scores.without_images == ("ship",)
    assert (scores.macro_precision, scores.macro_recall, scores.macro_f1) == (0.6, 0.5, 0.375)


@given(st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=3, max_size=3))
def test_f1_is_the_harmonic_mean(rows: list[list[int]]) -> None:
    for one in compute_class_scores(tuple(map(tuple, rows)), NAMES).per_class:
        if one.precision and one.recall:
            assert one.f1 == pytest.approx(2 / (1 / one.precision + 1 / one.recall))
        elif one.f1 is not None:
            assert one.f1 == 0
