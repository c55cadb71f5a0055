"""Verbs that list what there is to choose from, with settings."""

import json
from collections.abc import Callable, Sequence
from typing import Annotated

from cyclopts import Parameter

from loupe.cli.app import LOOK, Plugins, app
from loupe.parts import KINDS, Kind, describe_part, find_kind
from loupe.plugins import load_named_plugins
from loupe.terminal import print_data, print_line, print_table

Json = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON, for programs.")]


@app.command(group=LOOK)
def recipes() -> int:
    """List the packaged recipes."""
    from loupe.recipe import list_recipes

    print_table(("recipe", "about"), list(list_recipes().items()))
    return 0


@app.command(group=LOOK)
def parts(kind: str = "", /, *, plugin: Plugins = (), as_json: Json = False) -> int:
    """List every kind of part, or the parts of one kind with their settings.

    Parameters
    ----------
    kind
        A kind, such as models; all kinds if left out.
    """
    chosen = [find_kind(kind)] if kind else list(KINDS.values())
    load_named_plugins(plugin)
    if as_json:
        return print_json(chosen)
    if kind:
        return print_kind(chosen[0])
    print_table(("kind", "parts"), [(one.name, ", ".join(one.registry)) for one in chosen])
    return 0


def make_verb(kind: Kind) -> Callable[..., int]:
    """Return the verb that lists the parts of one kind."""

    def verb(*, plugin: Plugins = (), as_json: Json = False) -> int:
        load_named_plugins(plugin)
        return print_json([kind]) if as_json else print_kind(kind)

    verb.__doc__ = f"List the {kind.what}, and their settings."
    return verb


_WITH_A_VERB_OF_THEIR_OWN = ("pitfalls",)

for _kind in (one for one in KINDS.values() if one.name not in _WITH_A_VERB_OF_THEIR_OWN):
    app.command(make_verb(_kind), name=_kind.name, group=LOOK)


def print_kind(kind: Kind) -> int:
    """Print the parts of a kind and their settings."""
    registry = kind.registry
    for name in registry:
        print_line(f"{name}  {registry.summary(name)}", style="bold")
        if facts := kind.describe_facts(name):
            print_line(f"    {facts}", style="dim")
        for setting, default, text in registry.describe_settings(name):
            print_line(f"    {setting} = {default}  {text}", style="dim")
    return 0


def print_json(kinds: Sequence[Kind]) -> int:
    """Print the parts of some kinds by kind, as JSON."""
    described = {kind.name: [describe_part(kind.registry, name) for name in kind.registry] for kind in kinds}
    print_data(json.dumps(described, indent=2, ensure_ascii=False, default=str) + "\n")
    return 0
