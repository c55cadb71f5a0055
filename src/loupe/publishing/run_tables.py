"""What runs found, as tables: results, cost, recipe, classes, confusion, layers. All from the record."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loupe.metrics import Metric, MetricValue, rank_confused_pairs
from loupe.models.layer_table import OUTSIDE, LayerTable, describe_layers
from loupe.publishing.class_figures import list_scores, measure_classes
from loupe.publishing.report_figure import Origin, join_sentences
from loupe.publishing.table import Cell, ReportColumn, ReportTable
from loupe.recipe import Recipe
from loupe.runs import RunFolder, RunResult, SeriesFolder, load_model, name_run
from loupe.runs.looks import count_own_looks
from loupe.runs.metric_values import Split, choose_score
from loupe.wording import count_of

_SPLITS: tuple[Split, ...] = ("validation", "test")
_UNSAID = ("name", "about", *(f"run.{one}" for one in ("folder", "device", "threads", "plugins", "seeds")))
_UNSAID += tuple(f"run.{one}" for one in ("tensorboard", "trackers", "observers"))  # they change no number


def tabulate_results(places: Sequence[RunFolder], level: float) -> ReportTable:
    """Return a row a run: accuracy or error on training, validation and test, further metrics, test looks.

    A series has a row a seed, and one with the means and their intervals.

    Args:
        places: runs and series with results.
        level: of the intervals, for the caption.
    """
    runs = [(place, run, run.require_result()) for place in places for run in _runs_of(place)]
    metrics = _list_metrics([result for *_, result in runs])
    columns = [ReportColumn("run"), ReportColumn("seed"), ReportColumn("best epoch")]
    headline = metrics[0][1]
    columns.append(_column("clean training", headline, has_interval=False))
    columns += [_column(split, metric, has_interval=True) for split, metric in metrics]
    rows: list[tuple[Cell, ...]] = []
    for place in places:
        for run in _runs_of(place):
            rows.append(_make_row(run, run.require_result(), metrics))
        if isinstance(place, SeriesFolder) and len(_runs_of(place)) > 1:
            rows.append(_make_mean_row(place, metrics))
    has_means = any(isinstance(place, SeriesFolder) for place in places)
    sentences = [
        f"Results of the weights of the best epoch, chosen on validation; {100 * level:g} % intervals over "
        "images in brackets",
        "Rows of means: intervals of the mean for new seeds and new images" if has_means else "",
    ]
    return ReportTable("results", join_sentences(sentences), tuple(columns), tuple(rows))


def _column(split: str, metric: Metric, *, has_interval: bool) -> ReportColumn:
    unit = "%" if metric.is_percent else metric.unit
    digits = 2 if metric.is_percent else None
    return ReportColumn(f"{split} {metric.title}", unit, digits, has_interval)


def _runs_of(place: RunFolder) -> list[RunFolder]:
    if not isinstance(place, SeriesFolder):
        return [place]
    return [run for run in place.runs.values() if run.result_file.exists()]


def _list_metrics(results: Sequence[RunResult]) -> list[tuple[Split, Metric]]:
    """Return every metric of every split that some run has, headline first, then loss and further ones."""
    found: dict[tuple[str, Split], Metric] = {}
    for result in results:
        for split in _SPLITS:
            score = choose_score(result.best, split)
            for value in score.values if score is not None else ():
                found.setdefault((value.metric.name, split), value.metric)
    names = dict.fromkeys(name for name, _ in found)
    return [(split, found[name, split]) for name in names for split in _SPLITS if (name, split) in found]


def _make_row(run: RunFolder, result: RunResult, metrics: Sequence[tuple[Split, Metric]]) -> tuple[Cell, ...]:
    epoch = result.best.epoch if result.best is not None else None
    record = next((one for one in run.read_history() if one.epoch == epoch), None)
    is_classifier = result.objective == "classification"
    clean = None
    if record is not None:
        clean = record.clean_train_accuracy if is_classifier else record.clean_train_loss
    values = [_find(result, split, metric.name) for split, metric in metrics]
    cells = [None if one is None or one.value is None else (one.value, one.interval) for one in values]
    return (name_run(run.path), result.seed, epoch, clean, *cells)


def _find(result: RunResult, split: Split, name: str) -> MetricValue | None:
    score = choose_score(result.best, split)
    return next((one for one in score.values if one.metric.name == name), None) if score is not None else None


def _make_mean_row(series: SeriesFolder, metrics: Sequence[tuple[Split, Metric]]) -> tuple[Cell, ...]:
    summaries = series.read_summaries()
    cells: list[Cell] = []
    for split, metric in metrics:
        of_split = [one for name, one in summaries.items() if name.startswith(f"best {split} ")]
        found = next((one for one in of_split if one.metric and one.metric.name == metric.name), None)
        cells.append(None if found is None else (found.mean, found.interval))
    return (f"{series.path.name}: mean", count_of(len(_runs_of(series)), "seed"), None, None, *cells)


def tabulate_cost(places: Sequence[RunFolder]) -> ReportTable:
    """Return a row a run: parameters, multiply-adds, images, epochs, time, device, looks at the test set."""
    columns = (
        ReportColumn("run"), ReportColumn("parameters"), ReportColumn("multiply-adds an image"),
        ReportColumn("training images"),
        ReportColumn("epochs"), ReportColumn("time an epoch", "s"),
        ReportColumn("training images a second"), ReportColumn("device"),
        ReportColumn("looks at the test set"),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for place in places:
        for run in _runs_of(place):
            result, epochs = run.require_result(), len(run.read_history())
            device = str(run.read_environment().get("device", ""))
            rows.append(
                (
                    name_run(run.path),
                    result.parameters,
                    result.multiply_adds,
                    result.num_images["train"],
                    epochs,
                    result.seconds / epochs if epochs else None,
                    round(result.images_per_second),
                    device,
                    count_own_looks(run),
                )
            )
    caption = "Size and cost of the runs; the time is that of training and validation."
    return ReportTable("cost", caption, columns, tuple(rows))


def tabulate_recipes(places: Sequence[RunFolder]) -> ReportTable:
    """Return a row a field and a column a run: of one run every setting, of several those that differ too.

    Fields of several runs that are equal in all are left out if they are at their default in all.
    """
    recipes = [place.read_recipe() for place in places]
    flat = [flatten_recipe(recipe) for recipe in recipes]
    default = flatten_recipe(Recipe())
    fields = dict.fromkeys(name for one in flat for name in one)
    if len(places) > 1:
        fields = dict.fromkeys(
            name
            for name in fields
            if len({one.get(name) for one in flat}) > 1 or flat[0].get(name) != default.get(name)
        )
    names = [name_run(place.path) for place in places]
    columns = (ReportColumn("setting"), *(ReportColumn(name) for name in names))
    rows = [(name, *(one.get(name, "–") for one in flat)) for name in fields]
    what = "Every setting of the run, defaults included" if len(places) == 1 else "Settings of the runs"
    return ReportTable("recipe", f"{what}.", columns, tuple(rows))


def flatten_recipe(recipe: Recipe) -> dict[str, str]:
    """Return what determines a run's numbers, a text a setting: "train.optimizer.learning_rate" → "0.003"."""
    found = dict(_flatten("", recipe.to_dict()))
    return {name: text for name, text in found.items() if name not in _UNSAID}


