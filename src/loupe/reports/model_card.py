"""The model card of a run, as Markdown: what the network is for, what it can do, and what it cannot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from loupe.data import SOURCES
from loupe.data.image_files import Fit
from loupe.exporting import Use
from loupe.exporting.parity import Parity
from loupe.metrics import Metrics, MetricValue
from loupe.recipe import Recipe
from loupe.reports.card_places import NO_FILE
from loupe.reports.model_card_limits import say_limits
from loupe.reports.model_card_training import say_training
from loupe.reports.model_card_use import show_use
from loupe.reports.page import (
    format_interval,
    format_level,
    format_percent,
)
from loupe.runs import RunFolder, RunResult, name_run
from loupe.runs.looks import describe_looks
from loupe.runs.result import Score


@dataclass(frozen=True)
class ExportedFile:
    """The file a card stands beside.

    Args:
        name: of the file.
        runtime: the package that runs it.
        use: Python that asks it about images.
        parity: how it compares with the network.
    """

    name: str
    runtime: str
    use: Use
    parity: Parity


@dataclass(frozen=True)
class _Subject:
    """What a card is written from."""

    run: RunFolder
    recipe: Recipe
    result: RunResult
    description: Mapping[str, Any]
    environment: Mapping[str, Any]
    fit: Fit | None
    exported: ExportedFile | None

    @property
    def class_names(self) -> list[str]:
        return list(self.description["class_names"])

    @property
    def is_classifier(self) -> bool:
        return self.result.objective == "classification"

    @property
    def size(self) -> str:
        height, width = self.description["image_size"]
        channels = self.description["in_channels"]
        colour = {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")
        return f"{width} x {height} {colour} pixels"

    def find_judged(self) -> tuple[str, Score]:
        """Return the split whose figures stand for the network: test where it was opened."""
        assert self.result.best is not None
        if self.result.best.test is not None:
            return "test", self.result.best.test
        return "validation", self.result.best.validation


def compose_model_card(
    run: RunFolder,
    result: RunResult,
    description: Mapping[str, Any],
    fit: Fit | None,
    exported: ExportedFile | None,
) -> str:
    """Return the model card of a run as Markdown; every figure comes from its files.

    Args:
        run: its folder.
        result: what it found, with best weights.
        description: of its network, from `load_model`.
        fit: how training images came to their size; None if they were of it.
        exported: the file beside the card; None if there is none.
    """
    environment = run.read_environment()
    subject = _Subject(run, run.read_recipe(), result, description, environment, fit, exported)
    sections = {
        "What it is for": _say_purpose,
        "Data": _say_data,
        "Training": _say_training,
        "Figures": _say_figures,
        "Limits": _say_limits,
        "Use": _say_use,
        "Environment": _say_environment,
    }
    lines = [f"# {subject.recipe.name}", ""]
    for title, say in sections.items():
        lines += [f"## {title}", "", *say(subject), ""]
    return "\n".join(lines).rstrip() + "\n"


def _hide_place(name: str, value: object) -> object:
    """Return a setting as it may be handed on: of a path on this machine only the last part."""
    return PurePath(value).name if isinstance(value, str) and PurePath(value).is_absolute() else value


def _say_purpose(subject: _Subject) -> Iterator[str]:
    if subject.recipe.about:
        yield subject.recipe.about
        yield ""
    names = subject.class_names
    if subject.is_classifier:
        listed = ", ".join(names)
        yield f"It says which of {len(names)} classes an image of {subject.size} shows: {listed}."
    else:
        yield f"It gives images of {subject.size} back through a short code; it names no class."


def _say_data(subject: _Subject) -> Iterator[str]:
    data, facts = subject.recipe.data, SOURCES.facts(subject.recipe.data.name)
    settings = ", ".join(f"{name} = {_hide_place(name, value)}" for name, value in data.settings.items())
    yield f"Dataset `{data.name}`" + (f" ({settings})." if settings else ".")
    origin = facts.get("origin")
    yield (
        f"Source and licence: {origin}."
        if origin
        else (
            "Source and licence: images of the user's own; Loupe knows nothing of where they are from and "
            "who may use them."
        )
    )
    yield ""
    rows = [
        (split, f"{count:,}", f"`{subject.environment['data_digests'][split]}`")
        for split, count in subject.result.num_images.items()
    ]
    yield from _write_table(("split", "images", "SHA-256 of pixels, labels and class names"), rows)
    yield ""
    yield (
        f"Validation images: {_say_validation(subject.recipe)}; with split seed {subject.recipe.split_seed}. "
        f"{100 * data.fraction:g} % of the remaining training images were taken"
        f"{', before they were thinned out to a long tail' if data.long_tail else ''}. "
        "Validation chose the epoch."
    )
    yield ""
    yield _say_test_part(subject)


def _say_validation(recipe: Recipe) -> str:
    """Return which images validate, as the recipe divides them."""
    data = recipe.data
    if data.fold is not None:
        said = f"part {data.fold.number} of {data.fold.of} equal parts of the images (a fold)"
    else:
        held = f"{data.validation}" if data.validation >= 1 else f"{100 * data.validation:g} %"
        said = (
            f"those of the dataset if it has its own, else {held} of the training images: each by its own "
            "pixels where they are files of one's own, else stratified"
        )
    if data.sides_of is None:
        return said
    return f"those that {PurePath(data.sides_of).name} names as such; of images it does not name {said}"


def _say_test_part(subject: _Subject) -> str:
    """Return what is known of the test images' part in training and choosing, from the run's own record."""
    record = subject.run.read_images()
    if record is None:
        return "Whether test images took part in training or choosing is not known: the run keeps no record."
    counts = {
        "trained": int(record.test.find(record.trained()).sum()),
        "chose among the weights": int(record.test.find(record.selected()).sum()),
    }
    found = [f"{count:,} of {len(record.test):,} {what}" for what, count in counts.items() if count]
    if found:
        return f"Test images that are training or validation images too: {', '.join(found)}."
    if not record.is_before_known:
        return (
            "The test images took no part in this run's training or choosing; which images the weights it "
            "started from have seen is not known."
        )
    return "The test images, compared pixel by pixel, took no part in training or choosing" + (
        ", nor in how the weights it started from came about." if subject.recipe.transfer else "."
    )


def _say_training(subject: _Subject) -> Iterator[str]:
    return say_training(subject.recipe, subject.result, subject.description)


def _say_figures(subject: _Subject) -> Iterator[str]:
    result = subject.result
    assert result.best is not None
    scores: dict[str, Score] = {"validation": result.best.validation}
    if result.best.test is not None:
        scores["test"] = result.best.test
    level = format_level(result.confidence)
    for split, score in scores.items():
        yield f"- {split}: {_describe_score(score, level)}, {score.num_images:,} images"
        yield from (f"- {split}: {_describe_value(value, level)}" for value in score.metrics.values())
    if result.best.test is None:
        yield "- test: not looked at"
    yield f"- looks at the test set: {describe_looks([subject.run])}"
    for one in result.test_openings:
        yield f"  - {one.at}: {one.reason}"
    yield (
        f"- one training, with seed {result.seed}: the intervals are over images, and say nothing of how "
        "much another seed would change"
    )
    for warning in result.warnings:
        yield f"- warning: {warning}"
    split, judged = subject.find_judged()
    if isinstance(judged, Metrics):
        yield ""
        rows = [
            (one.name, f"{one.num_images:,}", format_percent(one.accuracy), format_interval(one.interval))
            for one in judged.per_class
        ]
        yield from _write_table((f"class ({split})", "images", "accuracy", f"{level} interval"), rows)


def _describe_score(score: Score, level: str) -> str:
    told = _describe_value(score.headline, level)
    guesses = ", ".join(f"{one.name} {score.headline.metric.write(one.loss)}" for one in score.baselines)
    return f"{told}; guesses that need no network: {guesses}" if guesses else told


def _describe_value(value: MetricValue, level: str) -> str:
    """Return a metric in words: title, value with its unit, and its interval at the run's level."""
    if value.interval is None:
        return value.metric.describe(value.value)
    ends = value.metric.write_interval(value.interval)
    return f"{value.metric.describe(value.value)} ({level} interval {ends})"


