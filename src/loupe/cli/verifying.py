"""The verb that checks whether run folders are what they say."""

import json
from typing import Annotated

from cyclopts import Parameter

from loupe.cli.app import LOOK, DataPlace, app
from loupe.terminal import print_line, print_table


@app.command(group=LOOK)
def verify(
    *runs: str,
    data: DataPlace = None,
    sample: Annotated[int, Parameter(help="Validation images to run through the network.")] = 200,
    as_json: Annotated[
        bool, Parameter(name="--json", negative=(), help="Print what was found as JSON.")
    ] = False,
) -> int:
    """Check runs against themselves: files, figures, weights, data, plugins, looks at the test set.

    Everything is computed anew; no test image is looked at. The exit status is 0 if nothing was altered.

    Parameters
    ----------
    runs
        Run folders, or their names (or how they begin) inside runs/; of a series each seed is checked.
    """
    from loupe.errors import RunError
    from loupe.using.verify_run import verify as check

    if not runs:
        raise RunError(
            "There is nothing to verify.",
            got="no run",
            allowed="one or more run folders, or names in runs/",
            next_step="loupe verify RUN; `loupe list` shows the runs",
        )
    found = [one for run in runs for one in check(run, data=data, sample=sample)]
    if as_json:
        print(json.dumps([one.to_dict() for one in found], indent=2, ensure_ascii=False))  # noqa: T201
    else:
        for one in found:
            print_line(f"{one.run}: {'nothing altered' if one.is_sound else 'ALTERED'}", style="bold")
            print_table(
                ("check", "verdict", "found"), [(row.check, row.verdict, row.found) for row in one.findings]
            )
    return 0 if all(one.is_sound for one in found) else 1
