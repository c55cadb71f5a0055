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
    from loupe.runs.writing import write_json

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
    if json_ is not None:
        json_.parent.mkdir(parents=True, exist_ok=True)
        write_json(json_, figures)
        print_line(f"figures: {json_}")
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
