"""Weights in files from elsewhere: safetensors, and torch's own without running anything in them."""

import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from loupe.errors import LoupeError

_INSIDE = ("state_dict", "model_state_dict", "model", "model_ema", "net", "weights")
"""Where programs keep a network's weights in a file that holds more."""
_WRAPPERS = ("module.", "_orig_mod.")
"""What torch puts before names: `DistributedDataParallel`, `torch.compile`."""


def read_weight_file(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name, on the CPU.

    A torch file is read with `weights_only`, which builds tensors and plain values and calls nothing. Where
    it holds more than weights, those under a usual name are taken. Wrappers' prefixes go, if all names have
    them.

    Raises:
        LoupeError: there is no such file, it is of another kind, damaged, or would run code.
    """
    if not path.is_file():
        raise LoupeError(
            f"There is no file {path} with weights.",
            got="a folder" if path.is_dir() else "nothing there",
            allowed="a .safetensors file, or a torch file (.pt, .pth, .bin)",
            next_step="mend transfer.weights; the weights of a run of Loupe's are named by transfer.run",
        )
    weights = _find_tensors(_read(path))
    if not weights:
        raise LoupeError(
            f"{path.name} holds no weights.",
            got="no tensor by name",
            allowed=f"tensors by name, or such a table under one of: {', '.join(_INSIDE)}",
            next_step="save the network's state_dict()",
        )
    for wrapper in _WRAPPERS:
        if all(name.startswith(wrapper) for name in weights):
            weights = {name.removeprefix(wrapper): tensor for name, tensor in weights.items()}
    return weights


def rename_weights(weights: Mapping[str, Tensor], prefixes: Mapping[str, str]) -> dict[str, Tensor]:
    """Return weights under other names: a name that begins with a key begins with its value instead.

    The longest key that fits a name holds. Keys are whole parts of names: "features" does not fit
    "features2.weight", "" fits every name.

    Raises:
        LoupeError: a key fits no name, or two tensors would have one name.
    """
    renamed: dict[str, Tensor] = {}
    used: set[str] = set()
    for name, tensor in weights.items():
        fitting = [
            key for key in prefixes if not key or name == key or name.startswith(f"{key.rstrip('.')}.")
        ]
        new = name
        if fitting:
            key = max(fitting, key=len)
            used.add(key)
            rest = name.removeprefix(key.rstrip(".")).lstrip(".")
            new = ".".join(part for part in (prefixes[key].rstrip("."), rest) if part)
        if new in renamed:
            raise LoupeError(
                f"Two tensors of the file would be called {new!r}.",
                got=f"transfer.rename: {name} becomes {new}",
                allowed="another name for each tensor",
                next_step="mend transfer.rename",
            )
        renamed[new] = tensor
    if idle := [key for key in prefixes if key not in used]:
        tops = sorted({name.partition(".")[0] for name in weights})
        raise LoupeError(
            f"No name in the file begins with {idle[0]!r}.",
            got=idle[0],
            allowed=f"the beginning of a name: {', '.join(tops[:8])}{' …' if len(tops) > 8 else ''}",
            next_step="mend transfer.rename",
        )
    return renamed


def _read(path: Path) -> object:
    with path.open("rb") as file:
        start = file.read(9)
    try:
        if start[8:9] == b"{":  # safetensors: the length of a JSON header, then the header
            _refuse_own(path)
            return load_file(path)
        if zipfile.is_zipfile(path) or start[:1] == b"\x80":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of pickles whose form it does not know
                return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, AttributeError, ImportError) as error:
        raise LoupeError(
            f"{path.name} holds more than weights, and reading it would run code.",
            got=str(error).strip().partition("\n")[0][:160],
            allowed="tensors and plain values; nothing else is unpickled",
            next_step="where you trust the file: save its state_dict() again, best as .safetensors",
        ) from None
    except (SafetensorError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise LoupeError(
            f"{path.name} cannot be read.",
            got=str(error).partition("\n")[0][:160] or type(error).__name__,
            allowed="a whole .safetensors or torch file",
            next_step="fetch the file again",
        ) from None
    raise LoupeError(
        f"{path.name} is no file with weights.",
        got="neither safetensors nor a torch file",
        allowed=".safetensors, .pt, .pth, .bin",
        next_step="convert it: safetensors.torch.save_file(model.state_dict(), …)",
    )


def _refuse_own(path: Path) -> None:
    """Check that a file is no run's own: of a run it is known which images the weights have seen."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
    if "loupe" in metadata:
        raise LoupeError(
            f"{path.name} holds the weights of a run of Loupe's.",
            got="a file that says so, without the run that says which images they have seen",
            allowed="the run itself",
            next_step="transfer.run = RUN; a run from elsewhere comes as `loupe pack` makes it",
        )


def _find_tensors(content: object) -> dict[str, Tensor]:
    """Return the tensors by name that a file's content is, or holds under a usual name."""
    if not isinstance(content, Mapping):
        return {}
    tensors = {str(name): one for name, one in content.items() if isinstance(one, Tensor)}
    if tensors:
        return tensors
    for name in _INSIDE:
        if name in content and (found := _find_tensors(content[name])):
            return found
    return {}
