import copy
import pickle

import pytest

from loupe.data import Dataset, LockedTest, Opening, load_dataset
from loupe.data.batches import EvaluationBatches
from loupe.data.normalization import Normalization
from loupe.errors import TestSetLockedError


@pytest.fixture
def door() -> LockedTest:
    return load_dataset("digits").test


def test_opening_needs_a_reason_and_is_counted(door: LockedTest) -> None:
    for no_reason in ("  ", None, 3):
        with pytest.raises(TestSetLockedError, match="opens only for a reason"):
            door.open(no_reason)
    assert door.openings == ()
    assert len(door.open("to see the count")) == 360
    door.open("once more")
    assert [opening.reason for opening in door.openings] == ["to see the count", "once more"]


def test_an_opening_is_logged_before_the_images_are_handed_over(door: LockedTest) -> None:
    def refuse(opening: Opening) -> None:
        raise OSError("the disk is full")

    door.continue_record([], refuse)
    with pytest.raises(OSError, match="the disk is full"):
        door.open("nothing can be logged")
    assert door.openings == ()


@pytest.mark.parametrize("name", ["images", "labels", "select", "to", "_dataset"])
def test_nothing_but_open_gives_images(door: LockedTest, name: str) -> None:
    with pytest.raises(TestSetLockedError) as caught:
        getattr(door, name)
    assert str(caught.value) == (
        f"The test set is locked: {name!r} cannot be read from it.\n  got: test.{name}\n"
        '  allowed: test.open(reason="…"), which is counted and logged\n'
        "  next: select on validation; open the test set once, at the end"
    )


def test_selection_code_cannot_be_handed_the_test_set(door: LockedTest) -> None:
    with pytest.raises(TestSetLockedError):
        next(iter(EvaluationBatches(door, Normalization((0.5,), (0.5,)))))
    with pytest.raises(TestSetLockedError):
        door[0]
    with pytest.raises(TestSetLockedError):
        iter(door)
    assert door.openings == ()


def test_views_share_the_count_and_copies_are_refused(door: LockedTest) -> None:
    door.keep_classes([1, 2]).open("a look through a view")
    assert len(door.openings) == 1
    for copy_it in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TestSetLockedError, match="The test set cannot be copied"):
            copy_it(door)


def test_counts_and_digest_cost_no_look(digits: Dataset) -> None:
    assert len(digits.test) == sum(digits.test.class_counts()) == 360
    assert digits.test.keep_classes([3, 5]).class_counts() == [
        digits.test.class_counts()[3],
        digits.test.class_counts()[5],
    ]
    assert digits.test.openings == ()
