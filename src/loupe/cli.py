"""The command line: verbs that hand over to `loupe.experiments`; torch is loaded only where it is needed."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Group, Parameter

from loupe.errors import LoupeError
from loupe.terminal import open_console, print_error, print_line, print_table, write_count
from loupe.version import __version__

if TYPE_CHECKING:
    from loupe.recipe import Recipe
    from loupe.registry import Registry

_WORK = Group("Work", sort_key=0)
_LOOK = Group("Look up", sort_key=1)

app = App(
    name="loupe",
    help="A lab bench for small-image classifiers: one small file in; a trained network, honest numbers "
    "and a report out.\n\nStart with `loupe train`, which trains on digits that ship with Loupe.",
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    help_format="markdown",
)
app["--help"].group = app["--version"].group = Group("Other", sort_key=9)

Plugins = Annotated[
    tuple[str, ...],
    Parameter(
        name="--plugin",
        negative=(),
        consume_multiple=False,
        help="Python file that registers models, datasets …; repeatable.",
    ),
]
Plot = Annotated[bool, Parameter(negative=(), help="Draw the learning rate to schedule-NAME.png.")]
Override = Annotated[str, Parameter(help="Changes to the recipe: section.field=value.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status: 0 well, 1 a mistake, 130 stopped with Ctrl-C."""
    if _asks_for_recipe_help(sys.argv[1:] if arguments is None else arguments):
        app["train"].help_epilogue = describe_recipe_fields()
    try:
        status = app(arguments)
    except LoupeError as error:
        print_error(str(error))
        return 1
    except OSError as error:  # a disk that is full, a folder that may not be written
        if isinstance(error, BrokenPipeError):  # the reader (`| head`) went away
            sys.stderr.close()
            return 0
        print_error(f"{error.strerror or error}.\n  got: {error.filename or type(error).__name__}")
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)  # noqa: T201  # rich may have been interrupted itself
        return 130
    return status if isinstance(status, int) else 0


@app.command(group=_WORK)
def train(recipe: str = "digits", /, *overrides: Override, plugin: Plugins = ()) -> int:
    """Train a recipe and write a run folder with a report.

    Parameters
    ----------
    recipe
        A packaged recipe, a TOML file, or a finished run's recipe.toml.
    """
    from loupe.experiments import load_recipe, make_run_folder, start_run

    resolved = load_recipe(recipe, overrides, plugins=plugin)
    return _watch(start_run, resolved, make_run_folder(resolved))


@app.command(group=_WORK)
def resume(run: str, /) -> int:
    """Go on with a run that was broken off; it ends as if it had never been.

    Parameters
    ----------
    run
        A run folder, or its name (or how it begins) inside runs/.
    """
    from loupe.experiments import carry_out, is_finished, load_recipe
    from loupe.runs import find_run_folder

    path = find_run_folder(run)
    recipe = load_recipe(path / "recipe.toml")
    if is_finished(recipe, path):
        print_line(f"{path.name} is finished; nothing to do.")
        return _print_outcome(path)
    return _watch(carry_out, recipe, path)


@app.command(group=_WORK)
def data(
    name: str,
    /,
    *overrides: Override,
    out: Annotated[Path, Parameter(help="Folder for cards.")] = Path("cards"),
    plugin: Plugins = (),
) -> int:
    """Write a data card: what the images are, measured.

    Parameters
    ----------
    name
        A dataset, a packaged recipe (its classes, fraction and augmentations are shown), or a recipe file.
    """
    from loupe.experiments.describe_data import write_card

    page = write_card(name, overrides, out=out, plugins=plugin)
    print_line(f"data card: {page}")
    return 0


@app.command(group=_LOOK)
def show(
    recipe: str = "digits",
    /,
    *overrides: Override,
    plot: Plot = False,
    plugin: Plugins = (),
) -> int:
    """Print a recipe with every setting filled in, and its network layer by layer.

    Parameters
    ----------
    recipe
        A packaged recipe, a TOML file, or a finished run's recipe.toml.
    """
    from loupe.experiments import load_recipe
    from loupe.experiments.describe_network import describe_recipe_layers
    from loupe.experiments.describe_schedule import plot_schedule

    resolved = load_recipe(recipe, overrides, plugins=plugin)
    print_line(resolved.to_toml())
    table, notes = describe_recipe_layers(resolved)
    rows = [
        (
            row.name,
            row.kind,
            " x ".join(map(str, row.output_shape)),
            write_count(row.parameters),
            write_count(row.multiply_adds),
        )
        for row in table.rows
    ]
    total = table.parameters
    rows.append(("together", "", "", f"{total:,}", f"{table.multiply_adds:,}"))
    print_table(("layer", "kind", "output", "parameters", "multiply-adds"), rows, right=(3, 4))
    print_line(f"{table.trainable:,} of {total:,} parameters trained; {total * 4 / 2**20:.2f} MiB as float32")
    for note in notes:
        print_line(note)
    if plot:
        print_line(f"learning rate: {plot_schedule(resolved)}")
    return 0


@app.command(group=_LOOK)
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
    own_scale: Annotated[
        bool, Parameter(negative=(), help="Give each filter and map a scale of its own.")
    ] = False,
    out: Annotated[Path, Parameter(help="Folder for the pages.")] = Path("inspections"),
) -> int:
    """Draw what a run's network learned: filters, feature maps, statistics of layers, gates.

    Without a choice of image there is one validation image of each class.

    Parameters
    ----------
    run
        A run folder, or its name (or how it begins) inside runs/.
    """
    from loupe.experiments.inspect_run import inspect_run

    page = inspect_run(
        run,
        image=image,
        index=index,
        class_name=class_,
        layers=layer,
        number=number,
        own_scale=own_scale,
        out=out,
    )
    print_line(f"inside: {page}")
    return 0


