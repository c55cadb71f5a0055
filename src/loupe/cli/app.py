"""The command itself, its groups, and the parameters that several verbs take."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, ArgumentCollection, CoercionError, Group, Parameter

from loupe.cli.misnamed import FieldsOf
from loupe.cli.misuse import list_kinds
from loupe.version import __version__

WORK = Group("Work", sort_key=0)
LOOK = Group("Look up", sort_key=1)


def refuse_fractions(arguments: ArgumentCollection) -> None:
    """Check that whole numbers were given as such: cyclopts would round 1.5 workers.

    Raises:
        CoercionError: a number with a point stands where a whole one belongs.
    """
    for argument in arguments:
        kinds = list_kinds(argument.hint)
        for token in argument.tokens if int in kinds and float not in kinds else ():
            if "." in token.value:
                raise CoercionError(argument=argument, token=token, target_type=int)


app = App(
    name="loupe",
    help="A lab bench for small-image classifiers: one small file in; a trained network, honest numbers "
    "and a report out.\n\nStart with `loupe train`, which trains on digits that ship with Loupe.",
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    help_format="markdown",
    group_arguments=Group("Arguments", validator=refuse_fractions),
    group_parameters=Group("Parameters", validator=refuse_fractions),
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
DataPlace = Annotated[
    Path | None, Parameter(name="--data", help="Where the run's images lie now, if they were moved.")
]
Plot = Annotated[bool, Parameter(negative=(), help="Draw the learning rate to schedule-NAME.png.")]
Override = Annotated[str, Parameter(help="Changes to the recipe: section.field=value."), FieldsOf("recipe")]
Costs = Annotated[
    Path | None,
    Parameter(
        help="CSV table of what answers cost: a line a true class, a column an answer; `unsure` may be one."
    ),
]
Shares = Annotated[
    str | None,
    Parameter(help="Shares of classes where the network is used, such as cat=0.7,dog=0.2; the others share."),
]
