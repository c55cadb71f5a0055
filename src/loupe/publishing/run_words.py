"""What a draft says of a run: its data, network, training, selection, results, how to run it again."""

from collections.abc import Iterator, Sequence

from loupe.metrics import MetricValue, rank_confused_pairs
from loupe.models import MODELS
from loupe.publishing.class_figures import list_scores
from loupe.publishing.report_figure import join_sentences
from loupe.publishing.run_tables import read_layers
from loupe.recipe import Recipe
from loupe.recipe.schema import ModelSection
from loupe.recipe.sections import Choice
from loupe.registry import Registry
from loupe.runs import RunFolder, RunResult, SeriesFolder, name_run
from loupe.runs.looks import describe_looks
from loupe.training import OPTIMIZERS
from loupe.wording import count_alike, count_of, format_duration, list_names

_MOST_PAIRS = 3  # of classes confused, written out


def describe_seeds(runs: Sequence[RunFolder], result: RunResult) -> str:
    """Return that a series was trained, and which of its runs is described; "" for one run."""
    if len(runs) < 2:
        return ""
    seeds = [str(run.require_result().seed) for run in runs]
    return (
        f"So {len(runs)} networks were trained, with the seeds {list_names(seeds, most=20)}. What is called "
        f"a mean is over all of them; all else is of seed {result.seed}."
    )


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
        "Training images are thinned out on purpose, until the first class has "
        f"{data.long_tail:g} times those of the last" if data.long_tail else "",
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
    ]
    return join_sentences(sentences)


def describe_training(run: RunFolder, recipe: Recipe, result: RunResult) -> str:
    """Return optimizer, schedule, length, what is remarkable of this run, and what it ran on."""
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
        f"In this run: {'; '.join(result.notes)}" if result.notes else "",
        f"Of each batch, the hardest {100 * train.hard_examples.keep:g} % are trained on, as a small network "
        f"({train.hard_examples.proxy.name}) finds them"
        if train.hard_examples
        else "",
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
        pairs = rank_confused_pairs(score.confusion, score.class_names, len(score.class_names) ** 2)
        listed, others = pairs[:_MOST_PAIRS], pairs[_MOST_PAIRS:]
        named = [
            f"{one.true_class} taken for {one.predicted_class} ({one.count}, {100 * one.share:.1f} %)"
            for one in listed
        ]
        alike = sum((one.share, one.count) == (listed[-1].share, listed[-1].count) for one in others)
        said = ", ".join([*named, *count_alike(alike, "pair")])
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
