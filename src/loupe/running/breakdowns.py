"""How a training ended, and in words what broke it off."""

import torch

from loupe.errors import TrainingError
from loupe.recipe import Recipe
from loupe.runs.result import Status


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
    raise ended_by


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
