"""What the report of a network that gives its images back shows instead of classes and predictions."""

from collections.abc import Sequence
from dataclasses import dataclass

from loupe.data import ImageDataset
from loupe.metrics import Reconstructions
from loupe.metrics.scores import Baseline
from loupe.reports.charts import LineChart, Series
from loupe.reports.pictures import encode_png
from loupe.training import EpochRecord


@dataclass(frozen=True)
class ShownReconstruction:
    """An image, what the network made of it, and the mean squared error between them."""

    picture: str
    remade: str
    class_name: str
    error: float


def show_reconstructions(images: ImageDataset, made: Reconstructions) -> dict[str, list[ShownReconstruction]]:
    """Return some images by how well they were given back: best, around the median, worst."""
    shown = [
        ShownReconstruction(
            picture=encode_png(images.images[index]),
            remade=encode_png(made.pictures[place]),
            class_name=images.class_names[int(images.labels[index])],
            error=float(made.errors[index]),
        )
        for place, index in enumerate(made.shown.tolist())
    ]
    third = len(shown) // 3
    if not third or len(shown) % 3:
        return {"all": shown}
    return {
        "least error": shown[:third],
        "around the median": shown[third : 2 * third],
        "most error": shown[-third:],
    }


def chart_errors(
    history: Sequence[EpochRecord], baselines: Sequence[Baseline], mark: tuple[int, str] | None
) -> LineChart:
    """Return the chart of the errors over epochs, with the baselines as level lines."""
    epochs = [record.epoch for record in history]
    series = [
        Series("validation", [record.validation_loss for record in history], "c1"),
        Series("clean training", [record.clean_train_loss for record in history], "c2", is_dashed=True),
        Series("running training", [record.train_loss for record in history], "c3", True, True),
    ]
    series = [one for one in series if any(value is not None for value in one.values)]
    for baseline, colour in zip(baselines, ("c4", "c5"), strict=False):
        # the mean image is what to beat; the constant, far above, would press the curves together
        is_far = baseline.name == "constant"
        level = [baseline.loss] * len(epochs)
        series.append(Series(f"{baseline.name}, no network", level, colour, True, is_far))
    return LineChart("Error", "mean squared error per pixel", epochs, series, digits=4, mark=mark)
