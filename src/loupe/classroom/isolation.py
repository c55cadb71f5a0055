"""A submission graded in a process of its own, which may take so much time and memory and then is ended.

Nothing that comes back is unpickled. The process is forked off a server that has torch loaded and nothing
else (`forkserver`), so that thirty submissions cost thirty forks, not thirty imports; on
Windows it starts anew.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from typing import Any

import torch
from torch import Tensor

from loupe.classroom.answering import Question, Reply, answer_in_child
from loupe.classroom.limits import Limits
from loupe.classroom.rules import Broken
from loupe.data.ledger import VARIABLE

_MOST_REPLY_BYTES = 2**24
_ENVIRONMENT = ("XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME")
_PRELOADED = ("loupe.classroom.answering",)


def name_environment() -> dict[str, str]:
    """Return the variables a process needs that was forked earlier; what it does is no look to be counted."""
    known = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return {**known, VARIABLE: "off"}


def ask(question: Question, limits: Limits, num_images: int, num_classes: int) -> tuple[Reply, Tensor | None]:
    """Return what came of a run, and its logits on the hidden images, (images, classes) float32, if any."""
    context = _find_context()
    ours, theirs = context.Pipe(duplex=False)
    process: Any = context.Process(target=answer_in_child, args=(theirs, question, limits), daemon=True)  # type: ignore[attr-defined]
    process.start()
    theirs.close()
    try:
        return _hear(ours, process, limits, (num_images, num_classes))
    finally:
        ours.close()
        _end_with_all_it_started(process.pid)
        process.kill()
        process.join()
        process.close()


def _hear(
    connection: Connection, process: Any, limits: Limits, shape: Sequence[int]
) -> tuple[Reply, Tensor | None]:
    deadline = time.monotonic() + limits.seconds
    try:
        if not connection.poll(limits.seconds):
            return _refuse(f"took longer than {limits.seconds:g} seconds to be graded"), None
        reply = Reply.from_json(connection.recv_bytes(_MOST_REPLY_BYTES))
        if not connection.poll(max(0.0, deadline - time.monotonic())):
            return _refuse(f"took longer than {limits.seconds:g} seconds to be graded"), None
        content = connection.recv_bytes(_MOST_REPLY_BYTES + 4 * shape[0] * shape[1])
    except (EOFError, OSError, ValueError, TypeError, KeyError, RecursionError):
        process.join(5)
        return _refuse(f"its process ended before it had answered{_describe_end(process.exitcode)}"), None
    if any(one.is_refusing for one in reply.broken):
        return reply, None
    if len(content) != 4 * shape[0] * shape[1]:
        return _refuse("answered with other numbers than were asked for"), None
    return reply, torch.frombuffer(bytearray(content), dtype=torch.float32).view(*shape)


def _end_with_all_it_started(pid: int | None) -> None:
    """End a process and those that it started, which are of its group; not those that left it."""
    if pid is not None and hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _describe_end(status: int | None) -> str:
    if status is None or status >= 0:
        return ""
    names = {-9: ": killed, as for want of memory", -24: ": it took too long", -25: ": it wrote too much"}
    return names.get(status, f" (signal {-status})")


def _refuse(text: str) -> Reply:
    return Reply((Broken("limits", text),))


@cache
def _find_context() -> BaseContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_PRELOADED))
    return context
