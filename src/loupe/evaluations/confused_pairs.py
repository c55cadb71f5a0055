from typing import Annotated

from pydantic import Field

from loupe.evaluations.finding import COUNT, Column, Finding, Table, write_value
from loupe.evaluations.registry import register_evaluation
from loupe.metrics import Predictions, rank_confused_pairs
from loupe.metrics.classification import compute_confusion
from loupe.wording import name_tied, quote_name


@register_evaluation("confused_pairs", title="Most confused pairs", chapter="Classes", order=12)
def find_confused_pairs(
    answers: Predictions,
    class_names: tuple[str, ...],
    most: Annotated[int, Field(ge=1, description="Pairs shown, ≥ 1.")] = 8,
) -> Finding:
    """Which class is most often taken for which, as a share of the class."""
    confusion = compute_confusion(answers.labels, answers.predicted, len(class_names))
    counts = tuple(tuple(row) for row in confusion.tolist())
    all_pairs = rank_confused_pairs(counts, class_names, len(class_names) ** 2)
    pairs = all_pairs[:most]
    table = Table(
        "",
        (Column("true"), Column("taken for"), Column("images", COUNT), Column("of its class", "percent")),
        tuple((one.true_class, one.predicted_class, one.count, one.share) for one in pairs),
        if_empty="No image was taken for another class.",
    )
    if not pairs:
        return Finding("No image was taken for another class.", (), [table])
    first = pairs[0]
    share = write_value(first.share, "percent", 1)
    names = {one: (quote_name(one.true_class), quote_name(one.predicted_class)) for one in all_pairs}
    if len(pairs) > 1 and all_pairs[1].share == first.share:
        named = [(" for ".join(names[one]), one.share) for one in all_pairs]
        tied = name_tied(named, first.share, is_quoted=False)
        return Finding(f"Most often taken for another: {tied}, {share} of the class each.", (), [table])
    true, said = names[first]
    return Finding(f"{true} is taken for {said} most: {share}.", (), [table])
