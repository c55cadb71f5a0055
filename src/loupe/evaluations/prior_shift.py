"""How frequent each class is among other images, and answers that heed it."""

import torch

from loupe.evaluations.finding import Column, Finding, Table, Value, write_value
from loupe.evaluations.registry import register_evaluation
from loupe.metrics import Predictions
from loupe.statistics import compute_wilson_interval
from loupe.statistics.calibration import draw_resamples
from loupe.statistics.selective import estimate_priors


@register_evaluation(
    "prior_shift", title="Other shares of the classes", chapter="Decisions", order=20, is_default=False
)
def estimate_prior_shift(
    answers: Predictions,
    class_names: tuple[str, ...],
    level: float,
    seed: int,
    validation_answers: Predictions | None = None,
) -> Finding:
    """How frequent each class is among these images, told without their labels, and answers that heed it.

    Costs well under a second, and no forward pass.
    """
    known = validation_answers.labels if validation_answers is not None else answers.labels
    num_classes, total = len(class_names), len(answers.labels)
    before = (torch.bincount(known, minlength=num_classes) / len(known)).tolist()
    shares, adjusted = estimate_priors(answers.probabilities, before)
    drawn = torch.stack(
        [
            estimate_priors(answers.probabilities[some], before, 100)[0]
            for some in draw_resamples(total, seed, 50)
        ]
    )
    tail = (1 - level) / 2
    low, high = (drawn.quantile(torch.tensor(one, dtype=torch.float64), 0) for one in (tail, 1 - tail))
    rows = tuple(
        (
            name,
            before[label],
            float(shares[label]),
            float(min(low[label], shares[label])),
            float(max(high[label], shares[label])),
            int((answers.labels == label).sum()) / total,
        )
        for label, name in enumerate(class_names)
    )
    columns = (
        Column("class"),
        *(
            Column(one, "percent")
            for one in ("where it was trained", "here, estimated", "from", "to", "here, true")
        ),
    )
    right, plain = adjusted.argmax(1) == answers.labels, answers.is_right
    values = [
        Value(name, int(one.sum()) / total, "percent", compute_wilson_interval(int(one.sum()), total, level))
        for name, one in (("accuracy as it is", plain), ("accuracy with the shares estimated here", right))
    ]
    moved = float((shares - torch.tensor(before, dtype=torch.float64)).abs().sum() / 2)
    sentence = (
        f"The classes' shares here differ from those it knows by {write_value(moved, 'percent', 1)} of the "
        f"images, told without labels; heeding that makes {values[0].write()} into {values[1].write()}."
    )
    note = (
        "Estimated by expectation maximisation (Saerens et al., 2002), which needs calibrated probabilities."
    )
    return Finding(sentence, values, [Table("", columns, rows, note)])
