"""Verbs that make something: a run, a data card, a verdict on a layer."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from loupe.cli.app import WORK, Override, Plugins, app
from loupe.errors import HeldError, LoupeError, RunError
from loupe.terminal import open_console, print_line, print_table

if TYPE_CHECKING:
    from loupe.recipe import Recipe


@app.command(group=WORK)
def train(
    recipe: str = "digits",
    /,
    *overrides: Override,
    plugin: Plugins = (),
    continues: Annotated[
        str | None,
        Parameter(
            name="--continue",
            help="A finished run to train for longer, as a new run: --continue RUN train.epochs=60.",
        ),
    ] = None,
) -> int:
    """Train a recipe and write a run folder with a report.

    Parameters
    ----------
    recipe
        A packaged recipe, a TOML file, or a finished run's recipe.toml.
    """
    from loupe.running import find_recipe_to_continue, load_recipe, make_run_folder, start_run
    from loupe.running.process_group import settle_processes

    if continues is not None:
        recipe, overrides = find_recipe_to_continue(continues, recipe, overrides)
    resolved = settle_processes(load_recipe(recipe, overrides, plugins=plugin))
    if _is_led(resolved):
        return 0
    return _watch(start_run, resolved, make_run_folder(resolved))


@app.command(group=WORK)
def resume(
    run: str,
    /,
    *overrides: Annotated[str, Parameter(show=False)],
    processes: Annotated[
        int | None, Parameter(help="Processes to go on with; as many as before if left out.")
    ] = None,
) -> int:
    """Resume a run that was interrupted; it ends as if it had not been.

    Parameters
    ----------
    run
        A run folder, or its name (or how it begins) inside runs/.
    """
    from loupe.running import carry_out, is_finished, load_recipe_of
    from loupe.runs import find_run_folder

    path = find_run_folder(run)
    if overrides:
        raise RunError(
            "A run is resumed as it was begun.",
            got=" ".join(overrides),
            allowed="loupe resume RUN",
            next_step=f"a longer training is a new run: loupe train --continue {path} {' '.join(overrides)}",
        )
    recipe = load_recipe_of(path, processes)
    if is_finished(recipe, path):
        print_line(f"{path.name} is finished; nothing to do.")
        return _print_outcome(path)
    if _is_led(recipe):
        return 0
    return _watch(carry_out, recipe, path)


@app.command(group=WORK)
def data(
    name: str,
    /,
    *overrides: Override,
    out: Annotated[Path, Parameter(help="Folder for cards.")] = Path("cards"),
    manifest: Annotated[
        Path | None,
        Parameter(help="CSV for path, label and split of every image; data.sides_of reads it."),
    ] = None,
    plugin: Plugins = (),
) -> int:
    """Write a data card: what the images are, measured.

    Parameters
    ----------
    name
        A dataset, a packaged recipe (its classes, fraction and augmentations are shown), or a recipe file.
    """
    from loupe.running.describe_data import write_card

    described = write_card(name, overrides, out=out, plugins=plugin, manifest=manifest)
    for sentence in described.draws:
        print_line(sentence)
    for problem in described.problems:
        print_line(f"warning: {problem}")
    if manifest is not None:
        print_line(f"list of images: {manifest}")
    print_line(f"data card: {described.page}")
    return 0


@app.command(name="check-layer", group=WORK)
def check_layer(
    place: str,
    /,
    *,
    as_: Annotated[
        str,
        Parameter(
            name="--as",
            help="What it is to be: conv2d, conv-transpose2d, linear, max-pool2d, avg-pool2d, "
            "global-avg-pool, batch-norm, group-norm, layer-norm, attention, relu, dropout, cross-entropy.",
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


def _is_led(recipe: "Recipe") -> bool:
    """Return whether this process has trained its share of a run that another one writes and shows."""
    from loupe.running.process_group import find_rendezvous

    rendezvous = find_rendezvous()
    if rendezvous is None or not rendezvous.rank:
        return False
    from loupe.running.process_group.meeting import follow

    follow(recipe, rendezvous)
    return True


def _watch(carry_out: Callable[..., None], recipe: "Recipe", path: Path) -> int:
    """Carry out a recipe with live progress, and print how it ended."""
    from loupe.cli.progress import LiveProgress

    progress = LiveProgress(open_console(), f"training {recipe.name} in {path}")
    try:
        carry_out(recipe, path, observers=[progress])
    except HeldError:
        raise  # nothing was done here, and what is there is another process's
    except LoupeError:
        progress.close()
        if path.exists():
            print_line(f"What was reached is kept in {path}")
        raise
    except OSError as error:
        from loupe.runs import is_run_folder

        progress.close()
        if not is_run_folder(path):
            raise
        raise RunError(
            f"{error.strerror or error}: the run cannot be written.",
            got=str(error.filename or path),
            allowed="a disk with room for the run, that may be written to",
            next_step=f"make room; `loupe resume {path}` goes on",
        ) from None
    finally:
        progress.close()
    return _print_outcome(path)


def _print_outcome(path: Path) -> int:
    from loupe.cli.run_tables import describe_outcome

    lines, status = describe_outcome(path)
    for line in lines:
        print_line(line)
    return status
