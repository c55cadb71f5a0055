import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from loupe.conformance.surroundings import undisturbed
from loupe.errors import LoupeError, suggest
from loupe.plugins import expand_path, find_last_line

_MODULE_PREFIX = "loupe_layer_"


def load_layer(reference: str) -> Callable[..., Any]:
    """Return the class or function that `FILE:NAME` names; the file is imported.

    Files that lie beside it can be imported from it, as when Python runs it.

    Raises:
        LoupeError: there is no such file or name, or the file cannot be imported.
    """
    file, separator, name = reference.rpartition(":")
    if not separator or not name or name.endswith(".py"):
        file, name = reference.rstrip(":"), ""
    path = expand_path(file)
    _refuse_missing_file(path, file)
    module = _import_file(path, file)
    offered = _list_layers(module)
    if not name or not hasattr(module, name):
        near = suggest(name, offered) if name else None
        message = f"There is no {name} in {file}." if name else "Which layer of the file is meant?"
        raise LoupeError(
            message,
            got=reference,
            allowed=", ".join(offered) or "(the file defines no class or function)",
            nearest=near,
            next_step=f"loupe check-layer {file}:{near or next(iter(offered), 'NAME')}",
        )
    layer = getattr(module, name)
    if not callable(layer):
        raise LoupeError(
            f"{name} is neither a class nor a function.",
            got=type(layer).__name__,
            allowed=", ".join(offered) or "a subclass of torch.nn.Module",
            next_step="name one that gives a module",
        )
    found: Callable[..., Any] = layer
    return found


def _refuse_missing_file(path: Path, file: str) -> None:
    if path.is_file() and path.suffix == ".py":
        return
    beside = sorted(other.name for other in path.parent.glob("*.py")) if path.parent.is_dir() else []
    near = suggest(path.name, beside)
    raise LoupeError(
        f"There is no Python file {file}.",
        got=file,
        allowed="FILE:NAME, a Python file (.py) and the name of a class or function in it",
        nearest=str(Path(file).with_name(near)) if near else None,
        next_step="mend the path",
    )


def _import_file(path: Path, file: str) -> ModuleType:
    name = f"{_MODULE_PREFIX}{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where `inspect` and `dataclass` look a class's module up
    sys.path.insert(0, str(path.parent))
    try:
        with undisturbed():  # some files print, seed or even train as they are imported
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever the file does, say where and what
        del sys.modules[name]
        line = find_last_line(error, path) if getattr(error, "lineno", None) is None else None
        raise LoupeError(
            f"The file {file} cannot be imported.",
            got=f"{type(error).__name__}: {error}" + (f" (line {line})" if line else ""),
            next_step=f"`python {file}` shows the whole story",
        ) from None
    finally:
        sys.path.remove(str(path.parent))
    return module


def _list_layers(module: ModuleType) -> list[str]:
    """Return the names of what a file defines itself: its modules, or if it has none, its functions."""
    own = {
        name: value
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__
    }
    modules = [
        name for name, value in own.items() if isinstance(value, type) and issubclass(value, nn.Module)
    ]
    return modules or [name for name, value in own.items() if callable(value) and not name.startswith("_")]
