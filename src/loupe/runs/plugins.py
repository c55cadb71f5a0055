"""The plugins of a run, imported as they were when it was trained; what only looks may have changed."""

from pathlib import Path

from loupe.errors import RunError, warn
from loupe.plugins import digest_plugin, is_trusted, load_plugin, name_plugin_module, refuse_untrusted
from loupe.registry import REGISTRIES
from loupe.runs.folder import RunFolder
from loupe.runs.reading import is_plain

LOOKING = frozenset({"metric", "evaluation", "explanation", "observer", "tracker", "export format"})
"""Kinds of parts that look at a training or a network and decide no number of it; all others are guarded."""


def load_run_plugins(run: RunFolder) -> None:
    """Import the plugins a run names, after checking that they are what they were: its one way to them.

    One that changed and holds only what looks is imported as it is now, and that is said.

    Raises:
        RunError: one has another content than when the run was trained.
        UntrustedPluginError: nobody has said yet that its code may run.
        LoupeError: one is gone, or cannot be imported.
    """
    plugins = run.read_recipe().run.plugins
    recorded = (run.read_environment().get("plugins") or {}) if plugins else {}
    places = {plugin: find_plugin(run, plugin) for plugin in plugins}
    changed = [plugin for plugin in plugins if digest_plugin(places[plugin]) != recorded.get(plugin)]
    decisive = [plugin for plugin in changed if not is_trusted(digest_plugin(places[plugin]))]
    told = {plugin: describe_looking(places[plugin]) for plugin in changed if plugin not in decisive}
    decisive += [plugin for plugin, parts in told.items() if not parts]
    if decisive:
        raise RunError(
            f"The plugins of run {run.path.name} changed since it was trained.",
            got=f"another content of: {', '.join(decisive)}",
            allowed="what environment.json records: its weights belong to that network",
            next_step="bring the old file back, or train anew; "
            f"if all it holds are metrics, evaluations and the like: loupe trust {places[decisive[0]]}",
        )
    for place in places.values():
        refuse_untrusted(place)
        load_plugin(place)
    for plugin, parts in told.items():
        warn(f"{describe_change(plugin, parts)}; it is used as it is now")


def describe_looking(place: str) -> str:
    """Import a trusted plugin and return what it registers, if all of that only looks; "" if not.

    Raises:
        UntrustedPluginError: nobody has said yet that its code may run.
        LoupeError: it is gone, or cannot be imported.
    """
    refuse_untrusted(place)
    load_plugin(place)
    parts = {one.kind: one.names_of(name_plugin_module(place)) for one in REGISTRIES}
    if any(names and kind not in LOOKING for kind, names in parts.items()):
        return ""
    return ", ".join(f"{kind} {name}" for kind, names in parts.items() for name in names)


def describe_change(plugin: str, parts: str) -> str:
    """Return in words that a plugin changed and decided no number of a training."""
    return (
        f"the plugin {plugin} changed since the run was started; what it registers only looks "
        f"({parts}), and decides no number of the training"
    )


def find_plugin(run: RunFolder, plugin: str) -> str:
    """Return where a run's plugin is: where it was, or, of a run that was packed, in its folder."""
    packed = run.path / "plugins" / Path(plugin).name
    return str(packed) if is_plain(packed) and not Path(plugin).is_file() else plugin
