"""The plugins of a run, imported only as they were when it was trained."""

from loupe.errors import RunError
from loupe.plugins import digest_plugin, load_plugin
from loupe.runs.folder import RunFolder


def load_run_plugins(run: RunFolder) -> None:
    """Import the plugins a run names, after checking that they are what they were: its one way to them.

    Raises:
        RunError: one has another content than when the run was trained.
        LoupeError: one is gone, or cannot be imported.
    """
    plugins = run.read_recipe().run.plugins
    recorded = (run.read_environment().get("plugins") or {}) if plugins else {}
    changed = [plugin for plugin in plugins if digest_plugin(plugin) != recorded.get(plugin)]
    if changed:
        raise RunError(
            f"The plugins of run {run.path.name} changed since it was trained.",
            got=f"another content of: {', '.join(changed)}",
            allowed="what environment.json records: its weights belong to that network",
            next_step="bring the old file back, or train anew",
        )
    for plugin in plugins:
        load_plugin(plugin)
