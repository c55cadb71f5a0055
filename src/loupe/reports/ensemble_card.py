"""The card of an exported ensemble, as Markdown: what it is made of, what it reaches, how it is used."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from loupe.data.image_files import Fit
from loupe.metrics import Metrics
from loupe.recipe import Recipe
from loupe.reports.model_card import ExportedFile
from loupe.reports.model_card_use import show_use
from loupe.reports.page import format_interval, format_level, format_percent
from loupe.wording import count_of


@dataclass(frozen=True)
class EnsembleFacts:
    """What a card is written from.

    Args:
        name: of the series.
        recipe: of its first seed.
        class_names: one name a class.
        shape: channels, height and width of its images.
        seeds: of its networks.
        parameters: numbers in all of them.
        fit: how training images came to their size; None if they were of it.
    """

    name: str
    recipe: Recipe
    class_names: tuple[str, ...]
    shape: tuple[int, int, int]
    seeds: tuple[int, ...]
    parameters: int
    fit: Fit | None


def compose_ensemble_card(facts: EnsembleFacts, scores: Mapping[str, Metrics], exported: ExportedFile) -> str:
    """Return the card as Markdown.

    Args:
        facts: of the series.
        scores: of the mean network by split, where all seeds share the images.
        exported: the file beside the card.
    """
    sections = {
        "What it is for": _say_purpose(facts),
        "Figures": _say_figures(facts, scores),
        "Limits": _say_limits(facts),
        "Use": _say_use(facts, exported),
    }
    lines = [f"# {facts.recipe.name}: {len(facts.seeds)} networks as one", ""]
    for title, said in sections.items():
        lines += [f"## {title}", "", *said, ""]
    return "\n".join(lines).rstrip() + "\n"


def _say_purpose(facts: EnsembleFacts) -> Iterator[str]:
    if facts.recipe.about:
        yield facts.recipe.about
        yield ""
    channels, height, width = facts.shape
    colour = {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")
    yield (
        f"It says which of {len(facts.class_names)} classes an image of {width} x {height} {colour} pixels "
        f"shows: {', '.join(facts.class_names)}."
    )
    yield ""
    seeds = ", ".join(map(str, facts.seeds))
    yield (
        f"It holds {count_of(len(facts.seeds), 'network')} of one recipe, `{facts.recipe.model.name}`, "
        f"trained with seeds {seeds} (series {facts.name}), {facts.parameters:,} parameters in all, and "
        "gives the mean of their probabilities. Each network's own normalisation is inside."
    )


def _say_figures(facts: EnsembleFacts, scores: Mapping[str, Metrics]) -> Iterator[str]:
    if not scores:
        yield "The networks share no images that all of them held back: what their mean reaches is not known."
        return
    level = format_level(facts.recipe.evaluate.confidence)
    for split, score in scores.items():
        yield (
            f"- {split}: accuracy {format_percent(score.accuracy)} ({level} interval "
            f"{format_interval(score.interval)}), loss {score.loss:.4f} nats, {score.num_images:,} images"
        )
    split, judged = list(scores.items())[-1]
    yield ""
    yield f"| class ({split}) | images | accuracy | {level} interval |"
    yield "| --- | --- | --- | --- |"
    for one in judged.per_class:
        name = one.name.replace("|", "\\|")
        ends = format_interval(one.interval)
        yield f"| {name} | {one.num_images:,} | {format_percent(one.accuracy)} | {ends} |"


def _say_limits(facts: EnsembleFacts) -> Iterator[str]:
    yield f"- It costs {len(facts.seeds)} times what one of its networks does."
    yield (
        "- The mean of several networks is often less sure than they are alone: "
        f"`loupe evaluate {facts.name}` says how far its probabilities can be trusted."
    )
    yield "- It names one of its classes for every image, also for one that shows none of them."
    yield "- The figures hold for images like those it was tested on, and for no others."


def _say_use(facts: EnsembleFacts, exported: ExportedFile) -> Iterator[str]:
    channels, height, width = facts.shape
    yield from show_use(
        exported.name,
        exported.runtime,
        exported.use,
        is_classifier=True,
        in_channels=channels,
        image_size=(height, width),
        fit=facts.fit,
    )
    yield ""
    parity = exported.parity
    yield (
        f"Compared with the networks in float32 over {parity.num_images:,} validation images: largest "
        f"difference of a logit {parity.largest_difference:.1e}, the same class for every image."
    )
