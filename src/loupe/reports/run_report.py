"""A run folder as one HTML page."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from markupsafe import Markup

from loupe.data import ImageDataset
from loupe.data.normalization import Normalization
from loupe.evaluations import Looks
from loupe.metrics import Metric
from loupe.models.layer_table import LayerTable
from loupe.plugins import name_plugin_module
from loupe.questions import Answer, Verdict, answer_questions, gather_evidence
from loupe.recipe import Recipe
from loupe.reports.charts import LineChart, Series, chart_metric, draw_line_chart, name_loss, smooth
from loupe.reports.earlier_looks import read_looks
from loupe.reports.inside import InsideFigure, Subject, collect_inside, take_one_per_class
from loupe.reports.inside_channels import show_filter_history
from loupe.reports.looks import Findings, render_looks
from loupe.reports.page import (
    format_thousands,
    render_page,
    write_page,
)
from loupe.reports.pictures import encode_figure
from loupe.reports.reconstruction_report import ShownReconstruction, chart_errors, show_reconstructions
from loupe.runs import RunFolder, RunResult, load_model, name_run
from loupe.runs.looks import describe_looks
from loupe.runs.metric_values import list_history_metrics
from loupe.runs.rate_course import trace_rates
from loupe.runs.result import Score
from loupe.training import EpochRecord
from loupe.wording import format_duration

_DPI = 110


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
    recipe = folder.read_recipe()
    judged_split, judged = _choose_judged(result)
    is_classifier = result.objective == "classification"
    findings = _render_looks(folder, result, validation)
    write_page(
        folder.report_file,
        "run.html" if is_classifier else "reconstruction.html",
        is_classifier=is_classifier,
        run_name=name_run(folder.path),
        run_path=folder.path,
        recipe=recipe,
        recipe_toml=recipe.to_toml(),
        curves_note=explain_curves(recipe),
        result=result,
        looks=describe_looks([folder]),
        **_show_answers(answer_questions(gather_evidence(folder, result))),
        judged=judged,
        judged_split=judged_split,
        tiles=list(make_tiles(result)),
        layers=layers,
        environment=list(flatten(folder.read_environment())),
        inside=_look_inside(folder, validation) if result.best and recipe.evaluate.look_inside else [],
        charts=draw_run_curves(folder, result),
        findings=findings,
        shown=_show_reconstructions(folder, result, validation),
    )


def render_answers(folder: RunFolder, result: RunResult) -> str:
    """Return the part of the page that answers questions about the run."""
    return render_page("answers.html", **_show_answers(answer_questions(gather_evidence(folder, result))))


def _show_answers(answers: Sequence[Answer]) -> dict[str, Any]:
    return {"answers": answers, "marks": _MARKS, "words": _WORDS}


_MARKS: dict[Verdict, str] = {"good": "✓", "attention": "!", "unknown": "?"}
_WORDS: dict[Verdict, str] = {
    "good": "nothing to do",
    "attention": "should be seen to",
    "unknown": "this run alone cannot tell",
}


def render_weights(folder: RunFolder, result: RunResult) -> str:
    """Return the part of the page that says which weights the figures belong to."""
    is_classifier = result.objective == "classification"
    recipe = folder.read_recipe()
    looks = describe_looks([folder])
    return render_page("weights.html", result=result, recipe=recipe, is_classifier=is_classifier, looks=looks)


def render_findings(folder: RunFolder, result: RunResult, validation: ImageDataset) -> tuple[str, str]:
    """Return the part of the page on what evaluations found, and on reconstructions, and its style.

    Args:
        folder: the run's folder.
        result: what the run found.
        validation: its validation images, in the order of the stored predictions.
    """
    judged_split, judged = _choose_judged(result)
    findings = _render_looks(folder, result, validation)
    if result.objective == "classification":
        return str(findings.html), str(findings.style)
    shown = _show_reconstructions(folder, result, validation)
    page = render_page(
        "reconstructions.html", findings=findings, shown=shown, judged=judged, judged_split=judged_split
    )
    return page, str(findings.style)


def render_layers(layers: LayerTable) -> str:
    """Return the table of a network's layers, with where their numbers come from."""
    return render_page("layers.html", layers=layers)


def render_figures(folder: RunFolder, validation: ImageDataset) -> str:
    """Return the figures of what the best weights learned; drawing them takes seconds."""
    return render_page("figures.html", inside=_look_inside(folder, validation))


def _render_looks(folder: RunFolder, result: RunResult, validation: ImageDataset) -> Findings:
    looks = read_looks(folder, result, validation) if result.best is not None else Looks()
    return render_looks(looks, {"validation": validation}, validation.class_names)


def _show_reconstructions(
    folder: RunFolder, result: RunResult, validation: ImageDataset
) -> dict[str, list[ShownReconstruction]]:
    """Return images beside what the network made of them; nothing of a classifier."""
    if result.best is None or result.objective == "classification":
        return {}
    return show_reconstructions(validation, folder.read_reconstructions()["validation"])


