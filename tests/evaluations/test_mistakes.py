import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from loupe.evaluations import group_by_cell, rank_mistakes, rank_uncertain
from loupe.evaluations.mistakes import compute_entropies, compute_margins
from loupe.metrics import Predictions, compute_metrics


def of(labels: list[int], *probabilities: list[float]) -> Predictions:
    return Predictions(torch.tensor(labels), torch.tensor(probabilities).log())


FOUR = of([0, 0, 1, 2], [0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.45, 0.3, 0.25], [0.05, 0.9, 0.05])


def test_mistakes_are_ranked_by_confidence() -> None:
    assert rank_mistakes(FOUR).tolist() == [3, 1, 2]


def test_the_least_certain_have_the_smallest_margin_or_the_largest_entropy() -> None:
    assert compute_margins(FOUR).tolist() == pytest.approx([0.5, 0.3, 0.15, 0.85])
    assert rank_uncertain(FOUR).tolist() == [2, 1, 0, 3]
    assert rank_uncertain(FOUR, by="entropy").tolist() == [2, 1, 0, 3]
    even = of([0, 0], [0.25] * 4, [0.5, 0.5, 0.0, 0.0])
    assert compute_entropies(even).tolist() == pytest.approx([math.log(4), math.log(2)])
    assert rank_uncertain(even, by="entropy").tolist() == [0, 1]


def test_images_behind_a_cell_come_most_confident_first() -> None:
    both = of([0, 0, 1], [0.4, 0.6], [0.1, 0.9], [0.2, 0.8])
    assert {cell: images.tolist() for cell, images in group_by_cell(both).items()} == {
        (0, 1): [1, 0],
        (1, 1): [2],
    }


@given(st.integers(1, 60), st.integers(0, 2**31))
def test_cells_hold_every_image_once_and_agree_with_the_matrix(count: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(4, (count,), generator=generator)
    predictions = Predictions(labels, torch.randn(count, 4, generator=generator))
    confusion = compute_metrics(predictions, ("a", "b", "c", "d")).confusion
    cells: dict[tuple[int, int], Tensor] = group_by_cell(predictions)
    assert sorted(torch.cat(list(cells.values())).tolist()) == list(range(count))
    for true in range(4):
        for guess in range(4):
            images = cells.get((true, guess), torch.zeros(0))
            assert len(images) == confusion[true][guess]