def _flatten(place: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        if place.endswith("]") or set(value) == {"name"}:
            yield place, _write(value)
            return
        for name, inner in value.items():
            yield from _flatten(f"{place}.{name}" if place else name, inner)
    else:
        yield place, _write(value)


def _write(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        settings = ", ".join(f"{key} {_write(one)}" for key, one in value.items() if key != "name")
        name = value.get("name", "")
        return f"{name} ({settings})" if name and settings else str(name or settings)
    if isinstance(value, list | tuple):
        return ", ".join(map(_write, value)) or "none"
    return str(value) if value != "" else "none"


def tabulate_classes(run: RunFolder) -> list[ReportTable]:
    """Return for each split that was judged a row a class: precision, recall, F1 with intervals."""
    result = run.require_result()
    tables = []
    for split, score in list_scores(result):
        columns = (
            ReportColumn("class"),
            ReportColumn("images"),
            ReportColumn("predicted"),
            *(ReportColumn(name, "%", 1, has_interval=True) for name in ("precision", "recall", "F1")),
        )
        rows = [
            (one.name, one.num_images, one.num_predicted, one.precision, one.recall, one.f1)
            for one in measure_classes(score, result.confidence)
        ]
        sentences = [
            f"Precision, recall and F1 of each class on {score.num_images:,} {split} images, with "
            f"{100 * result.confidence:g} % intervals over images",
            Origin.of(run, result).describe(),
        ]
        tables.append(ReportTable(f"classes-{split}", join_sentences(sentences), columns, tuple(rows)))
    return tables


def tabulate_confusion(run: RunFolder) -> list[ReportTable]:
    """Return for each split that was judged the counts: rows are true classes, columns predicted ones."""
    result = run.require_result()
    tables = []
    for split, score in list_scores(result):
        columns = (
            ReportColumn("true class"),
            *map(ReportColumn, score.class_names),
            ReportColumn("together"),
        )
        rows: list[tuple[Cell, ...]] = [
            (name, *counts, sum(counts))
            for name, counts in zip(score.class_names, score.confusion, strict=True)
        ]
        totals = [sum(column) for column in zip(*score.confusion, strict=True)]
        rows.append(("together", *totals, sum(totals)))
        sentences = [
            f"Confusion matrix of {score.num_images:,} {split} images: rows true classes, columns predicted",
            Origin.of(run, result).describe(),
        ]
        table = ReportTable(
            f"confusion-{split}", join_sentences(sentences), columns, tuple(rows), num_totals=1
        )
        tables.append(table)
    return tables


def read_layers(run: RunFolder) -> LayerTable:
    """Return the layers of a run's network.

    Raises:
        LoupeError: it has no weights yet, or a plugin is gone.
    """
    model, description = load_model(run)
    height, width = description["image_size"]
    return describe_layers(model, in_channels=description["in_channels"], image_size=(height, width))


def tabulate_pairs(run: RunFolder) -> list[ReportTable]:
    """Return the most confused pairs of classes, a table a split, those of most of their class first."""
    result = run.require_result()
    origin = Origin.of(run, result).describe()
    columns = (
        ReportColumn("true class"), ReportColumn("taken for"), ReportColumn("images"),
        ReportColumn("of its class", "%", 1),
    )  # fmt: skip
    tables = []
    for split, score in list_scores(result):
        pairs = rank_confused_pairs(score.confusion, score.class_names)
        rows = tuple((one.true_class, one.predicted_class, one.count, one.share) for one in pairs)
        caption = join_sentences([f"The most confused pairs, {score.num_images:,} {split} images", origin])
        if rows:
            tables.append(ReportTable(f"pairs-{split}", caption, columns, rows))
    return tables


def tabulate_layers(run: RunFolder) -> ReportTable:
    """Return a row a layer: kind, kernel, stride, padding, output, parameters, multiply-adds of one image."""
    model, _ = load_model(run)
    layers, modules = read_layers(run), dict(model.named_modules())
    columns = tuple(
        ReportColumn(heading)
        for heading in ("layer", "kind", "kernel", "output", "parameters", "multiply-adds")
    )
    rows: list[tuple[Cell, ...]] = [
        (
            row.name,
            row.kind,
            _describe_kernel(modules.get(row.name)),
            " × ".join(map(str, row.output_shape)),
            row.parameters,
            row.multiply_adds,
        )
        for row in layers.rows
    ]
    if layers.outside:
        rows.append((OUTSIDE, "", "", "", "", layers.outside))
    rows.append(("together", "", "", "", layers.parameters, layers.multiply_adds))
    caption = join_sentences(
        [
            "Layers of the network, in forward order; outputs and multiply-adds of one image; "
            "a shared parameter counts once",
            f"Network of run {name_run(run.path)}",
        ]
    )
    return ReportTable("layers", caption, columns, tuple(rows), num_totals=1)


def _describe_kernel(module: Any) -> str:
    """Return kernel, stride and padding of a layer that has them: "3 × 3, stride 1, padding 1"."""
    kernel = getattr(module, "kernel_size", None)
    if kernel is None:
        return ""
    sizes = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    stride, padding = getattr(module, "stride", 1), getattr(module, "padding", 0)
    return f"{' × '.join(map(str, sizes))}, stride {_first(stride)}, padding {_first(padding)}"


def _first(value: Any) -> str:
    if isinstance(value, tuple):
        return str(value[0]) if len(set(value)) == 1 else " × ".join(map(str, value))
    return str(value)
