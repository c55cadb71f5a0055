"""What the network's answers cost, where some mistakes are worse than others."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from loupe.evaluations.finding import COUNT, Cell, Column, Finding, Table, Value, write_value
from loupe.evaluations.registry import register_evaluation
from loupe.evaluations.stakes import UNSURE, make_cost_matrix
from loupe.metrics import Predictions
from loupe.statistics.costs import decide_cheapest, expect_costs, spend
from loupe.statistics.score_intervals import compute_mean_cost_interval

_MOST_CHANGES = 10


@register_evaluation(
    "expected_cost", title="What mistakes cost", chapter="Decisions", order=19, is_default=False
)
def weigh_costs(
    answers: Predictions,
    class_names: tuple[str, ...],
    level: float,
    costs: Annotated[
        dict[str, dict[str, float]],
        Field(
            description="By true class, what each answer costs, `unsure` too; 1 if wrong and not named, 0 if "
            "right."
        ),
    ] = {},  # noqa: B006 - read, never changed: a setting's default
) -> Finding:
    """The cost of answers by a table of costs: of the most probable class, and of the cheapest answer.

    Costs well under a second, and no forward pass.
    """
    matrix, names = make_cost_matrix(costs, class_names)
    decided = decide_cheapest(answers.probabilities, matrix)
    plain, cheapest = (spend(one, answers.labels, matrix) for one in (answers.predicted, decided))
    least, most = float(matrix.min()), float(matrix.max())
    foreseen = expect_costs(answers.probabilities, matrix).min(1).values
    values = [
        Value(
            "cost an image of the most probable class",
            float(plain.mean()),
            "",
            compute_mean_cost_interval(plain, level, least, most),
        ),
        Value(
            "cost an image of the cheapest answer",
            float(cheapest.mean()),
            "",
            compute_mean_cost_interval(cheapest, level, least, most),
        ),
        Value(
            "saved an image",
            float((plain - cheapest).mean()),
            "",
            compute_mean_cost_interval(plain - cheapest, level, least - most, most - least),
        ),
        Value("cost an image that the network foresees", float(foreseen.mean()), ""),
    ]
    changed = int((decided != answers.predicted).sum())
    share = write_value(changed / len(decided), "percent", 1)
    saved = values[2]
    is_sure = saved.interval is not None and saved.interval.low > 0
    verdict = "saves" if is_sure else "saves, as far as these images tell, no more than chance:"
    sentence = (
        f"The most probable class costs {values[0].write()} an image, the answer of least expected cost "
        f"{values[1].write()}: it is another for {share} of the images and {verdict} {saved.write()}."
    )
    blocks = [
        _tabulate_classes(answers, class_names, (plain, cheapest), matrix, level),
        _tabulate_changes(answers.predicted, decided, answers.labels, matrix, names),
        _tabulate_costs(matrix, class_names, names),
    ]
    return Finding(sentence, values, blocks)


def _tabulate_classes(
    answers: Predictions,
    class_names: tuple[str, ...],
    spent: tuple[Tensor, Tensor],
    matrix: Tensor,
    level: float,
) -> Table:
    plain, cheapest = spent
    rows: list[tuple[Cell, ...]] = []
    for label, name in enumerate(class_names):
        of_class = answers.labels == label
        if bool(of_class.any()):
            costs = matrix[label]
            ends = compute_mean_cost_interval(
                cheapest[of_class], level, float(costs.min()), float(costs.max())
            )
            rows.append(
                (
                    name,
                    int(of_class.sum()),
                    float(plain[of_class].mean()),
                    float(cheapest[of_class].mean()),
                    ends.low if ends else None,
                    ends.high if ends else None,
                )
            )
    columns = (
        Column("true class"),
        Column("images", COUNT),
        *(Column(one, "") for one in ("most probable class", "cheapest answer", "from", "to")),
    )
    note = "The cheapest answer needs calibrated probabilities: `loupe calibrate` sets them right."
    return Table("Cost an image, by class", columns, tuple(rows), note)


def _tabulate_changes(
    predicted: Tensor, decided: Tensor, labels: Tensor, matrix: Tensor, names: tuple[str, ...]
) -> Table:
    """Return which answers become which others, the most frequent first."""
    moved = predicted != decided
    pairs = torch.stack([predicted[moved], decided[moved]], 1)
    kinds, counts = torch.unique(pairs, dim=0, return_counts=True)
    rows: list[tuple[Cell, ...]] = []
    for index in counts.argsort(descending=True, stable=True)[:_MOST_CHANGES].tolist():
        before, after = kinds[index].tolist()
        of_kind = moved & (predicted == before) & (decided == after)
        saved = matrix[labels[of_kind], before] - matrix[labels[of_kind], after]
        rows.append((names[before], names[after], int(counts[index]), float(saved.sum())))
    columns = (
        Column("most probable"),
        Column("cheapest"),
        Column("images", COUNT),
        Column("saved in all", ""),
    )
    if_empty = "No answer changes: the most probable class is always the cheapest."
    return Table("Answers that change", columns, tuple(rows), if_empty=if_empty)


def _tabulate_costs(matrix: Tensor, class_names: tuple[str, ...], names: tuple[str, ...]) -> Table:
    rows = tuple((name, *row) for name, row in zip(class_names, matrix.tolist(), strict=True))
    columns = (Column("truth"), *(Column(name if name != UNSURE else "unsure", "") for name in names))
    return Table("The costs", columns, rows, "By true class, down; by answer, across.")
