"""The curves of a training: loss, accuracy, their gap, the learning rate, and metrics that a recipe names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from loupe.figures.line_chart import Curve, draw_lines, plot_lines
from loupe.publishing.report_figure import Origin, ReportFigure, join_sentences
from loupe.reports.charts import name_loss
from loupe.runs import RunFolder, RunResult
from loupe.runs.metric_values import list_history_metrics
from loupe.runs.rate_course import trace_rates
from loupe.training import EpochRecord
from loupe.wording import count_of


@dataclass(frozen=True)
class CurveChart:
    """Curves over the epochs of a training.

    Args:
        name: "loss", "accuracy", "gap", "learning-rate", or a metric's name.
        y_label: quantity and unit.
        curves: one value an epoch each.
        said: what it shows, a sentence.
        has_zero_line: whether it has a line at zero.
        x: where the values lie, in epochs; the epochs' numbers if left out.
    """

    name: str
    y_label: str
    curves: tuple[Curve, ...]
    said: str
    has_zero_line: bool = False
    x: tuple[float, ...] = ()

    @property
    def title(self) -> str:
        """The name as a heading."""
        return self.name[:1].upper() + self.name[1:].replace("-", " ").replace("_", " ")


def list_charts(folder: RunFolder, result: RunResult | None = None) -> dict[str, CurveChart]:
    """Return what there is to draw of a training, by name; nothing before the first epoch.

    Args:
        folder: the run's folder.
        result: what it found; None while it trains.
    """
    history = folder.read_history()
    if not history:
        return {}
    is_classifier = history[0].validation_accuracy is not None
    charts = [_chart_loss(history, result, is_classifier=is_classifier)]
    if is_classifier:
        charts += [_chart_accuracy(history, folder), *_chart_gap(history)]
    charts.append(_chart_rate(history, folder))
    for metric in list_history_metrics([folder]):
        if metric.name in history[0].validation_metrics:
            values = [_scale(record.validation_of(metric.name), metric.scale) for record in history]
            said = f"{metric.title[:1].upper()}{metric.title[1:]} on validation after each epoch"
            charts.append(CurveChart(metric.name, metric.label, (Curve("validation", values),), said))
    return {chart.name: chart for chart in charts}


def draw_charts(folder: RunFolder, result: RunResult) -> Iterator[ReportFigure]:
    """Yield a figure for each chart of a training."""
    origin = Origin.of(folder, result)
    epochs = [record.epoch for record in folder.read_history()]
    for chart in list_charts(folder, result).values():
        figure = draw_lines(
            chart.x or epochs,
            chart.curves,
            x_label="epoch",
            y_label=chart.y_label,
            mark=find_mark(result),
            has_zero_line=chart.has_zero_line,
        )
        counts = ", ".join(
            f"{result.num_images[split]:,} {name}"
            for split, name in (("train", "training"), ("validation", "validation"))
        )
        sentences = [chart.said, f"{count_of(len(epochs), 'epoch')}; {counts} images", origin.describe()]
        yield ReportFigure(f"curves-{chart.name}", chart.title, join_sentences(sentences), figure)


def plot_chart(axes: Axes, folder: RunFolder, chart: CurveChart, result: RunResult | None) -> None:
    """Draw a chart of a training into axes."""
    plot_lines(
        axes,
        chart.x or [record.epoch for record in folder.read_history()],
        chart.curves,
        x_label="epoch",
        y_label=chart.y_label,
        mark=find_mark(result) if result is not None else None,
        has_zero_line=chart.has_zero_line,
    )


def find_mark(result: RunResult) -> tuple[float, str] | None:
    """Return the best epoch, to be marked; None before the first."""
    return (result.best.epoch, f"best epoch ({result.best.epoch})") if result.best is not None else None


def _chart_loss(
    history: Sequence[EpochRecord], result: RunResult | None, *, is_classifier: bool
) -> CurveChart:
    curves = [
        Curve("validation", [record.validation_loss for record in history]),
        Curve("training, clean", [record.clean_train_loss for record in history]),
    ]
    curves = [one for one in curves if any(value is not None for value in one.values)]
    if len(curves) == 1:  # nothing else says what training did
        curves.append(Curve("training, running", [record.train_loss for record in history]))
    best = result.best if result is not None else None
    baselines = best.validation.baselines if best is not None else ()
    highest = max(value for one in curves for value in one.values if value is not None)
    shown = [one for one in baselines if one.loss <= 2 * highest]  # a far one would press the curves together
    levels = [Curve(f"{one.name}, no network", [one.loss] * len(history), is_level=True) for one in shown]
    said = "Loss on validation and on training images after each epoch"
    if any(one.name.endswith("clean") for one in curves):
        said += "; clean training images are measured as validation ones are, without augmentation"
    return CurveChart("loss", name_loss(is_classifier), (*curves, *levels), said)


def _chart_accuracy(history: Sequence[EpochRecord], folder: RunFolder) -> CurveChart:
    curves = [Curve("validation", [_scale(record.validation_accuracy, 100) for record in history])]
    clean = [_scale(record.clean_train_accuracy, 100) for record in history]
    running = [_scale(record.train_accuracy, 100) for record in history]
    has_clean = any(value is not None for value in clean)
    curves.append(Curve("training, clean", clean) if has_clean else Curve("training, running", running))
    said = "Accuracy on validation and on training images after each epoch"
    looked = folder.read_test_looks()
    if looked:
        values = [_scale(looked.get(record.epoch), 100) for record in history]
        curves.append(Curve("test, shown on request", values))
        said += "; the test curve was asked for and selected nothing"
    return CurveChart("accuracy", "accuracy (%)", tuple(curves), said)


def _chart_rate(history: Sequence[EpochRecord], folder: RunFolder) -> CurveChart:
    traced = trace_rates(folder.read_recipe(), history)
    if traced is None:
        curve = Curve("learning rate", [record.learning_rate for record in history])
        return CurveChart(
            "learning-rate", "learning rate", (curve,), "Learning rate at the end of each epoch"
        )
    epochs, rates = traced
    said = "Learning rate of each step, as the schedule has it"
    curve = Curve("learning rate", rates, has_markers=False)
    return CurveChart("learning-rate", "learning rate", (curve,), said, x=tuple(epochs))


def _chart_gap(history: Sequence[EpochRecord]) -> list[CurveChart]:
    gaps = [
        None
        if record.clean_train_accuracy is None or record.validation_accuracy is None
        else 100 * (record.clean_train_accuracy - record.validation_accuracy)
        for record in history
    ]
    if all(gap is None for gap in gaps):
        return []
    said = "Accuracy on clean training images minus accuracy on validation, after each epoch"
    curve = Curve("training − validation", gaps)
    return [CurveChart("gap", "accuracy gap (percentage points)", (curve,), said, has_zero_line=True)]


def _scale(value: float | None, factor: int) -> float | None:
    return None if value is None else factor * value
