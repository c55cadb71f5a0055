"""A network written as a file of some format, run over real images, and kept only if it computes the same."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from torch import Tensor, nn

from loupe.data import take_stratified
from loupe.data.batches import EvaluationBatches
from loupe.data.image_files import Fit
from loupe.data.normalization import Normalization
from loupe.errors import LoupeError
from loupe.exporting import EXPORT_FORMATS, ExportFormat, build_export_format
from loupe.exporting.formats import Use
from loupe.exporting.graph import OUTPUTS, trace_network
from loupe.exporting.parity import Parity, compare_file, refuse_difference
from loupe.models import ObjectiveName
from loupe.reports.model_card import ExportedFile
from loupe.running.training_setup import load_validation_images
from loupe.runs import RunFolder
from loupe.runs.writing import prepare_place, telling_place
from loupe.training.measure import compute_outputs

_MOST_COMPARED = 1000  # images


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


@dataclass(frozen=True, eq=False)
class Exportable:
    """A network and what belongs into its file.

    Args:
        model: in evaluation mode on the CPU.
        normalization: of its images.
        objective: what it is for.
        in_channels: of its images.
        image_size: height and width of its images in pixels.
        metadata: what the file says of itself, as text by name.
        images: (images, channels, height, width) uint8 that the file is run over.
        expected: what the network gives for them.
    """

    model: nn.Module
    normalization: Normalization
    objective: ObjectiveName
    in_channels: int
    image_size: tuple[int, int]
    metadata: Mapping[str, str]
    images: Tensor
    expected: Tensor


def write_checked(file: Path, form: str, network: Exportable) -> ExportedFile:
    """Write a network's file, held against the network before it gets its name.

    Raises:
        LoupeError: the network cannot be exported, the format is not well made, or the file computes
            something else; none is left behind then.
    """
    chosen: ExportFormat = build_export_format(form)
    is_classifier = network.objective == "classification"
    program = trace_network(
        network.model,
        network.normalization,
        network.objective,
        in_channels=network.in_channels,
        image_size=network.image_size,
    )
    # within a folder of its own, so that a writer that cares for endings finds the right one
    with (
        telling_place(file),
        tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder,
    ):
        temporary = Path(folder) / file.name
        chosen.write(temporary, program, OUTPUTS[network.objective], network.metadata)
        refuse_missing_file(temporary, form)
        parity = compare_file(
            temporary, chosen, network.images, network.expected, is_classifier=is_classifier
        )
        refuse_difference(parity)
        use = chosen.show_use(file.name, is_classifier=is_classifier)
        refuse_other_use(use, form)
        temporary.replace(file)
    return ExportedFile(file.name, EXPORT_FORMATS.facts(form)["runtime"], use, parity)


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


def choose_place(
    run_name: str, recipe_name: str, suffix: str, out: str | PathLike[str] | None, name: str | None = None
) -> Path:
    """Return the file to write, made sure of; `exports/RUN/RECIPE` with the ending if nothing is said.

    Raises:
        LoupeError: another ending than the format's.
    """
    name = name or f"{recipe_name}{suffix}"
    file = Path("exports") / run_name / name if out is None else Path(out)
    if file.is_dir():
        file = file / name
    elif file.suffix.casefold() != suffix:
        raise LoupeError(
            "The file has another ending than its format.",
            got=file.name,
            allowed=f"a name that ends in {suffix}, or a folder that is there",
            next_step=f"--out {file.with_suffix(suffix)}, or another --format",
        )
    prepare_place(file)
    return file


def compute_expected(
    run: RunFolder,
    data: Path | None,
    model: nn.Module,
    normalization: Normalization,
    objective: ObjectiveName = "classification",
) -> tuple[Tensor, Tensor]:
    """Return some validation images of a run and what a network gives for them in float32 on the CPU."""
    recipe = run.read_recipe()
    some = take_stratified(load_validation_images(run, data), _MOST_COMPARED, recipe.split_seed)
    batches = EvaluationBatches(some, normalization, recipe.evaluate.batch_size)
    outputs = compute_outputs(model, batches)
    if objective == "reconstruction":
        outputs = normalization.invert(outputs)
    return some.pixels, outputs


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
