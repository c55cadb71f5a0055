"""`loupe export`: the network of a run as a file that needs no Loupe, with its model card."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from loupe.data import take_stratified
from loupe.data.batches import EvaluationBatches
from loupe.data.image_files import Fit
from loupe.data.normalization import Normalization
from loupe.errors import LoupeError, RunError
from loupe.exporting import EXPORT_FORMATS, ExportFormat, build_export_format
from loupe.exporting.formats import Use
from loupe.exporting.graph import OUTPUTS, trace_network
from loupe.exporting.parity import Parity, compare_file, refuse_difference
from loupe.metrics import Metric, MetricValue, choose_metric
from loupe.metrics.registry import REGISTERED_HEADLINES
from loupe.models import ObjectiveName
from loupe.recipe import Recipe
from loupe.reports.model_card import CARD_NAME, ExportedFile, compose_model_card
from loupe.reports.run_report import name_run
from loupe.running.training_setup import load_validation_images
from loupe.runs import RunFolder, RunResult, find_single_run, load_model
from loupe.runs.plugins import load_run_plugins
from loupe.runs.result import Score
from loupe.runs.scaling import read_scaling
from loupe.runs.writing import write_text
from loupe.training.measure import compute_outputs
from loupe.using.classifier import find_fit
from loupe.version import __version__

_MOST_COMPARED = 1000


@dataclass(frozen=True)
class Export:
    """What an export wrote.

    Args:
        file: the network; None if only the card was asked for.
        card: the model card.
        parity: how the file compares with the network; None if there is no file.
    """

    file: Path | None
    card: Path
    parity: Parity | None


def export_run(
    place: str | Path, form: str = "onnx", out: Path | None = None, *, data: Path | None = None
) -> Export:
    """Write the best network of a run as a file, and its model card beside it.

    The graph takes uint8 images in batches of any size and holds normalisation and softmax. It is run over
    validation images (up to 1,000) before it is kept, and removed if it does not give what the network gives.

    Args:
        place: a run's folder or name.
        form: name of a format: "onnx", "torch" for `torch.export`, or one that a plugin registers.
        out: the file, or a folder for it; `exports/<run>/<recipe>` with the form's ending if left out.
        data: where the run's images lie now; where they were if left out.

    Raises:
        UnknownNameError: no such format.
        LoupeError: no such run, no result yet, data or packages missing, a network that cannot be exported,
            or a file that gives something else.
    """
    run, result = open_finished(place)
    recipe = run.read_recipe()
    load_run_plugins(run)  # the format may be one of theirs
    chosen: ExportFormat = build_export_format(form)
    facts = EXPORT_FORMATS.facts(form)
    model, description = load_model(run)
    scaling = read_scaling(run, len(description["class_names"]))
    if scaling is not None and result.objective == "classification":
        model = nn.Sequential(model, scaling).eval()
    file = choose_place(run, recipe, facts["suffix"], out)
    shape: dict[str, Any] = {
        "in_channels": description["in_channels"],
        "image_size": tuple(description["image_size"]),
    }
    normalization = Normalization.from_dict(description["normalization"])
    images, expected = _compute_expected(run, data, model, normalization, result)
    program = trace_network(model, normalization, result.objective, **shape)
    metadata = describe_export(run, recipe, result, description)
    if scaling is not None:
        metadata["calibration"] = scaling.describe()
    is_classifier = result.objective == "classification"
    # within a folder of its own, so that a writer that cares for endings finds the right one
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder:
        temporary = Path(folder) / file.name
        chosen.write(temporary, program, OUTPUTS[result.objective], metadata)
        refuse_missing_file(temporary, form)
        parity = compare_file(temporary, chosen, images, expected, is_classifier=is_classifier)
        refuse_difference(parity)
        use = chosen.show_use(file.name, is_classifier=is_classifier)
        refuse_other_use(use, form)
        temporary.replace(file)
    exported = ExportedFile(file.name, facts["runtime"], use, parity)
    card = file.with_name(CARD_NAME)
    write_text(card, compose_model_card(run, result, description, find_fit(recipe), exported))
    return Export(file, card, parity)


def refuse_other_use(use: object, form: str) -> None:
    """Check that a format says how its file is used.

    Raises:
        LoupeError: it does not.
    """
    if not isinstance(use, Use):
        raise LoupeError(
            f"The export format {form} does not say how its file is used; none was written.",
            got=f"{type(use).__name__} from show_use",
            allowed="a Use (loupe.exporting), for the model card",
            next_step="mend show_use",
        )


def refuse_missing_file(file: Path, form: str) -> None:
    """Check that a format wrote the file it was asked for.

    Raises:
        LoupeError: it did not.
    """
    if not file.is_file():
        raise LoupeError(
            f"The export format {form!r} wrote no file.",
            got=", ".join(sorted(one.name for one in file.parent.iterdir())) or "nothing",
            allowed=f"one file, {file.name}",
            next_step="mend its `write`",
        )


def write_model_card(place: str | Path, out: Path | None = None) -> Export:
    """Write the model card of a run, without a file of its network; arguments as `export_run`.

    Raises:
        LoupeError: no such run, or no result yet.
    """
    run, result = open_finished(place)
    recipe = run.read_recipe()
    _, description = load_model(run)
    card = choose_place(run, recipe, ".md", out, name=CARD_NAME)
    write_text(card, compose_model_card(run, result, description, find_fit(recipe), None))
    return Export(None, card, None)


def open_finished(place: str | Path) -> tuple[RunFolder, RunResult]:
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
            next_step=f"loupe resume {run.path}",
        )
    return run, result


def choose_place(
    run: RunFolder, recipe: Recipe, suffix: str, out: Path | None, name: str | None = None
) -> Path:
    """Return the file to write, its folder made.

    Raises:
        LoupeError: another ending than the format's.
    """
    name = name or f"{recipe.name}{suffix}"
    if out is None:
        out = Path("exports") / name_run(run.path) / name
    elif out.is_dir():
        out = out / name
    elif out.suffix.casefold() != suffix:
        raise LoupeError(
            "The file has another ending than its format.",
            got=out.name,
            allowed=f"a name that ends in {suffix}, or a folder that is there",
            next_step=f"--out {out.with_suffix(suffix)}, or another --format",
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    return out


def _compute_expected(
    run: RunFolder, data: Path | None, model: nn.Module, normalization: Normalization, result: RunResult
) -> tuple[Tensor, Tensor]:
    """Return some validation images and what the network gives for them in float32 on the CPU."""
    recipe = run.read_recipe()
    some = take_stratified(load_validation_images(run, data), _MOST_COMPARED, recipe.split_seed)
    batches = EvaluationBatches(some, normalization, recipe.evaluate.batch_size)
    outputs = compute_outputs(model, batches)
    if result.objective == "reconstruction":
        outputs = normalization.invert(outputs)
    return some.images, outputs


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


def describe_resize(fit: Fit | None, image_size: tuple[int, int]) -> str:
    """Return how an image of another size is to be brought to the network's before it is handed over."""
    height, width = image_size
    size = f"{width} x {height} pixels (width x height)"
    ways = {
        "resize": f"resized to {size}, proportions change",
        "crop": f"scaled until it covers {size}, the middle cut out",
        "pad": f"scaled until it fits inside {size}, laid in the middle of black",
    }
    if fit is None:
        return f"none known: training images were of {size}"
    return f"{ways[fit]}; Pillow's bilinear filter, as the training images were"
