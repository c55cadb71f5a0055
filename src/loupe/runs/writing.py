"""Files written whole or not at all: to a temporary name first, then renamed into place."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file
from torch import Tensor

_SUFFIX = ".new"


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; put it in place if the block ends well.

    Args:
        path: the file to write; readers see the old one until the new one is whole.
        durable: wait until the disk has it, so that it survives a power cut too.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_SUFFIX)
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        if durable:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that a killed process left below `folder`."""
    for path in folder.rglob(f".*{_SUFFIX}"):
        path.unlink(missing_ok=True)


def is_leftover(path: Path) -> bool:
    """Return whether a file is one that is being written, or was when its process was killed."""
    return path.name.startswith(".") and path.suffix == _SUFFIX


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Write a UTF-8 text file atomically."""
    with replacing(path, durable=durable) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file atomically, indented for people."""
    write_text(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write named tensors as safetensors, atomically, with text metadata in the header."""
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        save_file(whole, temporary, metadata=dict(metadata))


def write_arrays(path: Path, arrays: Mapping[str, Tensor]) -> None:
    """Write named arrays as compressed npz, atomically."""
    values: dict[str, Any] = {name: array.numpy() for name, array in arrays.items()}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **values)


def append_line(path: Path, line: str) -> None:
    """Append a line and wait until the disk has it."""
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())
