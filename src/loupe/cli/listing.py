"""Verbs that list what there is to choose from, with settings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from loupe.cli.app import LOOK, Plugins, app
from loupe.terminal import print_line, print_table

if TYPE_CHECKING:
    from loupe.registry import Registry


@app.command(group=LOOK)
def recipes() -> int:
    """List the packaged recipes."""
    from loupe.recipe import list_recipes

    print_table(("recipe", "about"), list(list_recipes().items()))
    return 0


@app.command(group=LOOK)
def datasets(*, plugin: Plugins = ()) -> int:
    """List the datasets and their settings."""
    from loupe.data import SOURCES

    return print_registry(SOURCES, plugin)


@app.command(group=LOOK)
def augmentations(*, plugin: Plugins = ()) -> int:
    """List the augmentations and their settings."""
    from loupe.data import AUGMENTATIONS

    return print_registry(AUGMENTATIONS, plugin)


@app.command(group=LOOK)
def mixes(*, plugin: Plugins = ()) -> int:
    """List the ways to mix training images, and their settings."""
    from loupe.data import MIXES

    return print_registry(MIXES, plugin)


@app.command(group=LOOK)
def models(*, plugin: Plugins = ()) -> int:
    """List the models and their settings."""
    from loupe.models import MODELS

    return print_registry(MODELS, plugin)


@app.command(group=LOOK)
def optimizers(*, plugin: Plugins = ()) -> int:
    """List the optimizers and their settings."""
    from loupe.training import OPTIMIZERS

    return print_registry(OPTIMIZERS, plugin)


@app.command(group=LOOK)
def losses(*, plugin: Plugins = ()) -> int:
    """List the losses that training may minimise, and their settings."""
    from loupe.training import LOSSES

    return print_registry(LOSSES, plugin)


@app.command(group=LOOK)
def schedules(*, plugin: Plugins = ()) -> int:
    """List the learning-rate schedules and their settings."""
    from loupe.training import SCHEDULES

    return print_registry(SCHEDULES, plugin)


@app.command(group=LOOK)
def metrics(*, plugin: Plugins = ()) -> int:
    """List the metrics: unit, which way is better, what they are for, and their settings."""
    from loupe.metrics import METRICS
    from loupe.plugins import load_plugin

    for one in plugin:
        load_plugin(one)
    for name in METRICS:
        facts = METRICS.facts(name)
        unit = f"{facts['unit']}, " if facts["unit"] else ""
        print_line(f"{name}  {METRICS.summary(name)}", style="bold")
        print_line(f"    {unit}{facts['better']} is better, for {facts['objective']}", style="dim")
        for setting, default, text in METRICS.describe_settings(name):
            print_line(f"    {setting} = {default}  {text}", style="dim")
    return 0


@app.command(group=LOOK)
def explanations(*, plugin: Plugins = ()) -> int:
    """List the methods that say why a network names a class, and their settings."""
    from loupe.inspection import EXPLANATIONS

    return print_registry(EXPLANATIONS, plugin)


def print_registry(registry: "Registry", plugins: Sequence[str]) -> int:
    from loupe.plugins import load_plugin

    for plugin in plugins:
        load_plugin(plugin)
    for name in registry:
        print_line(f"{name}  {registry.summary(name)}", style="bold")
        for setting, default, text in registry.describe_settings(name):
            print_line(f"    {setting} = {default}  {text}", style="dim")
    return 0
