"""Verbs that take a network out of the bench: to ask it, to hand it on."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from loupe.cli.app import WORK, Costs, DataPlace, Plugins, Shares, app
from loupe.errors import UnknownNameError
from loupe.terminal import print_data, print_line, print_table


@app.command(group=WORK)
def predict(
    run: str,
    /,
    *places: Path,
    format: Annotated[Literal["csv", "json"], Parameter(help="How the answers are written.")] = "csv",
    out: Annotated[Path | None, Parameter(help="File for the answers; the terminal if left out.")] = None,
    top: Annotated[int, Parameter(help="Classes an answer names, most probable first.")] = 1,
    below: Annotated[
        float | None, Parameter(help='Say "unsure" where the most probable class is below this probability.')
    ] = None,
    accuracy: Annotated[
        float | None,
        Parameter(help="In place of --below: the threshold that reaches this on validation images."),
    ] = None,
    mistake_cost: Annotated[
        float | None,
        Parameter(help='In place of --below: a mistake is as bad as so many answers "unsure".'),
    ] = None,
    by_class: Annotated[
        bool, Parameter(negative=(), help="With --accuracy: wished of each answer, a threshold a class.")
    ] = False,
    costs: Costs = None,
    shares: Shares = None,
    fit: Annotated[
        Literal["resize", "crop", "pad"] | None,
        Parameter(help="How images come to the network's size; as in training if left out."),
    ] = None,
    device: Annotated[str, Parameter(help='"auto", "cpu", "cuda", "mps".')] = "auto",
    data: DataPlace = None,
) -> int:
    """Ask a run's network about image files.

    Files that cannot be read are named with the reason and the others go on; the exit status is then 1. Where
    folders are named after classes, the accuracy is printed too.

    Parameters
    ----------
    run
        A run folder, or its name (or how it begins) inside runs/.
    places
        Image files, and folders whose images are taken, those of sub-folders too.
    """
    from loupe.cli.prediction_tables import list_refusals, summarise_answers, write_table
    from loupe.evaluations.stakes import read_costs, read_shares
    from loupe.runs.writing import prepare_place, write_text
    from loupe.using.predict_images import predict as ask

    if out is not None:
        prepare_place(out)
    answers = ask(
        run,
        *places,
        top=top,
        below=below,
        fit=fit,
        device=device,
        data=data,
        accuracy=accuracy,
        mistake_cost=mistake_cost,
        by_class=by_class,
        costs=read_costs(costs) if costs is not None else None,
        shares=read_shares(shares) if shares is not None else None,
    )
    table = write_table(answers, format)
    if out is None:
        print_data(table)
    else:
        write_text(out, table)
    for line in [*list_refusals(answers), *summarise_answers(answers)]:
        print_line(line, stderr=out is None)
    if out is not None:
        print_line(f"answers: {out}")
    return 1 if answers.refusals else 0


@app.command(group=WORK)
def calibrate(
    run: str,
    /,
    *,
    method: Annotated[
        Literal["best", "temperature", "vector", "isotonic", "none"],
        Parameter(
            help="How; best is what cross-validation says, none takes it away again. Vector and isotonic may "
            "change the class that is named, and are best only with enough images of each class."
        ),
    ] = "best",
) -> int:
    """Set a run's probabilities right by its validation images; predict, page and export then use it.

    Parameters
    ----------
    run
        A run folder, or its name (or how it begins) inside runs/.
    """
    from loupe.evaluations.scaling import FEWEST_ISOTONIC, FEWEST_OF_CLASS
    from loupe.using.calibrate_run import calibrate_run

    found = calibrate_run(run, method)
    rows = [[one, f"{loss:.4f}"] for one, loss in found.losses.items()]
    print_table(["method", "loss, out of fold (nats)"], rows, [1])
    part = f"{found.num_fitted:,} of " if found.num_fitted < found.num_images else ""
    print_line(
        f"kept with {found.run.path.name}: {found.scaling.describe()}, fitted to {part}{found.num_images:,} "
        "validation images"
    )
    if found.passed_over is not None:
        print_line(
            f"not {found.passed_over}, whose loss is less: it bends each class by itself, and wants "
            f"{FEWEST_OF_CLASS} validation images of each ({FEWEST_ISOTONIC:,} in all for isotonic); "
            f"--method {found.passed_over} takes it all the same"
        )
    if found.scaling.method in ("vector", "isotonic"):
        print_line(
            f"it may change the class that is named: of the validation images it does so for "
            f"{found.num_changed:,} of {found.num_images:,}"
        )
    return 0


@app.command(group=WORK)
def export(
    run: str,
    /,
    *,
    format: Annotated[
        str,
        Parameter(
            help="onnx, torch (torch.export, .pt2), another that `loupe export-formats` lists, or card: the "
            "model card alone."
        ),
    ] = "onnx",
    out: Annotated[
        Path | None, Parameter(help="The file, or a folder for it; exports/RUN/ if left out.")
    ] = None,
    plugin: Plugins = (),
    data: DataPlace = None,
) -> int:
    """Write a run's network as one file that needs no Loupe, checked on real images, and its model card.

    Of a series of seeds, one file gives the mean of its networks' probabilities.

    The file takes uint8 images, as many at once as there are; normalisation and softmax are inside, and class
    names, recipe and figures in its metadata.

    Parameters
    ----------
    run
        A run folder, or its name (or how it begins) inside runs/.
    """
    from loupe.plugins import load_named_plugins
    from loupe.using.export_run import export_run, write_model_card

    load_named_plugins(plugin)
    try:
        written = write_model_card(run, out) if format == "card" else export_run(run, format, out, data=data)
    except UnknownNameError as error:  # of formats: a card alone is one here, and none of the registry
        if error.got == format:
            error.next_step = f"{error.next_step}; --format card writes the model card alone"
        raise
    if written.file is not None and written.parity is not None:
        parity = written.parity
        print_line(
            f"compared on {parity.num_images:,} validation images: largest difference "
            f"{parity.largest_difference:.1e}"
        )
        print_line(f"network: {written.file}")
    print_line(f"model card: {written.card}")
    return 0
