from typing import Annotated

from pydantic import Field

from loupe.evaluations.finding import Finding, Gallery, ShownImage, write_value
from loupe.evaluations.mistakes import compute_margins, rank_uncertain
from loupe.evaluations.registry import register_evaluation
from loupe.metrics import Predictions


@register_evaluation(
    "least_certain", title="Least certain", chapter="Predictions", order=52, split="validation"
)
def gather_least_certain(
    answers: Predictions,
    class_names: tuple[str, ...],
    most: Annotated[int, Field(ge=1, le=200, description="Images shown, 1 to 200.")] = 12,
) -> Finding:
    """The closest calls: images whose two most probable classes are nearest to each other."""
    order = rank_uncertain(answers)[:most]
    probabilities, classes = answers.probabilities[order].topk(2, dim=1)
    shown = []
    for index, (sure, less), (guess, second) in zip(
        order.tolist(), probabilities.tolist(), classes.tolist(), strict=True
    ):
        true = int(answers.labels[index])
        is_right = guess == true
        shown.append(
            ShownImage(
                index,
                f"{class_names[guess]}, {write_value(sure, 'percent', 1)}",
                is_right,
                lines=(f"{class_names[second]}, {write_value(less, 'percent', 1)}",),
                notes=() if is_right else (f"is {class_names[true]}",),
            )
        )
    margin = write_value(float(compute_margins(answers)[order[0]]), "percent", 1)
    sentence = (
        f"The {len(shown)} closest calls; the two largest probabilities of the first differ by {margin}."
    )
    return Finding(sentence, (), [Gallery("", tuple(shown))])
