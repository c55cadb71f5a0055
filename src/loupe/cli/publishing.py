"""Verbs that make what a paper or a talk takes of runs and studies: figures, tables, a draft."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from loupe.cli.app import LOOK, DataPlace, app
from loupe.terminal import print_data, print_line
from loupe.wording import count_of

Replace = Annotated[bool, Parameter(negative=(), help="Write over files that are there.")]


@app.command(group=LOOK)
def figures(
    place: str,
    /,
    *,
    format: Annotated[str, Parameter(help="pdf, svg, png; several with commas between.")] = "pdf",
    dpi: Annotated[
        int, Parameter(help="Dots an inch of PNG files and of pictures inside PDF and SVG.")
    ] = 300,
    style: Annotated[
        Literal["paper", "slides", "grey"],
        Parameter(help="paper is 85 or 175 mm wide; grey is that without colours; slides has large type."),
    ] = "paper",
    index: Annotated[int | None, Parameter(help="A validation image to look at, by number from 0.")] = None,
    class_: Annotated[str | None, Parameter(name="--class", help="The first image of this class.")] = None,
    theory: Annotated[
        bool,
        Parameter(negative=(), help="What a chapter on theory shows instead, on this network and one image."),
    ] = False,
    out: Annotated[Path | None, Parameter(help="Folder for them; figures/NAME if left out.")] = None,
    replace: Replace = False,
    data: DataPlace = None,
) -> int:
    """Write every figure of a run or a study as a file, with its caption beside.

    Curves, classes, confusion, calibration, mistakes, the network as one picture, filters, feature maps,
    gates, reasons. With --theory: a neuron, ReLU, a sliding kernel, stride, padding, poolings, flatten,
    the whole network, residual blocks. Without a choice of image there is one validation image of each class;
    no test image is drawn.

    Parameters
    ----------
    place
        A run folder, a series of seeds or a study's folder, or its name inside runs/ or studies/.
    """
    from loupe.publishing import write_figures

    written = write_figures(
        place,
        formats=[one.strip() for one in format.split(",") if one.strip()],
        dpi=dpi,
        style=style,
        out=out,
        replace=replace,
        data=data,
        index=index,
        class_name=class_,
        theory=theory,
    )
    for reason in written.left_out:
        print_line(f"left out: {reason}", stderr=True)
    print_line(f"{count_of(len(written.figures), 'figure')} in {written.folder}, captions in captions.md")
    return 0


@app.command(group=LOOK)
def table(
    *places: str,
    latex: Annotated[bool, Parameter(negative=(), help="LaTeX with booktabs.")] = False,
    markdown: Annotated[bool, Parameter(negative=(), help="Markdown; this if nothing is said.")] = False,
    csv: Annotated[bool, Parameter(negative=(), help="CSV with all digits; one table.")] = False,
    only: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(),
            consume_multiple=False,
            help="Table to write; repeatable. Of runs: results, cost, recipe, classes, confusion, "
            "pairs, layers, normalization; of a study: study, arms.",
        ),
    ] = (),
    out: Annotated[Path | None, Parameter(help="File for them; the terminal if left out.")] = None,
    replace: Replace = False,
) -> int:
    """Write tables of runs or of a study: results with intervals, cost, settings, classes, layers …

    Parameters
    ----------
    places
        Run folders, series of seeds, or one study's folder; or names inside runs/ or studies/.
    """
    from loupe.publishing import gather_tables, write_tables
    from loupe.publishing.figure_files import write_files

    text = write_tables(gather_tables(places, only), latex=latex, markdown=markdown, csv=csv)
    if out is None:
        print_data(text)
    else:
        write_files(out.parent, {out.name: text.encode()}, replace=replace)
        print_line(f"table: {out}")
    return 0


@app.command(group=LOOK)
def write(
    place: str,
    /,
    *,
    format: Annotated[
        Literal["markdown", "latex", "docx"],
        Parameter(help="latex has its figures as PDF beside it; docx needs the extra `word`."),
    ] = "markdown",
    style: Annotated[
        Literal["paper", "slides", "grey"], Parameter(help="Of its figures; as `loupe figures` has it.")
    ] = "paper",
    theory: Annotated[
        bool,
        Parameter(negative=(), help="Begin with a chapter on theory: what `loupe figures --theory` draws."),
    ] = False,
    out: Annotated[Path | None, Parameter(help="Folder for it; drafts/NAME if left out.")] = None,
    replace: Replace = False,
    data: DataPlace = None,
) -> int:
    """Write a draft of methods and results with figures and tables in place, every number from the record.

    Parameters
    ----------
    place
        A run folder, a series of seeds or a study's folder, or its name inside runs/ or studies/.
    """
    from loupe.publishing import write_draft

    written = write_draft(place, format, style=style, out=out, replace=replace, data=data, theory=theory)
    for reason in written.left_out:
        print_line(f"left out: {reason}", stderr=True)
    figures_, tables = count_of(written.num_figures, "figure"), count_of(written.num_tables, "table")
    print_line(f"draft: {written.file} ({figures_}, {tables})")
    return 0
