"""How often two networks say the same: equal answers, Cohen's kappa, and what chance would give."""

from torch import Tensor

from loupe.evaluations.finding import Column, Finding, Table, Value, write_value
from loupe.evaluations.registry import register_evaluation
from loupe.metrics import Predictions
from loupe.statistics import compute_wilson_interval
from loupe.statistics.agreement import measure_agreement
from loupe.statistics.paired_bootstrap import bootstrap_difference


@register_evaluation("agreement", title="Agreement", chapter="The two networks", order=7, split="judged")
def compare_answers(
    answers: Predictions,
    against: Predictions,
    names: tuple[str, str],
    class_names: tuple[str, ...],
    level: float,
    seed: int,
) -> Finding:
    """How often two networks name the same class, right or wrong, beside what their accuracies alone give.

    Costs well under a second, and no forward pass.
    """
    num_classes, total = len(class_names), len(answers.labels)

    def measure(some: Tensor | None) -> tuple[float | None, float | None]:
        chosen = slice(None) if some is None else some
        found = measure_agreement(
            answers.predicted[chosen], against.predicted[chosen], answers.labels[chosen], num_classes
        )
        return found.kappa, found.error_consistency

    found = measure_agreement(answers.predicted, against.predicted, answers.labels, num_classes)
    kappa = bootstrap_difference(lambda some: measure(some)[0], total, level, seed)
    consistency = bootstrap_difference(lambda some: measure(some)[1], total, level, seed)
    equal = answers.predicted == against.predicted
    share = Value(
        "equal answers", found.share, "percent", compute_wilson_interval(int(equal.sum()), total, level)
    )
    values = [
        share,
        Value("equal answers by chance", found.by_chance, "percent"),
        Value("Cohen's kappa", found.kappa, "", kappa.interval if kappa else None),
        Value(
            "error consistency", found.error_consistency, "", consistency.interval if consistency else None
        ),
    ]
    is_more = share.interval is not None and share.interval.low > found.by_chance
    how = "more than" if is_more else "no more than"
    sentence = (
        f"{names[0]} and {names[1]} say the same of {share.write()} of the images, {how} the "
        f"{write_value(found.by_chance, 'percent', 1)} that their accuracies alone would give."
    )
    return Finding(sentence, values, [_tabulate(answers, against, names)])


def _tabulate(answers: Predictions, against: Predictions, names: tuple[str, str]) -> Table:
    right, other = answers.is_right, against.is_right
    equal = answers.predicted == against.predicted
    total = len(right)
    counts = [
        ("both right", right & other),
        (f"{names[0]} alone right", right & ~other),
        (f"{names[1]} alone right", other & ~right),
        ("both wrong, the same answer", ~right & ~other & equal),
        ("both wrong, two answers", ~right & ~other & ~equal),
    ]
    rows = tuple((name, int(which.sum()), int(which.sum()) / total) for name, which in counts)
    columns = (Column("answers"), Column("images", "count"), Column("share", "percent"))
    note = (
        "Chance: right answers independent of each other, mistakes spread evenly over the other classes. "
        "Cohen's kappa is of the classes named, error consistency (Geirhos et al., 2020) of right and wrong: "
        "0 is chance, 1 is always alike. Networks that agree little gain most from being averaged."
    )
    return Table("", columns, rows, note)
