"""A step of an optimizer without torch's compiler, which the first one would load.

`torch.optim` keeps its `step`, `zero_grad` and state from the compiler by functions of `torch._dynamo`, whose
import takes as long as that of torch itself. In a process that has not imported it there is nothing to keep
them from.
"""

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim import optimizer as _hooks

from loupe.runtime import without_loading_compiler


def take_step(optimizer: Optimizer) -> None:
    """Move the weights along their gradients, as `optimizer.step()` does, and forget the gradients.

    Whoever has hooked or replaced the optimizer's `step` is called as usual.
    """
    plain = _find_plain_step(type(optimizer).step)
    if plain is None or "torch._dynamo" in sys.modules or _is_watched(optimizer):
        optimizer.step()
    else:
        with torch.set_grad_enabled(optimizer.defaults["differentiable"]):
            plain(optimizer)
    with without_loading_compiler(Optimizer.zero_grad):
        optimizer.zero_grad(set_to_none=True)


_TORCHS_FILE = Optimizer.profile_hook_step.__code__.co_filename


@cache
def _find_plain_step(step: Any) -> Callable[[Optimizer], Any] | None:
    """Return the step inside torch's own two wrappers, for hooks and against the compiler; None in others."""
    for name in ("wrapper", "_use_grad"):
        code = getattr(step, "__code__", None)
        if code is None or (code.co_filename, code.co_name) != (_TORCHS_FILE, name):
            return None
        step = step.__wrapped__
    plain: Callable[[Optimizer], Any] = step
    return plain


def _is_watched(optimizer: Optimizer) -> bool:
    """Return whether something is to be called before or after a step, or in its place, or measured."""
    return bool(
        "step" in vars(optimizer)
        or torch.autograd.profiler._is_profiler_enabled
        or optimizer._optimizer_step_pre_hooks
        or optimizer._optimizer_step_post_hooks
        or _hooks._global_optimizer_pre_hooks
        or _hooks._global_optimizer_post_hooks
    )
