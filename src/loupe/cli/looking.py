"""Verbs that look at recipes and runs."""

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from loupe.cli.app import LOOK, DataPlace, Override, Plot, Plugins, app
from loupe.cli.misuse import MisuseError
from loupe.terminal import print_data, print_line, print_table


@app.command(group=LOOK)
def show(
    recipe: str = "digits",
    /,
    *overrides: Override,
    plot: Plot = False,
    draw: Annotated[
        Path | None, Parameter(help="Draw the network as one picture into this file: .svg, .pdf or .png.")
    ] = None,
    plugin: Plugins = (),
) -> int:
    """Print a recipe with every setting filled in, and its network layer by layer.

    Parameters
    ----------
    recipe
        A packaged recipe, a TOML file, or a finished run's recipe.toml.
    """
    from loupe.cli.recipe_tables import describe_recipe, digest_origin, find_kept, keep

    is_as_packaged = not (overrides or plugin)
    if is_as_packaged and not plot and draw is None and (kept := find_kept(recipe)) is not None:
        print_line(kept.toml)
        kept.print_layers()
        return 0
    origin = digest_origin()  # before anything is loaded: what changes meanwhile must not pass for this
    from loupe.running import load_recipe  # loads torch

    resolved = load_recipe(recipe, overrides, plugins=plugin)
    print_line(resolved.to_toml())
    shown = describe_recipe(resolved)
    shown.print_layers()
    if is_as_packaged:
        keep(recipe, resolved, shown, origin)
    if plot:
        from loupe.running.describe_schedule import plot_schedule  # loads matplotlib

        print_line(f"learning rate: {plot_schedule(resolved)}")
    if draw is not None:
        from loupe.running.draw_network import draw_recipe_network  # likewise

        print_line(f"network: {draw}, drawn on {draw_recipe_network(resolved, draw)}")
    return 0


@app.command(group=LOOK)
def inspect(
    run: str,
    /,
    *,
    image: Annotated[Path | None, Parameter(help="An image file to look at.")] = None,
    index: Annotated[int | None, Parameter(help="A validation image, by number from 0.")] = None,
    class_: Annotated[str | None, Parameter(name="--class", help="The first image of this class.")] = None,
    layer: Annotated[
        tuple[str, ...],
        Parameter(negative=(), consume_multiple=False, help="Layer to draw; repeatable."),
    ] = (),
    number: Annotated[
        str | None, Parameter(help="One number to take apart: layer,channel,row,column or layer,unit.")
    ] = None,
    why: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(),
            consume_multiple=False,
            help="Method that says why this class; repeatable. `loupe explanations` lists them.",
        ),
    ] = (),
    own_scale: Annotated[
        bool, Parameter(negative=(), help="Give each filter and map a scale of its own.")
    ] = False,
    out: Annotated[Path, Parameter(help="Folder for the pages.")] = Path("inspections"),
    plugin: Plugins = (),
    data: DataPlace = None,
) -> int:
    """Draw what a run's network learned: filters, feature maps, layers in numbers, gates, reasons.

    Without a choice of image there is one validation image of each class.

    Parameters
    ----------
    run
        A run folder, or its name (or how it begins) inside runs/.
    """
    from loupe.using.inspect_run import inspect_run

    page = inspect_run(
        run,
        image=image,
        index=index,
        class_name=class_,
        layers=layer,
        number=number,
        why=why,
        own_scale=own_scale,
        out=out,
        plugins=plugin,
        data=data,
    )
    print_line(f"inside: {page}")
    return 0


@app.command(group=LOOK)
def ask(
    run: str,
    /,
    *,
    as_json: Annotated[
        bool, Parameter(name="--json", negative=(), help="Print the answers as JSON.")
    ] = False,
) -> int:
    """Say what a run says: twelve questions, each with its answer, the number behind it, and what would help.

    Computed from the run's files; no image is looked at.

    Parameters
    ----------
    run
        A run folder, or its name (or how it begins) inside runs/.
    """
    from loupe.questions import answer_questions, gather_evidence
    from loupe.runs import RunFolder, find_single_run
    from loupe.runs.result import RunResult

    folder = RunFolder(find_single_run(run))
    result: RunResult = folder.require_result()
    answers = answer_questions(gather_evidence(folder, result))
    if as_json:
        print_data(json.dumps([one.to_dict() for one in answers], indent=2, ensure_ascii=False) + "\n")
        return 0
    for one in answers:
        mark, style = _MARKS[one.verdict]
        print_line(f"{mark} {one.question}", style=style)
        print_line(f"  {one.sentence}")
        if one.next_step and one.verdict != "good" and one.name != "next":
            print_line(f"  would help: {one.next_step.replace(' RUN', f' {run}')}")
    return 0


_MARKS = {"good": ("+", "green"), "attention": ("!", "yellow"), "unknown": ("?", "bold")}


@app.command(name="list", group=LOOK)
def list_(
    folder: Path | None = None,
    /,
    *,
    metrics: Annotated[
        str, Parameter(help="Further metrics, NAME,NAME,…, each on validation and test; computed if need be.")
    ] = "",
    plugin: Plugins = (),
) -> int:
    """Show the runs in a folder.

    Parameters
    ----------
    folder
        Where the run folders are, or one of them; runs if left out.
    """
    from loupe.cli.run_tables import describe_listed_looks, list_headings, list_runs
    from loupe.plugins import load_named_plugins

    load_named_plugins(plugin)
    asked = [name.strip() for name in metrics.split(",") if name.strip()]
    place = folder or Path("runs")
    rows = list_runs(place, asked) if folder is not None or place.is_dir() else []
    if not rows:
        print_line(f"No runs in {place}. `loupe train` makes one.")
        return 0
    print_table(list_headings(place, asked), rows, right=(3, 4, 5, 7, 8))
    for line in describe_listed_looks(place):
        print_line(line)
    return 0


@app.command(group=LOOK)
def compare(
    *runs: str,
    out: Annotated[Path, Parameter(help="The HTML file.")] = Path("comparison.html"),
    margin: Annotated[
        float, Parameter(help="Points of accuracy that would not matter (non-inferiority).")
    ] = 0.5,
    data: DataPlace = None,
) -> int:
    """Compare runs on one page: figures, curves, recipes, classes, and whether these networks differ.

    Each run is set against the first: difference in every metric with its interval, agreement, what their
    layers compute.

    Parameters
    ----------
    runs
        Two or more run folders, or names inside runs/; a series of seeds counts as one.
    """
    from loupe.using.compare_runs import compare_runs

    if not runs:
        raise MisuseError(
            "A comparison needs two runs or more.",
            got="no run",
            allowed="two or more run folders, or names in runs/",
            next_step="loupe compare RUN RUN; `loupe list` shows the runs",
        )
    print_line(f"comparison: {compare_runs(runs, out, margin=margin, data=data)}")
    return 0