@app.command(name="list", group=_LOOK)
def list_(folder: Path = Path("runs"), /) -> int:
    """Show the runs in a folder.

    Parameters
    ----------
    folder
        Where the run folders are.
    """
    from loupe.experiments.list_runs import list_runs

    rows = list_runs(folder)
    if not rows:
        print_line(f"No runs in {folder}. `loupe train` makes one.")
        return 0
    headings = ("run", "state", "model", "epoch", "validation", "test", "interval", "looks", "time")
    print_table(headings, rows, right=(3, 4, 5, 7, 8))
    return 0


@app.command(group=_LOOK)
def compare(
    *runs: str,
    out: Annotated[Path, Parameter(help="The HTML file.")] = Path("comparison.html"),
) -> int:
    """Compare runs on one page: figures, curves, recipes, classes, and whether they differ beyond noise.

    Parameters
    ----------
    runs
        Two or more run folders, or names inside runs/; a series of seeds counts as one.
    """
    from loupe.experiments.compare_runs import compare_runs

    print_line(f"comparison: {compare_runs(runs, out)}")
    return 0


@app.command(group=_LOOK)
def recipes() -> int:
    """List the packaged recipes."""
    from loupe.recipe import list_recipes

    print_table(("recipe", "about"), list(list_recipes().items()))
    return 0


@app.command(group=_LOOK)
def datasets(*, plugin: Plugins = ()) -> int:
    """List the datasets and their settings."""
    from loupe.data import SOURCES

    return _print_registry(SOURCES, plugin)


@app.command(group=_LOOK)
def augmentations(*, plugin: Plugins = ()) -> int:
    """List the augmentations and their settings."""
    from loupe.data import AUGMENTATIONS

    return _print_registry(AUGMENTATIONS, plugin)


@app.command(group=_LOOK)
def mixes(*, plugin: Plugins = ()) -> int:
    """List the ways to mix training images, and their settings."""
    from loupe.data import MIXES

    return _print_registry(MIXES, plugin)


@app.command(group=_LOOK)
def models(*, plugin: Plugins = ()) -> int:
    """List the models and their settings."""
    from loupe.models import MODELS

    return _print_registry(MODELS, plugin)


@app.command(group=_LOOK)
def optimizers(*, plugin: Plugins = ()) -> int:
    """List the optimizers and their settings."""
    from loupe.training import OPTIMIZERS

    return _print_registry(OPTIMIZERS, plugin)


@app.command(group=_LOOK)
def schedules(*, plugin: Plugins = ()) -> int:
    """List the learning-rate schedules and their settings."""
    from loupe.training import SCHEDULES

    return _print_registry(SCHEDULES, plugin)


@app.command(name="check-layer", group=_WORK)
def check_layer(
    place: str,
    /,
    *,
    as_: Annotated[
        str,
        Parameter(
            name="--as",
            help="What it is to be: conv2d, linear, max-pool2d, avg-pool2d, global-avg-pool, batch-norm, "
            "relu, dropout, cross-entropy.",
        ),
    ] = "",
) -> int:
    """Compare a layer you wrote with torch's own, and show the smallest case of each fault.

    Parameters
    ----------
    place
        FILE:NAME, a Python file and a class in it, or a function that takes torch's arguments.
    """
    from loupe.conformance import check_layer_at

    report = check_layer_at(place, as_)
    rows = [(result.name, str(result.verdict), result.describe()) for result in report.results]
    print_line(f"{report.layer} as {report.kind}")
    print_table(("check", "verdict", "what was found"), rows)
    print_line(report.summary, style="bold")
    return 0 if report.is_passed else 1


def describe_recipe_fields() -> str:
    """Return the fields of a recipe as Markdown, for `loupe train --help`."""
    from loupe.recipe import describe_fields

    lines = [f"- `{field}` = {default}: {text}" for field, default, text in describe_fields()]
    return "\n".join(["**Fields of a recipe** (`section.field` = default):", "", *lines])


def _asks_for_recipe_help(arguments: Sequence[str]) -> bool:
    return "train" in arguments and bool({"--help", "-h"} & set(arguments))


def _watch(carry_out: Callable[..., None], recipe: "Recipe", path: Path) -> int:
    """Carry out a recipe with live progress, and print how it ended."""
    from loupe.experiments.progress import LiveProgress

    print_line(f"training {recipe.name} in {path}")
    progress = LiveProgress(open_console())
    try:
        carry_out(recipe, path, observers=[progress])
    except LoupeError:
        progress.close()
        if path.exists():
            print_line(f"What was reached is kept in {path}")
        raise
    finally:
        progress.close()
    return _print_outcome(path)


def _print_outcome(path: Path) -> int:
    from loupe.experiments.list_runs import describe_outcome

    lines, status = describe_outcome(path)
    for line in lines:
        print_line(line)
    return status


def _print_registry(registry: "Registry", plugins: Sequence[str]) -> int:
    from loupe.plugins import load_plugin

    for plugin in plugins:
        load_plugin(plugin)
    for name in registry:
        print_line(f"{name}  {registry.summary(name)}", style="bold")
        for setting, default, text in registry.describe_settings(name):
            print_line(f"    {setting} = {default}  {text}", style="dim")
    return 0


if __name__ == "__main__":
    sys.exit(main())
