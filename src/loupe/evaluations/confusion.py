from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from loupe.evaluations.finding import Finding, Matrix, MatrixCell, write_value
from loupe.evaluations.mistakes import group_by_cell
from loupe.evaluations.registry import register_evaluation
from loupe.metrics import Predictions, rank_confused_pairs
from loupe.metrics.classification import compute_confusion

_NOTE = "Rows: true class. Columns: predicted class. Shade: share of the row (square-root scale)."
_NOTE_OF_MOST = (
    _NOTE + " The {} classes that are most mistaken for each other; the others are one row and one column, "
    "and where these meet lie their mistakes among each other too."
)
_NOTE_OF_MISTAKEN = (
    _NOTE + " The {} classes with a mistake: some of their images are taken for another class, or images of "
    "others for them. Those without one are one row and one column."
)


@register_evaluation("confusion", title="Confusion matrix", chapter="Classes", order=16, split="both")
def tabulate_confusion(
    answers: Predictions,
    class_names: tuple[str, ...],
    split: str,
    most: Annotated[int, Field(ge=1, description="Images shown behind each cell, ≥ 1.")] = 12,
    classes: Annotated[
        int,
        Field(ge=2, description="Classes in the matrix, ≥ 2; of more, those most mistaken for each other."),
    ] = 100,
) -> Finding:
    """Which class is taken for which; of images that may be shown, a cell opens its images."""
    confusion = compute_confusion(answers.labels, answers.predicted, len(class_names))
    kept, note = list(range(len(class_names))), _NOTE
    if len(class_names) > classes:
        kept = find_most_confused(confusion, classes)
        if not kept:
            return Finding(f"All {len(answers.labels):,} images lie on the diagonal: no class has a mistake.")
        is_whole = len(kept) == _count_mistaken(confusion)
        confusion = fold_others(confusion, kept)
        note = (_NOTE_OF_MISTAKEN if is_whole else _NOTE_OF_MOST).format(len(kept))
    counts = tuple(tuple(row) for row in confusion.tolist())
    place = {one: index for index, one in enumerate(kept)}
    names = tuple(class_names[one] for one in kept)
    if len(kept) < len(class_names):
        num_others = len(class_names) - len(kept)
        names = (*names, f"{num_others:,} other{'s' if num_others > 1 else ''}")
    cells = []
    for (true, guess), images in sorted(group_by_cell(answers).items()):
        if true not in place or guess not in place:
            continue
        name, other = class_names[true], class_names[guess]
        title = f"{name}, said rightly" if true == guess else f"{name}, taken for {other}"
        sure = answers.confidence[images[:most]].tolist()
        notes = tuple(write_value(one, "percent", 1) for one in sure)
        cells.append(MatrixCell(place[true], place[guess], title, tuple(images[:most].tolist()), notes))
    of_kept = tuple(row[: len(kept)] for row in counts[: len(kept)])
    worst = rank_confused_pairs(of_kept, names, most=1)
    first = tuple(names.index(one) for pair in worst for one in (pair.true_class, pair.predicted_class))
    num_wrong = int((~answers.is_right).sum())
    matrix = Matrix(
        title="",
        names=names,
        counts=counts,
        cell_title="images of {row} taken for {column}",
        note=note,
        cells=tuple(cells),
        first=(first[0], first[1]) if first else None,
    )
    sentence = f"{num_wrong:,} of {len(answers.labels):,} images lie off the diagonal."
    return Finding(sentence, (), [matrix])


def find_most_confused(confusion: Tensor, most: int) -> list[int]:
    """Return the classes that are most mistaken for each other, ascending, and none without a mistake.

    Pairs are taken by their number of mistakes, both classes of each, until there is no room for the next.

    Args:
        confusion: (classes, classes) int64 counts; row = true class, column = predicted class.
        most: how many classes, at least 2 and at most as many as there are.
    """
    num_classes = len(confusion)
    wrong = confusion.clone().fill_diagonal_(0).flatten()
    counts, pairs = wrong.topk(min(len(wrong), most**2 + 1))  # fewer lie among as many classes
    kept: set[int] = set()
    for pair in pairs[counts > 0].tolist():
        both = kept | set(divmod(pair, num_classes))
        if len(both) > most:
            break
        kept = both
    return sorted(kept)


def _count_mistaken(confusion: Tensor) -> int:
    """Return how many classes are taken for another, or another for them."""
    wrong = confusion.clone().fill_diagonal_(0)
    return int((wrong.sum(0) + wrong.sum(1) > 0).sum())


def fold_others(confusion: Tensor, kept: list[int]) -> Tensor:
    """Return counts of the kept classes, and of all others as one last row and column; no image is lost.

    Args:
        confusion: (classes, classes) int64 counts.
        kept: classes, ascending, not all.

    Returns:
        (kept + 1, kept + 1) int64.
    """
    place = torch.full((len(confusion),), len(kept))
    place[kept] = torch.arange(len(kept))
    folded = confusion.new_zeros(len(kept) + 1, len(kept) + 1)
    rows, columns = place[:, None].expand_as(confusion), place[None].expand_as(confusion)
    return folded.index_put_((rows, columns), confusion, accumulate=True)
