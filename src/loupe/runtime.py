"""Where a run computes and where its random numbers come from.

One seed becomes many named, independent generators: `Streams(7).generator("augment", epoch=3)` is
the same on every call and knows nothing of any other stream. Because each epoch has streams of its
own, a run resumed at an epoch draws exactly what the uninterrupted run would have drawn, and no
generator state has to be saved.
"""

import contextlib
import ctypes
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import torch

from loupe.errors import LoupeError
from loupe.wording import count_of

_deterministic: Any = torch.utils.deterministic  # its attributes are set up in ways the stubs do not show
_COMPILER_MARK = "__dynamo_disable"  # where torch keeps in a function what is called in its place


@dataclass(frozen=True)
class Streams:
    """Independent random-number streams grown from one seed (any whole number ≥ 0)."""

    seed: int

    def seed_of(self, name: str, epoch: int = 0) -> int:
        """Return the 63-bit seed of a stream: a digest of the run's seed, the name and the epoch."""
        digest = hashlib.sha256(f"loupe {self.seed} {name} {epoch}".encode()).digest()
        return int.from_bytes(digest[:8], "little") >> 1

    def generator(self, name: str, epoch: int = 0, device: torch.device | str = "cpu") -> torch.Generator:
        """Return a fresh generator at the start of the stream `name` of one epoch."""
        return torch.Generator(device).manual_seed(self.seed_of(name, epoch))

    @contextmanager
    def as_global(self, name: str, epoch: int = 0, device: torch.device | str = "cpu") -> Iterator[None]:
        """Make a stream torch's global one inside the `with` block, and put the old one back.

        For what draws from the global generator and takes no other: initialisation, dropout.
        """
        seed, kind = self.seed_of(name, epoch), torch.device(device).type
        of_mps = torch.mps.get_rng_state() if kind == "mps" else None
        with torch.random.fork_rng(devices=[device] if kind == "cuda" else []):
            torch.default_generator.manual_seed(seed)  # torch.manual_seed would touch every device
            if kind == "cuda":
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(seed)
            elif kind == "mps":
                torch.mps.manual_seed(seed)
            try:
                yield
            finally:
                if of_mps is not None:
                    torch.mps.set_rng_state(of_mps)


Precision = Literal["float32", "bfloat16"]
"""What a network computes in; weights, losses and optimizer stay float32 either way."""


def choose_precision(
    wanted: Literal["auto", "float32", "bfloat16", "fast"], device: torch.device
) -> Precision:
    """Return what to compute in.

    Args:
        wanted: "auto" is bfloat16 on a GPU with units for it, else float32; "fast" is bfloat16 on a CPU with
            units for it as well.
        device: to compute on.
    """
    if wanted in ("float32", "bfloat16"):
        return wanted
    has_units = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
    if wanted == "fast":
        has_units |= device.type == "cpu" and has_bfloat16_units()
    return "bfloat16" if has_units else "float32"


def has_bfloat16_units() -> bool:
    """Return whether this CPU multiplies bfloat16 itself (AVX512-BF16 or AMX); elsewhere it would be slow."""
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")  # torch has no public way to ask
    return any(getattr(torch.cpu, name, bool)() for name in asked)


