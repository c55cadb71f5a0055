from loupe.data import ImageDataset
from loupe.evaluations.finding import POINTS, Finding, Value
from loupe.evaluations.network import Network
from loupe.evaluations.paired_comparison import compare_predictions
from loupe.evaluations.registry import register_evaluation
from loupe.evaluations.test_time import Views
from loupe.metrics import Predictions
from loupe.statistics.comparison import compute_paired_interval
from loupe.statistics.intervals import compute_wilson_interval


@register_evaluation(
    "test_time_augmentation", chapter="Predictions", order=60, split="both", is_default=False, mirrors=True
)
def measure_test_time_augmentation(
    answers: Predictions,
    images: ImageDataset,
    network: Network,
    level: float,
    views: Views = "mirror",
) -> Finding:
    """Accuracy of the mean over views of each image, beside the plain one: it selects nothing."""
    viewed = network.predict_views(images, views)
    found, total = compare_predictions(viewed, answers), len(answers.labels)
    correct, plainly = int(viewed.is_right.sum()), int(answers.is_right.sum())
    gain = Value(
        "gain",
        found.difference,
        POINTS,
        compute_paired_interval(len(found.only_first), len(found.only_second), total, level),
    )
    accuracy = Value(
        f"accuracy with views ({views})",
        correct / total,
        "percent",
        compute_wilson_interval(correct, total, level),
    )
    plain = Value(
        "accuracy without",
        plainly / total,
        "percent",
        compute_wilson_interval(plainly, total, level),
    )
    moved = ", both also moved by a pixel along the diagonal" if views == "mirror-shift" else ""
    sentence = (
        f"The mean over each image and its mirror image{moved} gains {gain.write()}: right only with views "
        f"{len(found.only_first):,}, only without {len(found.only_second):,} of {total:,} images."
    )
    return Finding(sentence, [accuracy, plain, gain])
