"""Users' own Python files, imported for what they register."""

import contextlib
import hashlib
import importlib.util
import os
import sys
from pathlib import Path

from loupe.errors import LoupeError, UntrustedPluginError


def load_plugin(place: str) -> str:
    """Import a Python file for what it registers, and return the SHA-256 of its text.

    Raises:
        LoupeError: there is no such file, or it cannot be imported.
    """
    path, digest = expand_path(place), digest_plugin(place)
    name = name_plugin_module(place)
    if name in sys.modules and getattr(sys.modules[name], "loupe_digest", None) == digest:
        return digest
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever the user's file does, say where and what
        del sys.modules[name]
        if isinstance(error, LoupeError):
            raise
        line = find_last_line(error, path) if getattr(error, "lineno", None) is None else None
        raise LoupeError(
            f"The plugin {place} cannot be imported.",
            got=f"{type(error).__name__}: {error}" + (f" (line {line})" if line else ""),
            next_step=f"`python {place}` shows the whole story",
        ) from None
    module.loupe_digest = digest  # type: ignore[attr-defined]  # a mark of ours on the user's module
    return digest


def list_plugins(plugins: object) -> tuple[str, ...]:
    """Return the places of plugins that a caller names: one, or several in a list.

    Raises:
        LoupeError: they are something else.
    """
    listed = [plugins] if isinstance(plugins, str | Path) else plugins
    if not isinstance(listed, list | tuple) or not all(isinstance(one, str | Path) for one in listed):
        raise LoupeError(
            "Plugins are named by their files.",
            got=f"{type(plugins).__name__}: {plugins!r}"[:120],
            allowed='the path of a Python file, or a list of them, for example plugins=["own.py"]',
            next_step="name the files",
        )
    return tuple(str(one) for one in listed)


def load_named_plugins(plugins: object) -> tuple[str, ...]:
    """Import plugins that whoever calls names, and so trusts as they are now; return their places.

    Args:
        plugins: as `list_plugins` takes them.

    Raises:
        LoupeError: there is no such file, or one cannot be imported.
    """
    places = list_plugins(plugins)
    for place in places:
        trust_plugin(place)
        load_plugin(place)
    return places


def name_plugin_module(place: str) -> str:
    """Return the name of the module that a plugin's file becomes.

    Raises:
        LoupeError: its path names the home of nobody.
    """
    return f"loupe_plugin_{hashlib.sha256(str(expand_path(place)).encode()).hexdigest()[:12]}"


def digest_plugin(place: str) -> str:
    """Return the SHA-256 of a plugin's text; nothing of it is run.

    Raises:
        LoupeError: there is no such file.
    """
    path = expand_path(place)
    if not path.is_file() or path.suffix != ".py":
        raise LoupeError(
            f"There is no plugin file {place}.",
            got=place,
            allowed="a Python file (.py) that registers a model, dataset, augmentation …",
            next_step="mend --plugin or run.plugins",
        )
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def trust_plugin(place: str) -> str:
    """Remember that a plugin's code may run, as it is now, and return its SHA-256.

    Raises:
        LoupeError: there is no such file.
    """
    digest = digest_plugin(place)
    if not is_trusted(digest):
        _trusted_here.add(digest)
        path = _find_trusted()
        with contextlib.suppress(OSError):  # else it is trusted in this process alone
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{digest}  {expand_path(place)}\n")
    return digest


def is_trusted(digest: str) -> bool:
    """Return whether a plugin's code may run, by its SHA-256."""
    if digest in _trusted_here:
        return True
    try:
        lines = _find_trusted().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.partition(" ")[0] == digest for line in lines)


def refuse_untrusted(place: str) -> None:
    """Check that a plugin which a recipe or run names may run.

    Raises:
        UntrustedPluginError: nobody has said so.
        LoupeError: there is no such file.
    """
    digest = digest_plugin(place)
    if not is_trusted(digest):
        raise UntrustedPluginError(place, digest)


_trusted_here: set[str] = set()


def _find_trusted() -> Path:
    """Return the file of trusted plugins, in the user's state folder."""
    state = os.environ.get("XDG_STATE_HOME")
    place = Path(state) if state else Path.home() / ".local" / "state"
    return place / "loupe" / "trusted-plugins.txt"


def find_last_line(error: BaseException, path: Path) -> int | None:
    """Return the line of a file an error came through last; None if it never did."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def expand_path(place: str) -> Path:
    """Return the absolute path a user wrote, with `~` written out.

    Raises:
        LoupeError: it names the home of nobody.
    """
    try:
        return Path(place).expanduser().resolve()
    except (RuntimeError, OSError, ValueError) as error:
        raise LoupeError(
            f"{place!r} is no path.", got=str(error), allowed="a path on this machine", next_step="mend it"
        ) from None
