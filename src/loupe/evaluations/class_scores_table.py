from loupe.evaluations.absent_classes import say_absent
from loupe.evaluations.class_scores import ClassScores, compute_class_scores
from loupe.evaluations.finding import COUNT, Cell, Column, Finding, Table, Value, write_value
from loupe.evaluations.registry import register_evaluation
from loupe.metrics import Predictions, choose_metrics
from loupe.metrics.classification import compute_confusion
from loupe.metrics.registry import compute_values
from loupe.wording import list_names, name_tied, quote_name

_MOST_LISTED = 20  # names in a note; the table has them all

_COLUMNS = (
    Column("class"),
    Column("images", COUNT),
    Column("taken for it", COUNT),
    *(Column(one, "percent") for one in ("precision", "recall", "F1")),
)
_NOTE = (
    "Precision: of the images taken for a class, the share that is of it. Recall: of the images of a class, "
    "the share taken for it. F1: their harmonic mean. In the macro average every class weighs the same."
)


@register_evaluation("class_scores", title="Precision, recall and F1", chapter="Classes", order=14)
def tabulate_class_scores(answers: Predictions, class_names: tuple[str, ...], level: float) -> Finding:
    """Precision, recall and F1 of each class, and their macro averages with intervals."""
    confusion = compute_confusion(answers.labels, answers.predicted, len(class_names))
    scores = compute_class_scores(tuple(tuple(row) for row in confusion.tolist()), class_names)
    rows: list[tuple[Cell, ...]] = [
        (one.name, one.num_images, one.num_predicted, one.precision, one.recall, one.f1)
        for one in scores.per_class
    ]
    total = len(answers.labels)
    macro = (scores.macro_precision, scores.macro_recall, scores.macro_f1)
    rows.append(("macro average", total, total, *macro))
    found = compute_values(choose_metrics(["macro_recall", "macro_f1"]), answers, level)
    values = [Value.of_metric(one) for one in found.values()]
    pairs = [(one.name, one.f1) for one in scores.per_class if one.f1 is not None]
    lowest, highest = (end(f1 for _, f1 in pairs) for end in (min, max))
    ends = [f"{name_tied(pairs, f1)}, {write_value(f1, 'percent', 1)}" for f1 in (lowest, highest)]
    sentence = f"F1 is lowest for {ends[0]}, and highest for {ends[1]}."
    if lowest == highest:
        sentence = f"F1 is the same for every class: {write_value(lowest, 'percent', 1)}."
    sentence += say_absent([one.num_images for one in scores.per_class], class_names)
    table = Table("", _COLUMNS, tuple(rows), _NOTE + _warn(scores), num_totals=1)
    return Finding(sentence, values, [table])


def _warn(scores: ClassScores) -> str:
    """Return which figures are undefined, and why."""
    text = ""
    if scores.never_predicted:
        text += (
            f" No image was taken for {_list(scores.never_predicted)}: precision is undefined there, not "
            "0, and left out of the average."
        )
    if scores.without_images:
        text += (
            f" There is no image of {_list(scores.without_images)}: recall and F1 are undefined there, and "
            "all averages are over the other classes."
        )
    return text


def _list(names: tuple[str, ...]) -> str:
    return list_names([quote_name(one) for one in names], _MOST_LISTED)
