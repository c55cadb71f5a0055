from typing import Annotated

from pydantic import Field

from loupe.evaluations.finding import Finding, Matrix, MatrixCell, write_value
from loupe.evaluations.mistakes import group_by_cell
from loupe.evaluations.registry import register_evaluation
from loupe.metrics import Predictions, rank_confused_pairs
from loupe.metrics.classification import compute_confusion

_NOTE = "Rows: true class. Columns: predicted class. Shade: share of the row (square-root scale)."


@register_evaluation("confusion", title="Confusion matrix", chapter="Classes", order=16, split="both")
def tabulate_confusion(
    answers: Predictions,
    class_names: tuple[str, ...],
    split: str,
    most: Annotated[int, Field(ge=1, description="Images shown behind each cell, ≥ 1.")] = 12,
) -> Finding:
    """Which class is taken for which; of images that may be shown, a cell opens its images."""
    confusion = compute_confusion(answers.labels, answers.predicted, len(class_names))
    counts = tuple(tuple(row) for row in confusion.tolist())
    cells = []
    for (true, guess), images in sorted(group_by_cell(answers).items()):
        name, other = class_names[true], class_names[guess]
        title = f"{name}, said rightly" if true == guess else f"{name}, taken for {other}"
        sure = answers.confidence[images[:most]].tolist()
        notes = tuple(write_value(one, "percent", 1) for one in sure)
        cells.append(MatrixCell(true, guess, title, tuple(images[:most].tolist()), notes))
    worst = rank_confused_pairs(counts, class_names, most=1)
    first = tuple(class_names.index(one) for pair in worst for one in (pair.true_class, pair.predicted_class))
    num_wrong = int((~answers.is_right).sum())
    matrix = Matrix(
        title="",
        names=class_names,
        counts=counts,
        cell_title="images of {row} taken for {column}",
        note=_NOTE,
        cells=tuple(cells),
        first=(first[0], first[1]) if first else None,
    )
    sentence = f"{num_wrong:,} of {len(answers.labels):,} images lie off the diagonal."
    return Finding(sentence, (), [matrix])