def draw_run_curves(folder: RunFolder, result: RunResult | None) -> list[Markup]:
    """Return the charts of a run, of one that still trains too: then without a result."""
    history = folder.read_history()
    if not history:
        return []
    mark = _mark_best(result) if result is not None else None
    further = [
        draw_line_chart(_chart_further(metric, history, mark))
        for metric in list_history_metrics([folder])
        if metric.name in history[0].validation_metrics
    ]
    if history[0].validation_accuracy is not None:
        rates = _chart_rate(history, folder.read_recipe())
        return [*draw_curves(history, mark, folder.read_test_looks(), rates), *further]
    best = result.best if result is not None else None
    baselines = best.validation.baselines if best is not None else ()
    charts = (chart_errors(history, baselines, mark), _chart_rate(history, folder.read_recipe()))
    return [*(draw_line_chart(chart) for chart in charts), *further]


def _chart_further(metric: Metric, history: Sequence[EpochRecord], mark: tuple[int, str] | None) -> LineChart:
    values = [record.validation_of(metric.name) for record in history]
    epochs, title = [record.epoch for record in history], metric.title[:1].upper() + metric.title[1:]
    return chart_metric(title, metric, epochs, [Series("validation", values, "c1")], mark=mark)


def _look_inside(folder: RunFolder, validation: ImageDataset) -> list[tuple[InsideFigure, str]]:
    """Return figures of what the best weights learned, each with its picture."""
    model, description = load_model(folder)
    normalization = Normalization.from_dict(description["normalization"])
    subject = Subject(model, normalization, take_one_per_class(validation), validation)
    plugins = [name_plugin_module(one) for one in folder.read_recipe().run.plugins]
    drawn = []
    try:
        snapshots = folder.read_filter_snapshots()
        along = [show_filter_history(snapshots, subject.image_shape)] if snapshots is not None else []
        for figure in chain(along, collect_inside(subject, plugins)):
            drawn.append((figure, encode_figure(figure.figure, _DPI)))
    except Exception as error:  # a user's own network can be anything; its figures are worth no run
        folder.log(f"not all figures of the inside could be drawn: {type(error).__name__}: {error}")
    return drawn


def _mark_best(result: RunResult) -> tuple[int, str] | None:
    return (result.best.epoch, f"best epoch {result.best.epoch}") if result.best else None


def _choose_judged(result: RunResult) -> tuple[str, Score | None]:
    """Return the split that headlines the report and its score: test if opened, else validation."""
    if result.best is None:
        return "validation", None
    if result.best.test is not None:
        return "test", result.best.test
    return "validation", result.best.validation


def make_tiles(result: RunResult) -> Iterator[dict[str, str]]:
    """Yield the figures at the head of a page, each a value and what it is."""
    if result.best is not None:
        validation = result.best.validation
        for one in (validation.headline, *validation.metrics.values()):
            yield {"value": one.metric.write(one.value) or "–", "label": f"validation {one.metric.heading}"}
        for baseline in validation.baselines:
            value = validation.headline.metric.write(baseline.loss)
            yield {"value": value, "label": f"{baseline.name}, no network"}
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


def explain_curves(recipe: Recipe) -> str:
    """Return how the figures of training come about, and whether they compare with those of validation."""
    sentences = []
    if recipe.train.clean_train_images:
        sentences.append(
            "“Clean training” is measured after each epoch as validation is, without augmentation, on up to "
            f"{recipe.train.clean_train_images:,} training images."
        )
    extra = {
        "augmented images": recipe.data.augment,
        "mixed images and labels": recipe.data.mix,
        "label smoothing": recipe.train.label_smoothing,
    }
    seen = "".join(f"{words}, " for words, is_there in extra.items() if is_there)
    sentences.append(
        "“Running training”, the train loss of the log, is what the loop saw while the weights still moved: "
        f"{seen}not comparable with the others."
    )
    return " ".join(sentences)


def draw_curves(
    history: Sequence[EpochRecord],
    mark: tuple[int, str] | None,
    test_looks: dict[int, float],
    rates: LineChart,
) -> list[Markup]:
    """Return the charts of a history: accuracy, loss, the gap of training and validation, learning rate."""
    if not history:
        return []
    epochs = [record.epoch for record in history]
    validation = [record.validation_accuracy or 0.0 for record in history]
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
    charts = [
        LineChart("Accuracy", "accuracy (%)", epochs, _present(accuracy), scale=100, digits=2, mark=mark),
        LineChart("Loss", name_loss(True), epochs, _present(loss), digits=4, mark=mark),
        rates,
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


def _chart_rate(history: Sequence[EpochRecord], recipe: Recipe) -> LineChart:
    traced = trace_rates(recipe, history)
    ends = [record.epoch for record in history], [record.learning_rate for record in history]
    epochs, rates = traced or ends
    when = "of each step" if traced else "at the end of the epoch"
    return LineChart("Learning rate", when, epochs, [Series("learning rate", rates, "c4")], digits=6)


def _present(series: Sequence[Series]) -> list[Series]:
    return [one for one in series if any(value is not None for value in one.values)]


def flatten(values: dict[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested values as pairs of a name and a text."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{place}{name} ")
        else:
            yield place + name, "" if value is None else str(value)
