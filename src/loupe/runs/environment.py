"""Where and with what a run was made."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

import loupe.version
from loupe.runtime import Precision, describe_device

_PACKAGES = ("numpy", "pillow", "pydantic", "safetensors", "matplotlib")


def describe_environment(
    *,
    device: torch.device,
    seed: int,
    data_digests: Mapping[str, str],
    plugins: Mapping[str, str],
    recipe_digest: str,
    precision: Precision = "float32",
    transfer: Mapping[str, str] | None = None,
    processes: int = 1,
) -> dict[str, Any]:
    """Return versions, machine, commit, seed and digests, as plain values.

    Args:
        device: what the run computes on.
        seed: the run's seed.
        data_digests: SHA-256 of each split.
        plugins: SHA-256 of each plugin file.
        recipe_digest: SHA-256 of the resolved recipe.
        precision: what layers compute in.
        transfer: SHA-256 of the weights of the run the network starts from, by that run's folder.
        processes: processes that train together.
    """
    return {
        "loupe": loupe.version.__version__,
        "commit": find_commit(),
        "python": platform.python_version(),
        # torch by its own word, which names the build (2.13.0+cpu); what is installed as 2.13.0 may be any
        "packages": {"torch": str(torch.__version__), **{name: _find_version(name) for name in _PACKAGES}},
        "platform": platform.platform(),
        "device": describe_device(device),
        "cpu_count": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "processes": processes,
        "precision": precision,
        "seed": seed,
        "recipe_digest": recipe_digest,
        "data_digests": dict(data_digests),
        "plugins": dict(plugins),
        "transfer": dict(transfer or {}),
    }


def find_commit() -> str | None:
    """Return the commit Loupe's own source stands at, with "+changes" if files differ; None outside git."""
    source = Path(loupe.version.__file__).parent
    try:
        tracked = _ask_git(source, "ls-files", "--error-unmatch", "__init__.py")
        commit = _ask_git(source, "rev-parse", "HEAD")
        changes = _ask_git(source, "status", "--porcelain", ".")
    except (OSError, subprocess.SubprocessError):
        return None
    return (commit + ("+changes" if changes else "")) if tracked else None


def _ask_git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.strip()


def _find_version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
