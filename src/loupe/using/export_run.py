"""`loupe export`: the network of a run as a file that needs no Loupe, with its model card."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import nn

from loupe.data.normalization import Normalization
from loupe.errors import LoupeError, RunError
from loupe.exporting import EXPORT_FORMATS
from loupe.metrics import Metric, MetricValue, choose_metric
from loupe.metrics.reported import REGISTERED_HEADLINES
from loupe.models import ObjectiveName
from loupe.recipe import Recipe
from loupe.reports.card_places import CARD_NAME, is_card_of_file, place_card, place_card_alone
from loupe.reports.model_card import compose_model_card
from loupe.runs import RunFolder, RunResult, find_run_folder, find_single_run, load_model, name_run
from loupe.runs.plugins import load_run_plugins
from loupe.runs.result import Score
from loupe.runs.scaling import read_scaling
from loupe.runs.series_folder import SeriesFolder, open_run_folder
from loupe.runs.writing import write_text
from loupe.using.classifier import find_fit
from loupe.using.export_file import (
    Export,
    Exportable,
    choose_place,
    compute_expected,
    describe_resize,
    write_checked,
)
from loupe.using.export_series import export_series
from loupe.version import __version__


def export_run(
    place: str | PathLike[str],
    form: str = "onnx",
    out: str | PathLike[str] | None = None,
    *,
    data: Path | None = None,
) -> Export:
    """Write the best network of a run as a file, and its model card beside it.

    The graph takes uint8 images in batches of any size and holds normalisation and softmax. It is run over
    validation images (up to 1,000) before it is kept, and removed if it does not give what the network gives.

    Args:
        place: a run's folder or name; of a series of seeds, the mean of its networks is written.
        form: name of a format: "onnx", "torch" for `torch.export`, or one that a plugin registers.
        out: the file, or a folder for it; `exports/<run>/<recipe>` with the form's ending if left out.
        data: where the run's images lie now; where they were if left out.

    Raises:
        UnknownNameError: no such format.
        LoupeError: no such run, no result yet, data or packages missing, a network that cannot be exported,
            or a file that gives something else.
    """
    series = open_run_folder(find_run_folder(place))
    if isinstance(series, SeriesFolder):
        return export_series(series, form, out, data=data)
    run, result = open_finished(place)
    recipe = run.read_recipe()
    load_run_plugins(run)  # the format may be one of theirs
    facts = EXPORT_FORMATS.facts(form)  # refuses a name that is none
    model, description = load_model(run)
    scaling = read_scaling(run, len(description["class_names"]))
    if scaling is not None and result.objective == "classification":
        model = nn.Sequential(model, scaling).eval()
    file = choose_place(name_run(run.path), recipe.name, facts["suffix"], out)
    normalization = Normalization.from_dict(description["normalization"])
    images, expected = compute_expected(run, data, model, normalization, result.objective)
    metadata = describe_export(run, recipe, result, description)
    if scaling is not None:
        metadata["calibration"] = scaling.describe()
    height, width = description["image_size"]
    exported = write_checked(
        file,
        form,
        Exportable(
            model,
            normalization,
            result.objective,
            description["in_channels"],
            (height, width),
            metadata,
            images,
            expected,
        ),
    )
    card = place_card(file)
    write_text(card, compose_model_card(run, result, description, find_fit(recipe), exported))
    return Export(file, card, exported.parity)


def write_model_card(place: str | PathLike[str], out: str | PathLike[str] | None = None) -> Export:
    """Write the model card of a run, without a file of its network; arguments as `export_run`.

    The card of an exported file is left in place: in its folder this one gets another name.

    Raises:
        LoupeError: no such run, or no result yet; a file is named that is the card of an exported file.
    """
    run, result = open_finished(place)
    recipe = run.read_recipe()
    _, description = load_model(run)
    card = choose_place(name_run(run.path), recipe.name, ".md", out, name=CARD_NAME)
    if out is not None and Path(out) == card and is_card_of_file(card):
        raise LoupeError(
            "A model card of something else is there, such as that of an exported file.",
            got=str(card),
            allowed="a new file, a folder, or a card that was written without a file",
            next_step=f"--out {card.with_stem(f'{card.stem}-of-run')}",
        )
    card = place_card_alone(card)
    write_text(card, compose_model_card(run, result, description, find_fit(recipe), None))
    return Export(None, card, None)


def open_finished(place: str | PathLike[str]) -> tuple[RunFolder, RunResult]:
    """Return a run that has a result, and the result.

    Raises:
        RunError: there is no such run, or it has no result yet.
    """
    run = RunFolder(find_single_run(place))
    result = run.read_result()
    if result is None or result.best is None:
        raise RunError(
            f"Run {run.path.name} has no result yet: its network would go out without its figures.",
            got="no result.json" if result is None else "a result without an epoch",
            allowed="a run that has ended",
            next_step=run.advise(),
        )
    return run, result


def describe_export(
    run: RunFolder, recipe: Recipe, result: RunResult, description: Mapping[str, Any]
) -> dict[str, str]:
    """Return what a file says of itself, as text by name; tables and lists are JSON."""
    assert result.best is not None
    figures = {"validation": result.best.validation, "test": result.best.test}
    described: dict[str, Any] = {
        "loupe_version": __version__,
        "torch_version": torch.__version__,
        "run": name_run(run.path),
        "model": description["model"],
        "objective": result.objective,
        "class_names": description["class_names"],
        "in_channels": description["in_channels"],
        "image_size": description["image_size"],
        "input": "uint8 (batch, channels, height, width), levels 0 to 255, "
        + ("grey" if description["in_channels"] == 1 else "red, green, blue"),
        "resize": describe_resize(find_fit(recipe), description["image_size"]),
        "normalization": asdict(Normalization.from_dict(description["normalization"])),
        "normalization_is_inside": True,
        "test_looks": len(result.test_openings),
        "recipe": recipe.to_toml(),
    }
    for split, score in figures.items():
        if score is not None:
            described[split] = _describe_score(score, result.objective, result.confidence)
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in described.items()
    }


def _describe_score(score: Score, objective: ObjectiveName, confidence: float) -> dict[str, Any]:
    """Return what stands for a score under the metric's name, with its interval, and the further metrics."""
    metric = choose_metric(REGISTERED_HEADLINES[objective]).metric
    described = {metric.name: score.headline.value, **_describe_value(score.headline, metric, confidence)}
    further = {
        name: {"value": value.value, **_describe_value(value, value.metric, confidence)}
        for name, value in score.metrics.items()
    }
    return {**described, "num_images": score.num_images, **({"metrics": further} if further else {})}


def _describe_value(value: MetricValue, metric: Metric, confidence: float) -> dict[str, Any]:
    interval = {**asdict(value.interval), "confidence": confidence} if value.interval is not None else None
    return {"unit": metric.unit, "better": metric.better, "interval": interval}
