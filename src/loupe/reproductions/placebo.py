"""What verdicts are worth: given another model's published numbers, how many would pass?"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, median

from loupe.reproductions.claims import find_rows
from loupe.reproductions.columns import name_column, write_gap
from loupe.reproductions.number_rules import (
    Deltas,
    Found,
    Ruling,
    gather_spreads,
    name_setting,
    rule_on_number,
)
from loupe.reproductions.schema import Reproduction

_FEWEST = 3  # models; of two there is one other


@dataclass(frozen=True)
class Placebo:
    """One figure of a study's models, each given its own and every other model's published number.

    Args:
        study: whose models they are.
        figure: name of the column.
        own: rulings on each model's own number, counted.
        others: rulings on the numbers of other models, counted.
        apart: how far two of the models' means are apart, in the middle of all pairs.
    """

    study: str
    figure: str
    own: dict[Ruling, int]
    others: dict[Ruling, int]
    apart: str


def try_placebos(reproduction: Reproduction, found: Mapping[str, Found]) -> list[Placebo]:
    """Return a row for each figure judged that three models or more of a study published without a flaw."""
    deltas = Deltas(reproduction.delta_points, reproduction.delta_ratio)
    numbers: dict[tuple[str, str], dict[str, tuple[float, list[float]]]] = {}
    for claim in reproduction.numbers:
        rows = find_rows(claim, found.get(claim.study))
        for figure, published in claim.published.items():
            if figure in reproduction.other_quantities:
                continue
            values = [value for row in rows if (value := row.value(figure)) is not None]
            if len(values) > 1 and not (claim.flaw or claim.flaws.get(figure)) and figure != "parameters":
                numbers.setdefault((claim.study, figure), {})[name_setting(rows[0])] = published, values
    return [
        _try(study, figure, models, found[study], deltas)
        for (study, figure), models in numbers.items()
        if len(models) >= _FEWEST
    ]


def _try(
    study: str, figure: str, models: Mapping[str, tuple[float, list[float]]], found: Found, deltas: Deltas
) -> Placebo:
    spreads = gather_spreads(found, figure)
    own: dict[Ruling, int] = {}
    others: dict[Ruling, int] = {}
    for name, (_, values) in models.items():
        for other, (published, _) in models.items():
            ruling, _ = rule_on_number(published, values, figure, spreads, deltas, name)
            counts = own if name == other else others
            counts[ruling] = counts.get(ruling, 0) + 1
    means = [fmean(values) for _, values in models.values()]
    gaps = [abs(one - other) for place, one in enumerate(means) for other in means[:place]]
    return Placebo(study, name_column(figure), own, others, write_gap(median(gaps), figure))
