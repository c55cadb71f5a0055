"""Verbs that teach: mistakes in recipes, runs and scripts, and mistakes one can watch."""

import json
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from loupe.cli.app import LOOK, WORK, Plugins, app
from loupe.cli.listing import Json, print_json, print_kind
from loupe.errors import LoupeError
from loupe.parts import find_kind
from loupe.plugins import load_named_plugins
from loupe.terminal import print_data, print_error, print_line
from loupe.wording import count_of

if TYPE_CHECKING:
    from loupe.cli.lint_targets import Linted
    from loupe.pitfalls import Pair


@app.command(group=WORK)
def lint(
    *targets: str,
    list_rules: Annotated[bool, Parameter(name="--list", negative=(), help="List the rules.")] = False,
    explain: Annotated[str | None, Parameter(help="Say what a rule finds, why, and what to do.")] = None,
    as_json: Json = False,
    plugin: Plugins = (),
) -> int:
    """Look for mistakes in recipes, studies, searches, runs, and PyTorch code, which is read but never run.

    The exit status is 1 if something is found, or if something cannot be looked at; the others still are.

    Parameters
    ----------
    targets
        Recipes, studies, searches, run folders, scripts, notebooks; of another folder, all it holds of these.
    """
    load_named_plugins(plugin)
    if list_rules:
        kind = find_kind("rules")
        return print_json([kind]) if as_json else print_kind(kind)
    if explain is not None:
        return _explain(explain)
    if not targets:
        raise LoupeError(
            "There is nothing to look at.",
            allowed="a recipe, a study, a search, a run folder, a Python file, a notebook",
            next_step="for example: loupe lint train.py; `loupe lint --list` lists the rules",
        )
    from loupe.cli.lint_targets import lint_targets

    linted = lint_targets(targets)
    for error in linted.failed:
        print_error(str(error))
    if as_json:
        print_data(json.dumps([one.to_dict() for one in linted.found], indent=2, ensure_ascii=False) + "\n")
    elif linted.num_read:
        _print_violations(linted)
    return 1 if linted.found or linted.failed else 0


def _explain(name: str) -> int:
    """Print what a rule finds, where it comes from, why that is a mistake, and what to do."""
    from loupe.linting import RULES

    facts = RULES.facts(name)
    print_line(f"{name}  {RULES.summary(name)}", style="bold")
    print_line(f"    why: {facts['why']}")
    print_line(f"    fix: {facts['fix']}")
    print_line(f"    reads {facts['reads']}; source {facts['source']}, see docs/sources.md", style="dim")
    shown = [one for one in _list_pitfalls() if name in one[1]]
    for pitfall, _ in shown:
        print_line(f"    watch it: loupe pitfalls {pitfall}", style="dim")
    quiet = f"# loupe: ignore[{name}]"
    if facts["reads"] == "scripts and notebooks":
        print_line(f"    keep it quiet at one line: {quiet}", style="dim")
    return 0


def _list_pitfalls() -> "list[tuple[str, tuple[str, ...]]]":
    """Return each pitfall with the rules that find it."""
    from loupe.pitfalls import PITFALLS

    return [(name, tuple(PITFALLS.facts(name)["lint"])) for name in PITFALLS.names()]


def _print_violations(linted: "Linted") -> None:
    found, num_read = linted.found, linted.num_read
    for one in found:
        print_line(f"{one.place}: {one.rule} ({one.source}) {one.why}")
        print_line(f"    fix: {one.fix}", style="dim")
    if found:
        print_line(f"What a rule means: loupe lint --explain {found[0].rule}", style="dim")
    what = count_of(len(found), "mistake") if found else "No mistake"
    of = "" if num_read == 1 else f" in {num_read} files and runs"
    if linted.failed:
        num_named = num_read + len(linted.failed)
        of = f" in {num_read} of {num_named} files and runs; why not in the others is said above"
    print_line(f"{what} found{of}.", style="bold")


@app.command(group=LOOK)
def pitfalls(
    name: str = "",
    /,
    *,
    all_of_them: Annotated[bool, Parameter(name="--all", negative=(), help="All, with an index.")] = False,
    out: Annotated[Path, Parameter(help="Folder for the pages.")] = Path("pitfalls"),
    seeds: Annotated[int, Parameter(help="Seeds that each way is carried out with.")] = 3,
    plugin: Plugins = (),
    as_json: Json = False,
) -> int:
    """Watch a mistake: carry it out wrong and right on digits, and write a page of both.

    Parameters
    ----------
    name
        A pitfall; all are listed if left out.
    """
    load_named_plugins(plugin)
    if not name and not all_of_them:
        kind = find_kind("pitfalls")
        return print_json([kind]) if as_json else print_kind(kind)
    if seeds < 1:
        raise LoupeError(
            "A pitfall is watched with one seed or more.", got=seeds, allowed="1, 2, …", next_step="--seeds 3"
        )
    from loupe.pitfalls import PITFALLS, watch, write_gallery, write_pitfall

    names = PITFALLS.names() if all_of_them else [name]
    pairs = [_watch_and_tell(watch(one, range(seeds))) for one in names]
    page = write_gallery(pairs, out) if all_of_them else write_pitfall(pairs[0], out)
    print_line(f"page: {page}")
    return 0


def _watch_and_tell(pair: "Pair") -> "Pair":
    from loupe.pitfalls.gallery import write_tell_tale

    wrong, right = (
        write_tell_tale(fmean(one.value for one in sides), pair.facts["unit"])
        for sides in (pair.wrong, pair.right)
    )
    print_line(pair.facts["title"], style="bold")
    print_line(f"    {pair.facts['tell_tale']}: wrong {wrong}, right {right}")
    return pair
