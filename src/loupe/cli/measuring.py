"""Verbs that measure speed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from loupe.cli.app import LOOK, Override, Plugins, app
from loupe.errors import LoupeError
from loupe.terminal import print_line, print_table

if TYPE_CHECKING:
    from loupe.recipe import Recipe


@app.command(group=LOOK)
def bench(
    recipe: str = "digits",
    /,
    *overrides: Override,
    seconds: Annotated[float, Parameter(help="About how long to measure.")] = 10.0,
    to: Annotated[
        float | None, Parameter(help="Measure the time to this accuracy on validation, in (0, 1), instead.")
    ] = None,
    runs: Annotated[
        int | None, Parameter(help="With --to: how many runs, each with a seed of its own; 5 if left out.")
    ] = None,
    json_: Annotated[Path | None, Parameter(name="--json", help="Also write the figures to a file.")] = None,
    plugin: Plugins = (),
) -> int:
    """Measure a recipe's speed: each stage of a training step, or the time to an accuracy.

    Parameters
    ----------
    recipe
        A packaged recipe, a TOML file, or a finished run's recipe.toml.
    """
    from loupe.running import load_recipe

    if runs is not None and to is None:
        raise LoupeError(
            "--runs says how often an accuracy is to be reached.",
            got=f"--runs {runs} without --to",
            allowed="--to ACCURACY --runs N",
            next_step=f"loupe bench {recipe} --to 0.9 --runs {max(runs, 1)}",
        )
    resolved = load_recipe(recipe, overrides, plugins=plugin)
    if to is None:
        figures = _print_speed(resolved, seconds)
    else:
        figures = _print_reaching(resolved, to, 5 if runs is None else runs)
    _write_figures(json_, figures)
    return 0


def _write_figures(place: Path | None, figures: dict[str, object]) -> None:
    """Write what was measured as JSON, if a place for it was named."""
    from loupe.runs.writing import write_json

    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_json(place, figures)
        print_line(f"figures: {place}")


@app.command(group=LOOK)
def find_rate(
    recipe: str = "digits",
    /,
    *overrides: Override,
    from_: Annotated[float, Parameter(name="--from", help="First learning rate.")] = 1e-6,
    to: Annotated[float, Parameter(help="Last learning rate.")] = 10.0,
    steps: Annotated[int, Parameter(help="Steps at most.")] = 200,
    json_: Annotated[Path | None, Parameter(name="--json", help="Also write the figures to a file.")] = None,
    plugin: Plugins = (),
) -> int:
    """Suggest a learning rate: it grows from step to step until the training loss does. Nothing is kept.

    Parameters
    ----------
    recipe
        A packaged recipe, a TOML file, or a finished run's recipe.toml.
    """
    from loupe.running import load_recipe
    from loupe.running.find_rate import plot_rate_test, sweep_rates

    resolved = load_recipe(recipe, overrides, plugins=plugin)
    found = sweep_rates(resolved, low=from_, high=to, num_steps=steps)
    print_line(f"plot: {plot_rate_test(found, resolved)}")
    _write_figures(json_, found.to_dict())
    if found.suggestion is None:
        print_line(
            f"no suggestion: the loss did not fall between {from_:g} and {found.rates[-1]:g}; "
            "try other ends (--from, --to) or more --steps",
            style="bold",
        )
        return 0
    print_line(
        f"the training loss falls fastest at {found.steepest:.2g} and is least at {found.lowest:.2g}; "
        f"now it is {resolved.train.optimizer.settings['learning_rate']:g}"
    )
    print_line(f"suggested: train.optimizer.learning_rate={found.suggestion:g}", style="bold")
    return 0


def _print_speed(recipe: "Recipe", seconds: float) -> dict[str, object]:
    from loupe.benchmarking import measure_recipe
    from loupe.cli.speed_tables import HEADINGS, RIGHT, describe_speed, describe_stages

    report = measure_recipe(recipe, seconds)
    print_table(HEADINGS, describe_stages(report), right=RIGHT)
    *lines, sentence = describe_speed(report)
    for line in lines:
        print_line(line)
    print_line(sentence, style="bold")
    return report.to_dict()


def _print_reaching(recipe: "Recipe", accuracy: float, num_runs: int) -> dict[str, object]:
    from loupe.benchmarking import measure_reaching
    from loupe.cli.reaching_tables import describe_reached, describe_reaching

    report = measure_reaching(
        recipe, accuracy, num_runs, on_run=lambda run: print_line(describe_reached(run))
    )
    for line in describe_reaching(report):
        print_line(line)
    return report.to_dict()
