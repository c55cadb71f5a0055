import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from loupe.evaluations import Table, compute_class_scores
from loupe.evaluations.absent_classes import say_absent
from loupe.evaluations.class_accuracy import measure_class_accuracy
from loupe.evaluations.class_scores_table import tabulate_class_scores
from loupe.metrics import Predictions

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
    assert scores.never_predicted == ("dog",)
    assert scores.without_images == ("ship",)
    assert (scores.macro_precision, scores.macro_recall, scores.macro_f1) == (0.6, 0.5, 0.375)


@given(st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=3, max_size=3))
def test_f1_is_the_harmonic_mean(rows: list[list[int]]) -> None:
    for one in compute_class_scores(tuple(map(tuple, rows)), NAMES).per_class:
        if one.precision and one.recall:
            assert one.f1 == pytest.approx(2 / (1 / one.precision + 1 / one.recall))
        elif one.f1 is not None:
            assert one.f1 == 0


def test_a_class_without_images_is_judged_nowhere() -> None:
    """No cat is among these images, but one dog is taken for it: averages are over dogs and ships alone."""
    names = ("cat 1", "dog 2", "ship 3", "frog 4")
    labels, said = torch.tensor([1, 1, 2, 2]), torch.tensor([0, 1, 2, 2])
    answers = Predictions(labels, torch.nn.functional.one_hot(said, 4) * 5.0)
    finding = tabulate_class_scores(answers, names, 0.95)
    assert finding.sentence == (
        'F1 is lowest for "dog 2", 66.7 %, and highest for "ship 3", 100.0 %. 2 of 4 classes were not '
        'judged, for want of images: "cat 1" and "frog 4".'
    )
    recall, f1 = (one.value for one in finding.values)
    assert finding.values[1].interval is not None, "though a class has neither images nor answers"
    (table,) = finding.blocks
    assert isinstance(table, Table)
    assert table.rows[0] == ("cat 1", 0, 1, 0.0, None, None)
    assert table.rows[-1][3:] == pytest.approx((1.0, recall, f1))
    assert (recall, f1) == pytest.approx((0.75, 5 / 6))
    assert 'There is no image of "cat 1" and "frog 4": recall and F1 are undefined' in table.note
    by_class = measure_class_accuracy(answers, names, 0.95)
    assert by_class.sentence == (
        'From "dog 2", 50.0 %, to "ship 3", 100.0 %; all together 75.00 %. 2 of 4 classes were not judged, '
        'for want of images: "cat 1" and "frog 4".'
    )


def test_many_classes_without_images_are_counted() -> None:
    names = [f"part {number}" for number in range(1200)]
    assert say_absent([1] * 1200, names) == ""
    assert say_absent([1] + [0] * 1199, names) == (
        ' 1,199 of 1,200 classes were not judged, for want of images: "part 1", "part 2", "part 3", "part 4" '
        "and 1195 more."
    )
