import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from loupe.evaluations import ExampleRecord, measure_difficulty


def record(*of_images: str) -> ExampleRecord:
    """Right (1) and wrong (0) of each image, epoch by epoch; the loss is 1 where it is wrong."""
    correct = torch.tensor([[mark == "1" for mark in one] for one in of_images]).T
    return ExampleRecord(torch.arange(len(of_images)) * 10, (~correct).float(), correct)


def test_difficulty_of_five_images_worked_by_hand() -> None:
    difficulty = measure_difficulty(record("1111", "0011", "1010", "0000", "0101"))
    assert difficulty.epoch_learnt.tolist() == [1, 3, 0, 0, 4]
    assert difficulty.forgetting_events.tolist() == [0, 0, 2, 0, 1]
    assert difficulty.mean_loss.tolist() == [0, 0.5, 0.5, 1, 0.5]
    assert difficulty.ever_right.tolist() == [True, True, True, False, True]
    assert difficulty.rank().tolist() == [3, 1, 2, 4, 0]
    assert difficulty.indices[difficulty.rank(2)].tolist() == [30, 10]


@given(st.lists(st.text("01", min_size=6, max_size=6), min_size=1, max_size=5))
def test_difficulty_agrees_with_counting(of_images: list[str]) -> None:
    difficulty = measure_difficulty(record(*of_images))
    for place, marks in enumerate(of_images):
        stays = [epoch for epoch in range(1, 7) if "0" not in marks[epoch - 1 :]]
        assert difficulty.epoch_learnt[place] == (stays[0] if stays else 0)
        assert difficulty.forgetting_events[place] == marks.count("10")


def test_a_record_without_epochs_says_nothing() -> None:
    with pytest.raises(ValueError, match="0 epochs"):
        measure_difficulty(record("1").first_epochs(0))
