"""How a training ended, and in words what broke it off."""

import sysconfig
import traceback
from collections.abc import Sequence
from pathlib import Path

import torch

import loupe
from loupe.errors import LoupeError, TrainingError
from loupe.plugins import expand_path
from loupe.recipe import Recipe
from loupe.runs.result import Status

_MODULE_CALL = str(Path("torch", "nn", "modules", "module.py"))
_INSTALLED = (str(Path(loupe.__file__).parent), sysconfig.get_paths()["stdlib"])


def explain_end(recipe: Recipe, ended_by: BaseException | None) -> tuple[Status, TrainingError | None]:
    """Return how a training ended, and what went wrong if it failed.

    Raises:
        BaseException: `ended_by`, if it is no known way for a training to end.
    """
    if ended_by is None:
        return "finished", None
    if isinstance(ended_by, KeyboardInterrupt):
        return "interrupted", None
    if isinstance(ended_by, TrainingError):
        return "failed", ended_by
    if isinstance(ended_by, torch.OutOfMemoryError):
        return "failed", explain_memory(ended_by)
    if isinstance(ended_by, RuntimeError) and recipe.train.compile and is_from_compiler(ended_by):
        return "failed", explain_compiler(ended_by)
    if isinstance(ended_by, Exception) and not isinstance(ended_by, LoupeError):
        failure = explain_own_code(recipe, ended_by)
        if failure is not None:
            return "failed", failure
    raise ended_by


def explain_own_code(recipe: Recipe, error: Exception) -> TrainingError | None:
    """Return what went wrong in a user's own network or plugin, and where; None if it was not there."""
    place = find_own_line(error, [expand_path(plugin) for plugin in recipe.run.plugins])
    if place is None:
        return None
    file, line, function = place
    reason = str(error).partition("\n")[0][:200]
    return TrainingError(
        f"Your own code broke the training off: {type(error).__name__} in {Path(file).name}, line {line}.",
        got=f"{reason or type(error).__name__} ({file}, line {line}, in {function})",
        allowed="a network that computes on every batch, in training and in evaluation mode",
        next_step="mend it there, and train anew: a changed plugin is another network",
    )


def find_own_line(error: BaseException, plugins: Sequence[Path]) -> tuple[str, int, str] | None:
    """Return file, line and function of the last place of a user's own that an error came through.

    A user's own are plugins, and whatever a torch module called that belongs to no installed package.
    """
    found, is_inside = None, False
    named = {str(plugin) for plugin in plugins}
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        is_inside |= file.endswith(_MODULE_CALL)
        if file in named or (is_inside and not file.startswith("<") and not _is_installed(file)):
            found = file, line, frame.f_code.co_name
    return found


def _is_installed(file: str) -> bool:
    return file.startswith(_INSTALLED) or "site-packages" in file or "dist-packages" in file


def is_from_compiler(error: Exception) -> bool:
    """Return whether torch.compile raised an error, not the network it compiles."""
    return type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))


def explain_compiler(error: Exception) -> TrainingError:
    """Return what to do where torch.compile does not work."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return TrainingError(
        "torch.compile could not compile this network here.",
        got=f"{type(error).__name__}: {lines[0][:160]}" if lines else type(error).__name__,
        allowed="a machine with a C++ compiler, and a network torch.compile understands",
        next_step="set train.compile=false",
    )


def explain_memory(error: torch.OutOfMemoryError) -> TrainingError:
    """Return what to do about a device whose memory does not suffice."""
    return TrainingError(
        "The device has not enough memory for this training.",
        got=str(error).partition("\n")[0][:160],
        allowed="batches that fit beside the network",
        next_step="make train.batch_size or evaluate.batch_size smaller",
    )
