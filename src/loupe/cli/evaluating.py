"""The verb that evaluates a trained network, and what it prints."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from loupe.cli.app import WORK, Costs, DataPlace, Plugins, Shares, app
from loupe.terminal import print_data, print_line, print_table
from loupe.wording import count_of

if TYPE_CHECKING:
    from loupe.evaluations import Look, Table
    from loupe.using.evaluated import Evaluated

_MOST_REFUSALS = 20


@app.command(group=WORK)
def evaluate(
    run: str,
    /,
    *data: Path,
    looks: Annotated[
        str | None,
        Parameter(help="Evaluations, with commas between; as the recipe says if left out, `none` for none."),
    ] = None,
    metrics: Annotated[str | None, Parameter(help="Further metrics, with commas between.")] = None,
    test: Annotated[
        bool,
        Parameter(negative=(), help="Look at the run's own test images; the look is counted and logged."),
    ] = False,
    against: Annotated[
        str | None, Parameter(help="A second run, compared image by image on the same images.")
    ] = None,
    margin: Annotated[
        float,
        Parameter(help="With --against: points of accuracy that would not matter (non-inferiority)."),
    ] = 0.5,
    costs: Costs = None,
    shares: Shares = None,
    json_: Annotated[
        bool, Parameter(name="--json", negative=(), help="Print JSON in place of text.")
    ] = False,
    report: Annotated[Path | None, Parameter(help="HTML file for a page with tables and pictures.")] = None,
    fit: Annotated[
        Literal["resize", "crop", "pad"] | None,
        Parameter(help="How images come to the network's size; as in training if left out."),
    ] = None,
    device: Annotated[str, Parameter(help='"auto", "cpu", "cuda", "mps".')] = "auto",
    plugin: Plugins = (),
    moved: DataPlace = None,
) -> int:
    """Evaluate a run's network: metrics and looks at it, on its validation images or on others.

    Of a series of seeds, the mean of its networks is evaluated, beside each of them alone.

    `loupe evaluations` and `loupe metrics` list what there is.

    Parameters
    ----------
    run
        A run folder, or its name (or how it begins) inside runs/.
    data
        Folders of images, each image in a folder named after its class; the run's validation images if
        left out.
    """
    from loupe.evaluations.stakes import read_costs, read_shares
    from loupe.reports.evaluation_page import write_evaluation_page
    from loupe.runs.writing import prepare_place
    from loupe.using.evaluate_run import evaluate_run

    if report is not None:  # before a look at test images is counted
        prepare_place(report)
    found = evaluate_run(
        run,
        *data,
        looks=_split_names(looks),
        costs=read_costs(costs) if costs is not None else None,
        shares=read_shares(shares) if shares is not None else None,
        metrics=_split_names(metrics) or (),
        on_test=test,
        against=against,
        margin=margin,
        fit=fit,
        device=device,
        plugins=plugin,
        data=moved,
    )
    if json_:
        print_data(json.dumps(found.to_dict(), indent=2, ensure_ascii=False) + "\n")
    else:
        print_evaluated(found)
    for refusal in found.refusals[:_MOST_REFUSALS]:
        print_line(f"left out: {refusal.file} ({refusal.reason})", stderr=True)
    if len(found.refusals) > _MOST_REFUSALS:
        print_line(f"left out: {len(found.refusals) - _MOST_REFUSALS:,} more", stderr=True)
    if report is not None:
        write_evaluation_page(
            report,
            run_name=found.name,
            split=found.split,
            images=found.images,
            level=found.level,
            metrics=found.metrics,
            looks=found.looks,
            warnings=found.warnings,
        )
        print_line(f"report: {report}", stderr=json_)
    return 1 if found.refusals else 0


def _split_names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    return [name for name in names if name and name != "none"]


def print_evaluated(found: "Evaluated") -> None:
    """Print metrics with intervals, and of each look its sentence, its numbers and its tables."""
    print_line(f"{found.name} on {count_of(len(found.images), 'image')}: {found.split}", style="bold")
    for warning in found.warnings:
        print_line(f"warning: {warning}")
    for one in found.metrics:
        print_line(one.describe())
    for look in found.looks.looks:
        print_line("")
        print_line(look.heading, style="bold")
        print_look(look)


def print_look(look: "Look") -> None:
    """Print a look: why there is none, or sentence, numbers and tables."""
    from loupe.evaluations import Table

    if look.failure:
        print_line(f"not to be had: {look.failure}")
        return
    if look.sentence:
        print_line(look.sentence)
    for value in look.values:
        print_line(f"{value.name} {value.write()}")
    for block in look.blocks:
        if isinstance(block, Table) and block.rows:
            if block.title:
                print_line(block.title, style="dim")
            print_table(*_lay_out(block))


def _lay_out(table: "Table") -> tuple[list[str], list[list[str]], list[int]]:
    headings = [column.heading for column in table.columns]
    rows = [
        [column.write(cell) for column, cell in zip(table.columns, row, strict=True)] for row in table.rows
    ]
    return headings, rows, [index for index, one in enumerate(table.columns) if one.unit != "text"]
