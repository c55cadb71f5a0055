"""Methods and results of a run in words: every number from the record, with its interval."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from loupe.metrics import MetricValue, rank_confused_pairs
from loupe.models import MODELS
from loupe.publishing.class_figures import list_scores
from loupe.publishing.data_figures import tabulate_normalization
from loupe.publishing.draft import Draft, Heading, Paragraph, Part, Points
from loupe.publishing.look_figures import name_look_figure, name_split
from loupe.publishing.report_figure import ReportFigure, join_sentences
from loupe.publishing.run_figures import RunFigures
from loupe.publishing.run_tables import (
    read_layers,
    tabulate_classes,
    tabulate_layers,
    tabulate_pairs,
    tabulate_recipes,
    tabulate_results,
)
from loupe.publishing.theory_chapter import write_chapter
from loupe.questions import answer_questions, gather_evidence
from loupe.recipe import Recipe
from loupe.recipe.schema import ModelSection
from loupe.recipe.sections import Choice
from loupe.registry import Registry
from loupe.reports.page import format_duration
from loupe.runs import RunFolder, RunResult, SeriesFolder, name_run
from loupe.runs.looks import describe_looks
from loupe.training import OPTIMIZERS
from loupe.wording import count_of, list_names

NOTE = "A draft that Loupe wrote from the record. Every number is the record's; what they mean, you say."
_FIGURES = ("data-", "network-", "curves-loss", "curves-accuracy", "curves-learning-rate", "classes-",
            "confusion-counts-", "calibration", "mistakes-", "right_answers-", "reconstructions", "filters-",
            "layers-", "gates")  # fmt: skip
_ONLY_FIRST = ("filters-", "layers-")


def draft_run(
    run: RunFolder, places: RunFolder, *, data: Path | None, left_out: list[str], theory: bool = False
) -> Draft:
    """Return the draft of a run; of a series that of its first run, with the means of all.

    Args:
        run: the run whose network is described.
        places: the run itself, or the series it is of.
        data: where the run's images lie now.
        left_out: receives why figures are missing.
        theory: whether it begins with a chapter on theory, drawn from the run's network.
    """
    recipe, result = run.read_recipe(), run.require_result()
    figures = RunFigures(run, data)
    drawn = _choose_figures(list(figures.draw()), result)
    left_out += figures.left_out
    results, layers, settings = (
        tabulate_results([places], result.confidence),
        tabulate_layers(run),
        tabulate_recipes([run]),
    )
    seeds = [run]
    if isinstance(places, SeriesFolder):
        seeds = [one for one in places.runs.values() if one.is_finished()] or seeds
    classes = [
        table
        for table in (*tabulate_classes(run), *tabulate_pairs(run))
        if table.name.endswith(f"-{_judged(result)}")
    ]
    of_data, network, rates, curves, of_classes, inside = (
        [one for one in drawn if one.name.startswith(start)]
        for start in (
            "data-", "network-", "curves-learning-rate", ("curves-loss", "curves-accuracy"),
            ("classes-", "confusion-"), _INSIDE,
        )
    )  # fmt: skip
    looked = [one for one in drawn if not one.name.startswith(_PLACED)]
    normalization = tabulate_normalization(run)
    parts: list[Part] = list(_write_theory(run, data, left_out)) if theory else []
    shown = [one for one in parts if isinstance(one, ReportFigure) and one.name == "theory-pipeline"]
    network = [] if shown else network  # one picture of it is enough
    parts += [
        Heading("Methods"),
        Heading("Data", 2),
        Paragraph(describe_data(run, recipe, result), (*of_data, normalization)),
        *of_data,
        normalization,
        Heading("Network and training", 2),
        Paragraph(describe_network(run, recipe, result), (*shown, *network, layers)),
        *network,
        Paragraph(
            _join(describe_training(run, recipe, result), _describe_seeds(seeds, result)),
            (*rates, *curves, settings),
        ),
        *rates,
        Heading("Selection and evaluation", 2),
        Paragraph(describe_selection(seeds, recipe, result)),
        Heading("Results"),
        Paragraph(describe_results(places, result), (*of_classes, results, *classes)),
        results,
        *curves,
        *of_classes,
        *classes,
    ]
    told = list(_tell_looks(run, looked))
    rest = tuple(one for one in looked if not any(one in paragraph.shown_in for paragraph in told))
    parts += [Heading("Further evaluations", 2), *told] if told or looked else []
    parts += [Paragraph("What else was looked at.", rest)] if rest else []
    parts += looked
    if inside:
        parts += [
            Heading("Inside the network", 2),
            Paragraph("What the trained network computes.", tuple(inside)),
            *inside,
        ]
    limits = list(_list_limits(run, result))
    parts += [Heading("Limits"), Points(tuple(limits))] if limits else []
    parts += [Heading("Appendix: layers and settings"), layers, settings]
    parts += [Heading("Reproduction"), Paragraph(describe_reproduction(run))]
    return Draft(f"Methods and results of {recipe.name}", NOTE, parts)


def _join(*paragraphs: str) -> str:
    return " ".join(one for one in paragraphs if one)


def _describe_seeds(runs: Sequence[RunFolder], result: RunResult) -> str:
    """Return that a series was trained, and which of its runs is described; "" for one run."""
    if len(runs) < 2:
        return ""
    seeds = [str(run.require_result().seed) for run in runs]
    return (
        f"So {len(runs)} networks were trained, with the seeds {list_names(seeds, most=20)}. What is called "
        f"a mean is over all of them; all else is of seed {result.seed}."
    )


_INSIDE = ("filters-", "layers-", "gates")
_PLACED = ("data-", "network-", "curves-", "classes-", "confusion-", *_INSIDE)


def _write_theory(run: RunFolder, data: Path | None, left_out: list[str]) -> Iterator[Part]:
    figures = RunFigures(run, data, is_theory=True)
    drawn = list(figures.draw())
    left_out += [one for one in figures.left_out if one not in left_out]
    if drawn:
        yield from write_chapter(drawn, read_layers(run))


def _judged(result: RunResult) -> str:
    return "test" if result.best is not None and result.best.test is not None else "validation"


def _choose_figures(figures: Sequence[ReportFigure], result: RunResult) -> list[ReportFigure]:
    """Return the figures a draft shows: of classes those of the split judged, of layers the first."""
    judged = _judged(result)
    chosen, taken = [], set()
    for figure in figures:
        start = next((one for one in _FIGURES if figure.name.startswith(one)), None)
        if start is None or start in taken:
            continue
        if start in ("classes-", "confusion-counts-") and not figure.name.endswith(judged):
            continue
        if start in _ONLY_FIRST:
            taken.add(start)
        chosen.append(figure)
    return chosen


def describe_data(run: RunFolder, recipe: Recipe, result: RunResult) -> str:
    """Return which images, how they were divided and prepared."""
    counts, data = result.num_images, recipe.data
    scores = list_scores(result)
    classes = f" of {len(scores[0][1].class_names)} classes" if scores else ""
    augment = ", ".join(one.name for one in data.augment)
    held = f"in a split drawn with seed {recipe.split_seed}"
    if data.fold is not None:
        held = f"as fold {data.fold.number} of {data.fold.of}"
    if data.sides_of is not None:
        held = f"as {data.sides_of} has them"
    normal = data.normalize if isinstance(data.normalize, str) else "stated constants"
    said = {
        "measured": "Pixels are normalised with mean and standard deviation measured on the training split",
        "unit": "Pixels lie in [0, 1]",
    }.get(normal, f"Pixels are normalised with {normal}")
    sentences = [
        f"The data set is {data.name}: {counts['train']:,} training, {counts['validation']:,} validation and "
        f"{counts['test']:,} test images{classes}, validation held out of the training data {held}",
        f"{100 * data.fraction:g} % of the training images are used" if data.fraction < 1 else "",
        said,
        f"Training images are augmented: {augment}" if augment else "Training images are not augmented",
        f"Images and labels are mixed: {data.mix.name}" if data.mix is not None else "",
        f"{100 * data.label_noise.share:g} % of the training labels are wrong on purpose ("
        f"{data.label_noise.kind})" if data.label_noise is not None else "",
        f"Labels were corrected by {data.corrections}" if data.corrections else "",
    ]  # fmt: skip
    digest = run.read_environment()["data_digests"]["train"]
    sentences.append(f"SHA-256 of the training split: {digest[:16]}…")
    return join_sentences(sentences)


def describe_network(run: RunFolder, recipe: Recipe, result: RunResult) -> str:
    """Return model, what of it is not as it comes, its size, and where its weights start."""
    layers = read_layers(run)  # which knows the plugin that a model may come from
    settings = ", ".join(_list_settings(recipe.model, MODELS))
    trained = f", {layers.trainable:,} of them trained" if layers.trainable < layers.parameters else ""
    sentences = [
        f"The network is {recipe.model.name}{f' ({settings})' if settings else ''}: {result.parameters:,} "
        f"parameters{trained} and {layers.multiply_adds:,} multiply-adds an image",
        *result.notes,
    ]
    return join_sentences(sentences)


def describe_training(run: RunFolder, recipe: Recipe, result: RunResult) -> str:
    """Return optimizer, schedule, length, and what it ran on."""
    train, environment = recipe.train, run.read_environment()
    settings = ", ".join(_list_settings(train.optimizer, OPTIMIZERS))
    lost = (
        train.loss.name
        if train.loss is not None
        else "cross-entropy"
        if result.objective == "classification"
        else "mean squared error"
    )
    schedule = f"schedule {train.schedule.name}" if train.schedule is not None else "a constant rate"
    epochs = len(run.read_history())
    early = f", and ended early after {epochs}" if result.stopped_early else ""
    sentences = [
        f"It is trained for {count_of(train.epochs, 'epoch')}{early}, in batches of {train.batch_size}, with "
        f"{train.optimizer.name} ({settings}) and {schedule}, on the loss {lost}",
        f"Labels are smoothed by {train.label_smoothing:g}" if train.label_smoothing else "",
        f"Seed {result.seed}; {environment.get('precision', 'float32')} on {environment.get('device')}; "
        f"{format_duration(result.seconds)} of training",
    ]
    return join_sentences(sentences)


def _list_settings(choice: Choice | ModelSection, registry: Registry) -> Iterator[str]:
    """Yield the rate of a part, and what else of it is not as it comes."""
    fields = registry.settings_type(choice.name).model_fields
    for name, value in choice.settings.items():
        if name.endswith("rate") or name not in fields or value != fields[name].default:
            yield (
                f"{name.replace('_', ' ')} {value:g}"
                if isinstance(value, float)
                else f"{name.replace('_', ' ')} {value}"
            )


def describe_selection(runs: Sequence[RunFolder], recipe: Recipe, result: RunResult) -> str:
    """Return what was selected on what, how often the test set was opened, and what intervals say.

    Args:
        runs: the run, or all of its series.
        recipe: of the run.
        result: of the run; of a series that of the one which is described.
    """
    best = result.best
    kept = f"The weights of epoch {best.epoch} are kept: those" if best is not None else "Weights are kept"
    sentences = [
        f"{kept} with the best {result.selected_by} on the {result.num_images['validation']:,} validation "
        "images; nothing else was selected by this run",
        f"Looks at the test set: {describe_looks(runs)}",
        "The test accuracy was also watched every epoch, as was asked for; it selected nothing"
        if result.test_picking is not None
        else "",
        f"Test-time augmentation ({result.tta}) stands beside plain accuracy and selected nothing"
        if result.tta != "none"
        else "",
        f"Intervals are {100 * result.confidence:g} % intervals over images: Wilson's for shares, Student's "
        "for means; they say nothing of the chance of a seed",
        "Those of means over seeds hold for new seeds and new images" if len(runs) > 1 else "",
    ]
    return join_sentences(sentences)


def describe_results(places: RunFolder, result: RunResult) -> str:
    """Return the numbers in words, with their intervals."""
    sentences = []
    best = result.best
    if best is not None:
        for split, score in (("validation", best.validation), ("test", best.test)):
            if score is not None:
                values = "; ".join(_write(one) for one in score.values)
                sentences.append(f"On {score.num_images:,} {split} images: {values}")
        tta = best.test_tta
        if tta is not None:
            sentences.append(f"With test-time augmentation, on test: {_write(tta.headline)}")
    scores = list_scores(result)
    if scores:
        split, score = scores[-1]
        pairs = rank_confused_pairs(score.confusion, score.class_names, most=3)
        said = ", ".join(
            f"{one.true_class} taken for {one.predicted_class} ({one.count}, {100 * one.share:.1f} %)"
            for one in pairs
        )
        sentences.append(f"Most confused on {split}, in percent of the true class: {said}" if said else "")
    if isinstance(places, SeriesFolder):
        for name, summary in places.read_summaries().items():
            if summary.metric is not None and name.startswith("best "):
                metric, ends = summary.metric, summary.metric.write_interval(summary.interval)
                spread = f", std {metric.write(summary.std)}" if summary.std is not None else ""
                sentences.append(
                    f"Mean of {summary.title} over {count_of(summary.num_seeds, 'seed')}: "
                    f"{metric.write(summary.mean)}{spread}{f', interval of the mean {ends}' if ends else ''}"
                )
    return join_sentences(sentences)


def _write(value: MetricValue) -> str:
    return value.describe()


def _tell_looks(run: RunFolder, figures: Sequence[ReportFigure]) -> Iterator[Paragraph]:
    """Yield what each look found, with the figures of it that the draft holds."""
    looks = run.read_evaluations()
    for look in looks.looks if looks is not None else ():
        if look.sentence and not look.failure and look.name.partition(":")[0] not in _SHOWN_ELSEWHERE:
            shown = tuple(one for one in figures if one.name.startswith(name_look_figure(look)))
            yield Paragraph(f"{look.title}, {name_split(look.split)}. {look.sentence}", shown)


_SHOWN_ELSEWHERE = {"confusion", "least_certain", "class_accuracy"}


def _list_limits(run: RunFolder, result: RunResult) -> Iterator[str]:
    """Yield warnings of the result, and what the run's questions say should be seen to or cannot be told."""
    yield from result.warnings
    for answer in answer_questions(gather_evidence(run, result)):
        if answer.verdict != "good" and answer.name != "next":
            yield f"{answer.question} {join_sentences([answer.sentence])}"


def describe_reproduction(run: RunFolder) -> str:
    """Return with what the run was made, and how to make it again."""
    environment = run.read_environment()
    packages = environment.get("packages", {})
    commit = environment.get("commit")
    return join_sentences(
        [
            f"Loupe {environment.get('loupe')}{f' at commit {commit[:12]}' if commit else ''}, torch "
            f"{packages.get('torch')}, Python {environment.get('python')}",
            f"Run {name_run(run.path)}: loupe train {run.path}/recipe.toml trains it again, and loupe verify "
            f"{run.path} holds its numbers against its weights",
        ]
    )