def _say_limits(subject: _Subject) -> Iterator[str]:
    split, judged = subject.find_judged()
    yield from say_limits(subject.run, split, judged, size=subject.size, class_names=subject.class_names)


def _say_use(subject: _Subject) -> Iterator[str]:
    if subject.exported is None:
        name = name_run(subject.run.path)
        if subject.is_classifier:
            yield f"`loupe predict {name} FILE` asks the network about an image file."
        yield f"`loupe export {name}` {NO_FILE}"
        return
    parity = subject.exported.parity
    yield from show_use(
        subject.exported.name,
        subject.exported.runtime,
        subject.exported.use,
        is_classifier=subject.is_classifier,
        in_channels=subject.description["in_channels"],
        image_size=tuple(subject.description["image_size"]),
        fit=subject.fit,
    )
    yield ""
    what = "logit" if subject.is_classifier else "pixel in [0, 1]"
    yield (
        f"Compared with the network in float32 over {parity.num_images:,} validation images: largest "
        f"difference of a {what} {parity.largest_difference:.1e}"
        + (", the same class for every image." if subject.is_classifier else ".")
    )
    precision = subject.environment.get("precision", "float32")
    if precision != "float32":
        yield f"The figures above were measured in {precision}; the file computes in float32."


def _say_environment(subject: _Subject) -> Iterator[str]:
    environment = subject.environment
    packages = environment.get("packages") or {}
    versions = ", ".join(f"{name} {version}" for name, version in packages.items() if version)
    commit = f" (commit {environment['commit']})" if environment.get("commit") else ""
    yield f"- run: {name_run(subject.run.path)}"
    yield f"- trained with Loupe {environment.get('loupe')}{commit}, Python {environment.get('python')}"
    yield f"- {versions}"
    yield f"- {environment.get('device')}, {environment.get('precision')}, {environment.get('platform')}"


def _write_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for cells in (headings, ["---"] * len(headings), *rows):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
