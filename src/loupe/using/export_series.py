"""`loupe export` of a series of seeds: one file that gives the mean of its networks' probabilities."""

import json
from os import PathLike
from pathlib import Path

import torch

from loupe.errors import RunError
from loupe.exporting import EXPORT_FORMATS
from loupe.metrics import Metrics, Predictions, compute_metrics
from loupe.reports.card_places import place_card
from loupe.reports.ensemble_card import EnsembleFacts, compose_ensemble_card
from loupe.runs import name_run
from loupe.runs.series_folder import SeriesFolder
from loupe.runs.writing import write_text
from loupe.using.export_file import (
    Export,
    Exportable,
    choose_place,
    compute_expected,
    describe_resize,
    write_checked,
)
from loupe.using.opened_series import OpenedSeries, average_predictions, open_series
from loupe.version import __version__


def export_series(
    series: SeriesFolder,
    form: str = "onnx",
    out: str | PathLike[str] | None = None,
    *,
    data: Path | None = None,
) -> Export:
    """Write the networks of a series as one file, and its card; arguments as `export_run`.

    The graph holds every network with its normalisation, and gives the mean of their probabilities. Figures
    in its card are those of the mean: from what the networks said of images when they were judged, so that
    none is looked at again.

    Raises:
        LoupeError: fewer than two seeds have finished, or as `export_run`.
    """
    opened = open_series(series, "cpu", data=data)
    facts = EXPORT_FORMATS.facts(form)  # refuses a name that is none
    first, name = opened.first, name_run(series.path)
    file = choose_place(name, first.recipe.name, facts["suffix"], out)
    images, expected = compute_expected(first.run, data, opened.model, opened.normalization)
    scores = measure_stored(opened)
    metadata = _describe(opened, scores)
    exported = write_checked(
        file,
        form,
        Exportable(
            opened.model,
            opened.normalization,
            "classification",
            first.in_channels,
            first.image_size,
            metadata,
            images,
            expected,
        ),
    )
    described = EnsembleFacts(
        name,
        first.recipe,
        first.class_names,
        first.shape,
        tuple(opened.members),
        opened.model.num_parameters,
        first.fit,
    )
    card = place_card(file)
    write_text(card, compose_ensemble_card(described, scores, exported))
    return Export(file, card, exported.parity)


def measure_stored(opened: OpenedSeries) -> dict[str, Metrics]:
    """Return what the mean network reaches, by split, from what each network said when it was judged.

    A split is left out unless all seeds have the same images there, and opened them.
    """
    found: dict[str, Metrics] = {}
    first = opened.first
    for split in ("validation", "test"):
        said = [_read_answers(opened, seed, split) for seed in opened.members]
        known = [one for one in said if one is not None]
        if len(known) == len(said) and opened.is_shared(split):
            level = first.recipe.evaluate.confidence
            found[split] = compute_metrics(average_predictions(known), first.class_names, level)
    return found


def _read_answers(opened: OpenedSeries, seed: int, split: str) -> Predictions | None:
    one = opened.members[seed]
    try:
        said = one.run.read_predictions().get(split)
    except RunError:
        return None
    scaling = one.classifier.scaling if one.classifier is not None else None
    return scaling.apply_to(said) if scaling is not None and said is not None else said


def _describe(opened: OpenedSeries, scores: dict[str, Metrics]) -> dict[str, str]:
    """Return what the file says of itself."""
    first = opened.first
    described: dict[str, object] = {
        "loupe_version": __version__,
        "torch_version": torch.__version__,
        "run": name_run(opened.series.path),
        "objective": "classification",
        "ensemble": {"seeds": list(opened.members), "of": "mean of the probabilities"},
        "class_names": list(first.class_names),
        "in_channels": first.in_channels,
        "image_size": list(first.image_size),
        "input": "uint8 (batch, channels, height, width), levels 0 to 255, "
        + ("grey" if first.in_channels == 1 else "red, green, blue"),
        "resize": describe_resize(first.fit, first.image_size),
        "normalization_is_inside": True,
        "recipe": first.recipe.to_toml(),
    }
    for split, score in scores.items():
        described[split] = {
            "accuracy": score.accuracy,
            "interval": [score.interval.low, score.interval.high],
            "num_images": score.num_images,
        }
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in described.items()
    }
