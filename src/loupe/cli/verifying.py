"""Verbs about trust: whether run folders are what they say, plugins that may run, runs handed over."""

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from loupe.cli.app import LOOK, WORK, DataPlace, app
from loupe.cli.misuse import MisuseError
from loupe.terminal import print_data, print_line, print_table


@app.command(group=LOOK)
def verify(
    *runs: str,
    data: DataPlace = None,
    sample: Annotated[int, Parameter(help="Validation images to run through the network, ≥ 1.")] = 200,
    test: Annotated[
        bool,
        Parameter(negative=(), help="Run the test images through the network too; the look is counted."),
    ] = False,
    as_json: Annotated[
        bool, Parameter(name="--json", negative=(), help="Print what was found as JSON.")
    ] = False,
) -> int:
    """Check runs against themselves: files, figures, weights, data, plugins, looks at the test set.

    Everything is computed anew; without --test no test image is looked at. The exit status is 0 if nothing
    was altered.

    Parameters
    ----------
    runs
        Run folders, or their names (or how they begin) inside runs/; of a series each seed is checked.
    """
    from loupe.errors import RunError
    from loupe.using.verify_run import verify as check

    if not runs:
        raise MisuseError(
            "There is nothing to verify.",
            got="no run",
            allowed="one or more run folders, or names in runs/",
            next_step="loupe verify RUN; `loupe list` shows the runs",
        )
    if sample < 1:
        raise RunError(
            "Weights cannot be tried on so few images.",
            got=f"--sample {sample}",
            allowed="1 or more validation images",
            next_step="leave --sample out for 200",
        )
    found = [one for run in runs for one in check(run, data=data, sample=sample, on_test=test)]
    if as_json:
        print_data(json.dumps([one.to_dict() for one in found], indent=2, ensure_ascii=False) + "\n")
    else:
        for one in found:
            print_line(f"{one.run}: {one.describe()}", style="bold")
            print_table(
                ("check", "verdict", "found"), [(row.check, row.verdict, row.found) for row in one.findings]
            )
    return 0 if all(one.is_sound for one in found) else 1


@app.command(group=WORK)
def trust(*plugins: str) -> int:
    """Say that plugins may run, as they are now; once changed, they are strangers again.

    Parameters
    ----------
    plugins
        Python files that a recipe or run from elsewhere names.
    """
    from loupe.plugins import trust_plugin

    if not plugins:
        raise MisuseError(
            "There is nothing to trust.",
            got="no plugin",
            allowed="one or more Python files that a recipe or run names",
            next_step="loupe trust PLUGIN",
        )
    for plugin in plugins:
        print_line(f"trusted: {plugin} ({trust_plugin(plugin)[:16]}…)")
    return 0


@app.command(group=WORK)
def pack(
    run: str,
    /,
    *,
    out: Annotated[Path | None, Parameter(help="The file; RUN.zip if left out.")] = None,
    images: Annotated[
        bool, Parameter(negative=(), help="With training and validation images, for the page's Inside.")
    ] = False,
    data: DataPlace = None,
) -> int:
    """Write a run as one file that opens elsewhere: `loupe unpack` there, and `loupe verify`.

    Test images are never packed.

    Parameters
    ----------
    run
        A run folder, or its name (or how it begins) inside runs/.
    """
    from loupe.running.recipe_data import load_run_splits
    from loupe.runs import RunFolder, find_single_run
    from loupe.runs.packing import pack as write

    folder = RunFolder(find_single_run(run))
    parts = None
    if images:
        splits = load_run_splits(folder, data)
        parts = {"train": splits.train, "validation": splits.validation}
    file = out or Path(f"{folder.path.name}.zip")
    write(folder, file, parts)
    print_line(f"packed: {file} ({file.stat().st_size / 2**20:.1f} MiB)")
    return 0


@app.command(group=WORK)
def unpack(
    archive: Path,
    /,
    *,
    into: Annotated[Path, Parameter(help="Folder of runs.")] = Path("runs"),
) -> int:
    """Put a packed run into a folder of runs.

    Parameters
    ----------
    archive
        A file that `loupe pack` made.
    """
    from loupe.runs.packing import unpack as read

    print_line(f"run: {read(archive, into)}")
    return 0
