import torch
from hypothesis import given
from hypothesis import strategies as st

from loupe.data.sampling import draw_order, share_out

COUNTS = st.lists(st.integers(0, 60), min_size=1, max_size=8).filter(sum)


def make_labels(counts: list[int]) -> torch.Tensor:
    return torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))


@given(counts=COUNTS, power=st.floats(0, 1), seed=st.integers(0, 9))
def test_an_epoch_has_as_many_images_and_no_image_twice_more_than_its_class(
    counts: list[int], power: float, seed: int
) -> None:
    labels = make_labels(counts)
    order = draw_order(labels, power, torch.Generator().manual_seed(seed))
    assert len(order) == len(labels)
    times = torch.bincount(order, minlength=len(labels))
    for label in range(len(counts)):
        of_class = times[labels == label]
        assert not len(of_class) or int(of_class.max() - of_class.min()) <= 1


@given(counts=COUNTS)
def test_power_0_takes_every_class_alike_and_power_1_each_image_once(counts: list[int]) -> None:
    taken = share_out(torch.tensor(counts), 0.0)
    present = taken[torch.tensor(counts) > 0]
    assert int(present.max() - present.min()) <= 1
    assert share_out(torch.tensor(counts), 1.0).tolist() == counts


def test_a_power_between_lies_between() -> None:
    """100 and 1 image, by the square root: 10 to 1."""
    assert share_out(torch.tensor([100, 1]), 0.5).tolist() == [92, 9]


def test_power_1_draws_what_it_always_drew() -> None:
    order = draw_order(torch.zeros(50, dtype=torch.int64), 1.0, torch.Generator().manual_seed(3))
    assert torch.equal(order, torch.randperm(50, generator=torch.Generator().manual_seed(3)))


def test_other_images_of_a_frequent_class_are_left_out_in_other_epochs() -> None:
    labels = make_labels([90, 10])
    first, second = (set(draw_order(labels, 0.0, torch.Generator().manual_seed(s)).tolist()) for s in (1, 2))
    assert first != second
