"""A run folder as one HTML page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from markupsafe import Markup

from loupe.data import ImageDataset
from loupe.evaluation import Metrics, Predictions, rank_confused_pairs
from loupe.models.layer_table import LayerTable
from loupe.reports.charts import LineChart, Series, draw_line_chart, smooth
from loupe.reports.page import format_duration, format_percent, format_thousands, write_page
from loupe.reports.pictures import encode_png
from loupe.runs import RunFolder, RunResult
from loupe.training import EpochRecord

_MOST_WRONG, _MOST_RIGHT = 24, 12


@dataclass(frozen=True)
class ShownPrediction:
    """One image with what the network says of it."""

    picture: str
    true_class: str
    predicted_class: str
    confidence: float
    is_right: bool


def write_run_report(
    folder: RunFolder, result: RunResult, validation: ImageDataset, layers: LayerTable
) -> None:
    """Write `report.html` of a run.

    Args:
        folder: the run's folder.
        result: what the run found.
        validation: its validation images, in the order of the stored predictions.
        layers: of its network.
    """
    recipe, history = folder.read_recipe(), folder.read_history()
    judged_split, judged = _choose_judged(result)
    right: list[ShownPrediction] = []
    wrong: list[ShownPrediction] = []
    num_wrong = 0
    if result.best is not None:
        predictions = folder.read_predictions()["validation"]
        num_wrong = int((~predictions.is_right).sum())
        right, wrong = show_predictions(validation, predictions)
    write_page(
        folder.report_file,
        "run.html",
        run_name=name_run(folder.path),
        run_path=folder.path,
        recipe=recipe,
        recipe_toml=recipe.to_toml(),
        result=result,
        judged=judged,
        judged_split=judged_split,
        tiles=list(_make_tiles(result)),
        charts=draw_curves(history, result.best.epoch if result.best else None, folder.read_test_looks()),
        pairs=rank_confused_pairs(judged.confusion, validation.class_names) if judged else [],
        right=right,
        wrong=wrong,
        num_wrong=num_wrong,
        num_validation=len(validation),
        layers=layers,
        environment=list(_flatten(folder.read_environment())),
    )


def name_run(path: Path) -> str:
    """Return the name `loupe resume` takes: the folder's; for a seed of a series, the series' before it."""
    is_seed = (path.parent / "recipe.toml").is_file()
    return f"{path.parent.name}/{path.name}" if is_seed else path.name


def _choose_judged(result: RunResult) -> tuple[str, Metrics | None]:
    """Return the split that headlines the report and its metrics: test if opened, else validation."""
    if result.best is None:
        return "validation", None
    if result.best.test is not None:
        return "test", result.best.test
    return "validation", result.best.validation


def _make_tiles(result: RunResult) -> Iterator[dict[str, str]]:
    if result.best is not None:
        validation = result.best.validation
        yield {"value": format_percent(validation.accuracy), "label": "validation accuracy"}
        epochs = f"best epoch of {result.last.epoch}" if result.last else "best epoch"
        early = ", stopped early" if result.stopped_early else ""
        yield {"value": str(result.best.epoch), "label": epochs + early}
    yield {"value": format_thousands(result.parameters), "label": "parameters"}
    yield {"value": format_duration(result.seconds), "label": "training and validation"}
    yield {"value": format_thousands(result.images_per_second), "label": "training images a second"}
    counts = result.num_images
    label = f"training images; {counts['validation']:,} validation, {counts['test']:,} test"
    yield {"value": format_thousands(counts["train"]), "label": label}
    looks = len(result.test_openings)
    yield {"value": f"{looks} ×", "label": "test set looked at"}


def draw_curves(
    history: Sequence[EpochRecord], best_epoch: int | None, test_looks: dict[int, float]
) -> list[Markup]:
    """Return the charts of a history: accuracy, loss, and the gap between training and validation."""
    if not history:
        return []
    epochs = [record.epoch for record in history]
    mark = (best_epoch, f"best epoch {best_epoch}") if best_epoch is not None else None
    validation = [record.validation_accuracy for record in history]
    clean = [record.clean_train_accuracy for record in history]
    running = [record.train_accuracy for record in history]
    accuracy = [
        Series("validation", validation, "c1"),
        Series("clean training", clean, "c2", is_dashed=True),
        Series("running training", running, "c3", is_dashed=True, is_hidden=True),
        Series("validation, mean of 5 epochs", smooth(validation), "c4", is_hidden=True),
    ]
    if test_looks:
        looked = [test_looks.get(epoch) for epoch in epochs]
        accuracy.append(Series("test, shown on request", looked, "c5", is_dashed=True))
    loss = [
        Series("validation", [record.validation_loss for record in history], "c1"),
        Series("clean training", [record.clean_train_loss for record in history], "c2", is_dashed=True),
        Series("running training", [record.train_loss for record in history], "c3", True, True),
    ]
    gap = [
        None if trained is None else trained - held_out
        for trained, held_out in zip(clean, validation, strict=True)
    ]
    rates = [record.learning_rate for record in history]
    charts = [
        LineChart("Accuracy", "accuracy (%)", epochs, _present(accuracy), scale=100, digits=2, mark=mark),
        LineChart("Loss", "negative log likelihood (nats)", epochs, _present(loss), digits=4, mark=mark),
        LineChart(
            "Learning rate",
            "at the end of the epoch",
            epochs,
            [Series("learning rate", rates, "c4")],
            digits=6,
        ),
    ]
    if any(value is not None for value in gap):
        series = [Series("clean training − validation", gap, "c5")]
        title = "Accuracy gap"
        charts.insert(
            2,
            LineChart(
                title, "percentage points", epochs, series, scale=100, digits=2, mark=mark, zero_line=True
            ),
        )
    return [draw_line_chart(chart) for chart in charts]


def _present(series: Sequence[Series]) -> list[Series]:
    return [one for one in series if any(value is not None for value in one.values)]


def show_predictions(
    images: ImageDataset, predictions: Predictions
) -> tuple[list[ShownPrediction], list[ShownPrediction]]:
    """Return some right predictions, drawn at random, and the most confident wrong ones."""
    confidence = predictions.confidence
    wrong = (~predictions.is_right).nonzero().flatten()
    wrong = wrong[confidence[wrong].argsort(descending=True, stable=True)][:_MOST_WRONG]
    right = predictions.is_right.nonzero().flatten()
    drawn = torch.randperm(len(right), generator=torch.Generator().manual_seed(0))[:_MOST_RIGHT]

    def show(index: int) -> ShownPrediction:
        return ShownPrediction(
            picture=encode_png(images.images[index]),
            true_class=images.class_names[int(predictions.labels[index])],
            predicted_class=images.class_names[int(predictions.predicted[index])],
            confidence=float(confidence[index]),
            is_right=bool(predictions.is_right[index]),
        )

    return [show(int(i)) for i in right[drawn]], [show(int(i)) for i in wrong]


def _flatten(values: dict[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{place}{name} ")
        else:
            yield place + name, "" if value is None else str(value)
