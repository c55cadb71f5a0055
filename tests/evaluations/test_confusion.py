"""The confusion matrix of many classes: those most mistaken for each other, and no image lost."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from loupe.evaluations.confusion import find_most_confused, fold_others, tabulate_confusion
from loupe.evaluations.finding import Matrix
from loupe.metrics import Predictions
from loupe.metrics.classification import compute_confusion

COUNTS = st.integers(3, 9).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, 5), min_size=n, max_size=n), min_size=n, max_size=n)
)


@given(COUNTS, st.data())
def test_folding_loses_no_image_and_keeps_what_is_mistaken_most(
    counts: list[list[int]], data: st.DataObject
) -> None:
    confusion = torch.tensor(counts)
    most = data.draw(st.integers(2, len(counts) - 1))
    kept = find_most_confused(confusion, most)
    assert kept == sorted(set(kept))
    wrong = confusion.clone().fill_diagonal_(0)
    mistaken = {one for one in range(len(counts)) if wrong[one].sum() + wrong[:, one].sum()}
    assert set(kept) <= mistaken
    assert min(most - 1, len(mistaken)) <= len(kept) <= most
    if not kept:
        assert not mistaken
        return
    folded = fold_others(confusion, kept)
    assert folded.shape == (len(kept) + 1, len(kept) + 1)
    assert torch.equal(folded[:-1, :-1], confusion[kept][:, kept])
    assert torch.equal(folded[:-1].sum(1), confusion[kept].sum(1))
    assert torch.equal(folded[:, :-1].sum(0), confusion[:, kept].sum(0))
    assert folded.sum() == confusion.sum()
    assert wrong[kept][:, kept].max() == wrong.max()


def test_a_matrix_of_many_classes_shows_those_most_mistaken_for_each_other() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(300).repeat(4)
    said = labels.clone()
    said[labels == 7] = 250
    said[:3], said[300:302] = torch.tensor([1, 0, 3]), torch.tensor([1, 0])
    logits = torch.nn.functional.one_hot(said, 300) + 0.1 * torch.rand(1200, 300, generator=generator)
    names = tuple(f"class {number}" for number in range(300))
    answers = Predictions(labels, logits)
    finding = tabulate_confusion(answers, names, "validation", classes=4)
    (matrix,) = finding.blocks
    assert isinstance(matrix, Matrix)
    assert matrix.names == ("class 0", "class 1", "class 7", "class 250", "296 others")
    assert matrix.first == (2, 3)
    assert matrix.counts[2] == (0, 0, 0, 4, 0)
    assert matrix.counts[4][4] == 4 * 296, "the mistake of class 2 is among them"
    assert sum(map(sum, matrix.counts)) == 1200
    opened = {(one.row, one.column): (one.title, len(one.images)) for one in matrix.cells}
    assert opened[2, 3] == ("class 7, taken for class 250", 4)
    assert all(row < 4 and column < 4 for row, column in opened)
    assert "where these meet" in matrix.note
    assert "The 4 classes that are most mistaken" in matrix.note
    (whole,) = tabulate_confusion(answers, names, "validation", classes=300).blocks
    assert isinstance(whole, Matrix)
    assert whole.counts == tuple(map(tuple, compute_confusion(labels, answers.predicted, 300).tolist()))


def answer(labels: list[int], said: list[int], num_classes: int) -> Predictions:
    return Predictions(
        torch.tensor(labels), torch.nn.functional.one_hot(torch.tensor(said), num_classes) * 1.0
    )


def test_only_classes_with_a_mistake_are_shown_and_counted() -> None:
    names = tuple(f"class {number}" for number in range(150))
    labels = [*range(150), 7, 9]
    finding = tabulate_confusion(answer(labels, [*range(150), 9, 120], 150), names, "validation")
    (matrix,) = finding.blocks
    assert isinstance(matrix, Matrix)
    assert matrix.names == ("class 7", "class 9", "class 120", "147 others")
    assert matrix.counts == ((1, 1, 0, 0), (0, 1, 1, 0), (0, 0, 1, 0), (0, 0, 0, 147))
    assert "The 3 classes with a mistake" in matrix.note
    assert "most mistaken" not in matrix.note


def test_many_classes_without_a_mistake_have_no_matrix() -> None:
    names = tuple(f"class {number}" for number in range(150))
    finding = tabulate_confusion(answer([*range(150)], [*range(150)], 150), names, "validation")
    assert finding.sentence == "All 150 images lie on the diagonal: no class has a mistake."
    assert not finding.blocks
