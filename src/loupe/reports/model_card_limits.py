"""What a model card says of limits: weak classes, other images, how far probabilities can be trusted."""

from collections.abc import Iterator, Sequence

from loupe.metrics import Metrics, ReconstructionScore, rank_confused_pairs
from loupe.reports.page import format_percent
from loupe.runs import RunFolder
from loupe.runs.result import Score
from loupe.runs.scaling import read_scaling
from loupe.wording import count_alike, count_of, quote_name

_MOST_PAIRS = 5
_MOST_WEAK = 3


def say_limits(
    run: RunFolder, split: str, judged: Score, *, size: str, class_names: Sequence[str]
) -> Iterator[str]:
    """Yield in Markdown what the network cannot do, or what was not measured.

    Args:
        run: its folder.
        split: whose figures stand for the network.
        judged: these figures.
        size: of its images, in words.
        class_names: one name a class.
    """
    if isinstance(judged, Metrics):
        yield from _say_weaknesses(split, judged)
    yield (
        f"- It takes images of {size} and was measured on no other; what a larger picture loses when "
        "it is made that small was not measured."
    )
    if isinstance(judged, Metrics):
        yield (
            "- It names one of its classes for every image, also for one that shows none of them. What it "
            "says of such images was not measured."
        )
        yield _say_calibration(run, len(class_names))
    yield "- The figures hold for images like those it was tested on, and for no others."
    if isinstance(judged, ReconstructionScore):
        yield "- The error is on the scale of the network's input, after normalisation."


def _say_calibration(run: RunFolder, num_classes: int) -> str:
    """Return what is known of the probabilities: what the calibration look found, and a scaling kept."""
    scaling = read_scaling(run, num_classes)
    kept = run.read_evaluations()
    look = kept.find("calibration") if kept is not None else None
    if scaling is not None:
        before = f" As the network says them: {look.sentence}" if look is not None else ""
        return (
            f"- Its probabilities are set right by {scaling.describe()}, fitted on validation images.{before}"
        )
    if look is not None:
        return f"- Its probabilities are a softmax of the logits. {look.sentence}"
    return (
        "- Its probabilities are a softmax of the logits. Whether they are calibrated was not measured: "
        "do not read 90 % as nine right in ten."
    )


def _say_weaknesses(split: str, judged: Metrics) -> Iterator[str]:
    faulty = [one for one in judged.per_class if one.correct < one.num_images]
    if not faulty:
        yield f"- No mistake among the {judged.num_images:,} {split} images."
        return
    ranked = sorted(faulty, key=lambda one: one.accuracy)
    weakest = ranked[:_MOST_WEAK]
    alike = sum(one.accuracy == weakest[-1].accuracy for one in ranked[_MOST_WEAK:])
    listed = [
        f"{quote_name(one.name)} ({format_percent(one.accuracy)} of {one.num_images:,} right)"
        for one in weakest
    ]
    yield f"- Weakest classes on {split}: {', '.join([*listed, *count_alike(alike, 'class')])}."
    pairs = rank_confused_pairs(judged.confusion, judged.class_names, len(judged.class_names) ** 2)
    last = pairs[min(len(pairs), _MOST_PAIRS) - 1]
    alike = sum((one.share, one.count) == (last.share, last.count) for one in pairs[_MOST_PAIRS:])
    taken = [
        f"{quote_name(one.true_class)} taken for {quote_name(one.predicted_class)} "
        f"({count_of(one.count, 'image')}, {format_percent(one.share)} of its own)"
        for one in pairs[:_MOST_PAIRS]
    ]
    yield f"- Most confused on {split}: {', '.join([*taken, *count_alike(alike, 'pair')])}."