def casting(device: torch.device, precision: Precision) -> AbstractContextManager[Any]:
    """Return a block in which torch computes convolutions and matrix products in `precision`."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def choose_device(name: str = "auto") -> torch.device:
    """Return the torch device to compute on.

    Args:
        name: "auto" (CUDA if there is one, then Apple's MPS, else the CPU) or a torch device name.

    Raises:
        LoupeError: the device is unknown or not present on this machine.
    """
    present = ["cpu"]
    if torch.cuda.is_available():
        present += ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        present.append("mps")
    if name == "auto":
        return torch.device(next((best for best in ("cuda", "mps") if best in present), "cpu"))
    if name not in present:
        raise LoupeError(
            f"This machine has no device {name!r}.",
            got=name,
            allowed=", ".join(["auto", *present]),
            next_step="run with run.device=auto",
        )
    return torch.device(name)


def describe_device(device: torch.device) -> str:
    """Return the device for people to read: a GPU's name and memory in GiB, a CPU's number of threads."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
    if device.type == "cpu":
        return f"CPU, {count_of(torch.get_num_threads(), 'thread')}"
    return device.type


def count_cores() -> int:
    """Return the CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def find_free_memory() -> float:
    """Return the memory that is free for new processes, in bytes; infinite where that is not known."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return float("inf")


@lru_cache(maxsize=1)
def measure_memory() -> float:
    """Return the memory of this machine, or of the group of processes it is limited to, in bytes.

    Infinite where that is not known.
    """
    limits = [float("inf")]
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        limits.append(next(1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemTotal:")))
    with contextlib.suppress(OSError, ValueError, AttributeError):  # not on Windows
        limits.append(float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")))
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # "max" is no number
            limits.append(float(Path(file).read_text(encoding="ascii")))
    return min(limits)


@contextmanager
def computing(threads: int | None = None) -> Iterator[None]:
    """Compute reproducibly inside the block, with a stated number of CPU threads.

    Args:
        threads: CPU threads of one operation, ≥ 1; None leaves torch's own choice.
    """
    before = torch.get_num_threads()
    was_deterministic = torch.are_deterministic_algorithms_enabled()
    was_warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    was_filling = _deterministic.fill_uninitialized_memory
    try:
        if threads is not None:
            torch.set_num_threads(threads)
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # matrix products that repeat on CUDA
        use_deterministic_algorithms(True, warn_only=True)
        # filling fresh memory costs time and changes no result: nothing here reads it before writing
        _deterministic.fill_uninitialized_memory = False
        with keeping_freed_memory():
            yield
    finally:
        use_deterministic_algorithms(was_deterministic, warn_only=was_warn_only)
        _deterministic.fill_uninitialized_memory = was_filling
        torch.set_num_threads(before)


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Do what torch's function of this name does, and leave the compiler alone where nobody has loaded it.

    Torch's imports `torch._inductor` for one of its settings, which takes as long as `import torch`. Who is
    going to compile calls `tell_compiler`.
    """
    if "torch._inductor" in sys.modules:
        torch.use_deterministic_algorithms(mode, warn_only=warn_only)
    else:
        torch.set_deterministic_debug_mode(("warn" if warn_only else "error") if mode else "default")


def tell_compiler() -> None:
    """Load torch's compiler, and have it choose deterministic algorithms where all else does."""
    mode = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(mode, warn_only=torch.is_deterministic_algorithms_warn_only_enabled())


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Compute on one CPU thread inside the block, for many operations on little, such as resampled answers.

    Threads wait for one another after each operation. Beside another training, which holds their cores, that
    takes milliseconds each time: comparing two runs of digits took 29 s with two threads, 5 to 6 s with one.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # glibc's names for its settings
_USUAL_TRIM_BYTES, _USUAL_NUM_MMAPS = 128 * 1024, 65_536


@contextmanager
def keeping_freed_memory() -> Iterator[None]:
    """Keep freed memory in this process inside the block, to be used again; give it back afterwards.

    The maps of a step are as large as those of the step before. Usually glibc returns each to the system when
    it is freed, and the system clears it, page by page, when it is asked for again: a quarter of fast-net's
    time on two cores (`bench/kept_memory.py`). Elsewhere than on Linux with glibc this does nothing.

    Freed pieces do not always fit what is asked for next, so that they pile up: call `release_freed_memory`
    now and then, as training does after every epoch.
    """
    glibc = _find_glibc()
    if glibc is None:
        yield
        return
    glibc.mallopt(_MMAP_MAX, 0)
    glibc.mallopt(_TRIM_THRESHOLD, -1)  # never
    try:
        yield
    finally:
        glibc.mallopt(_MMAP_MAX, _USUAL_NUM_MMAPS)
        glibc.mallopt(_TRIM_THRESHOLD, _USUAL_TRIM_BYTES)
        release_freed_memory()


def release_freed_memory() -> None:
    """Give memory that is free in this process back to the system, if the C library can."""
    glibc = _find_glibc()
    if glibc is not None:
        glibc.malloc_trim(0)


@lru_cache(maxsize=1)
def _find_glibc() -> ctypes.CDLL | None:
    """Return the C library of this process, if it is one whose memory can be tuned."""
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):  # TypeError: Windows
        return None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None


@contextmanager
def without_loading_compiler(*functions: Callable[..., Any]) -> Iterator[None]:
    """Have functions that torch keeps from its compiler called as they are inside the `with` block.

    `torch._disable_dynamo` imports `torch._dynamo`, which takes about as long as `import torch`, when such a
    function is called first. Where nothing is compiled, there is nothing to keep it from. In a process that
    has imported the compiler, and for functions that are kept from it in another way, nothing changes.

    Args:
        functions: such as `torch.optim.Optimizer.add_param_group`.
    """
    marked = []
    if "torch._dynamo" not in sys.modules:
        for function in functions:
            plain = getattr(function, "__wrapped__", None)
            if plain is not None and not hasattr(plain, _COMPILER_MARK):
                setattr(plain, _COMPILER_MARK, plain)
                marked.append(plain)
    try:
        yield
    finally:
        for plain in marked:
            delattr(plain, _COMPILER_MARK)
