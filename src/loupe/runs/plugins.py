"""The plugins of a run, imported only as they were when it was trained."""

from pathlib import Path

from loupe.errors import RunError
from loupe.plugins import digest_plugin, load_plugin, refuse_untrusted
from loupe.runs.folder import RunFolder
from loupe.runs.reading import is_plain


def load_run_plugins(run: RunFolder) -> None:
    """Import the plugins a run names, after checking that they are what they were: its one way to them.

    Raises:
        RunError: one has another content than when the run was trained.
        UntrustedPluginError: nobody has said yet that its code may run.
        LoupeError: one is gone, or cannot be imported.
    """
    plugins = run.read_recipe().run.plugins
    recorded = (run.read_environment().get("plugins") or {}) if plugins else {}
    places = {plugin: find_plugin(run, plugin) for plugin in plugins}
    changed = [plugin for plugin in plugins if digest_plugin(places[plugin]) != recorded.get(plugin)]
    if changed:
        raise RunError(
            f"The plugins of run {run.path.name} changed since it was trained.",
            got=f"another content of: {', '.join(changed)}",
            allowed="what environment.json records: its weights belong to that network",
            next_step="bring the old file back, or train anew",
        )
    for place in places.values():
        refuse_untrusted(place)
        load_plugin(place)


def find_plugin(run: RunFolder, plugin: str) -> str:
    """Return where a run's plugin is: where it was, or, of a run that was packed, in its folder."""
    packed = run.path / "plugins" / Path(plugin).name
    return str(packed) if is_plain(packed) and not Path(plugin).is_file() else plugin
