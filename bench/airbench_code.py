"""airbench94_muon's own code (K. Jordan, 2024), which is not part of this repository, made ready to be timed.

It is run as it is. Its data are put where it looks for them; torchvision is stood in for where it is missing;
on a CPU, float32 takes the place of float16 and a clock that of CUDA events, and nothing is compiled.
"""

import contextlib
import io
import os
import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from loupe.data import ImageDataset


class Normalize:
    """Stands in for torchvision's transform."""

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        self._mean, self._std = mean.view(-1, 1, 1), std.view(-1, 1, 1)

    def __call__(self, images: Tensor) -> Tensor:
        mean, std = (one.to(images.device, images.dtype) for one in (self._mean, self._std))
        return (images - mean) / std


class Clock:
    """Stands in for a CUDA event: knows when it was recorded."""

    def __init__(self, enable_timing: bool) -> None:
        self._at = 0.0

    def record(self) -> None:
        self._at = time.perf_counter()

    def elapsed_time(self, other: "Clock") -> float:
        """Return milliseconds."""
        return 1000 * (other._at - self._at)


ON_CPU = (
    (".half()", ".float()"),
    ('torch.device("cuda")', '"cpu"'),
    ("@torch.compile", ""),
    ("fused=True", "fused=False"),
    ("X = G.bfloat16()", "X = G.clone()"),
)
"""What a CPU forces, as text and its replacement."""


def stand_in_for_torchvision() -> None:
    """Make `import torchvision` work where it is not installed; its normalisation is all that is used."""
    try:
        import torchvision  # noqa: F401  # only whether it is there
    except (ImportError, RuntimeError):
        package, transforms = types.ModuleType("torchvision"), types.ModuleType("torchvision.transforms")
        transforms.Normalize = Normalize  # type: ignore[attr-defined]  # a stand-in's
        package.transforms = transforms  # type: ignore[attr-defined]  # a stand-in's
        sys.modules.update({"torchvision": package, "torchvision.transforms": transforms})


def load_muon(path: Path, train: ImageDataset, test: ImageDataset) -> Callable[[], tuple[float, float]]:
    """Return what trains one network by the file's own `main`.

    It returns accuracy on test with the file's test-time augmentation, in [0, 1], and the seconds that the
    file itself counts: whitening, training, and the final evaluation.

    Args:
        path: airbench94_muon.py.
        train: the CIFAR-10 training images, all 50,000.
        test: the test images.
    """
    is_on_gpu = torch.cuda.is_available()
    stand_in_for_torchvision()
    source = path.read_text(encoding="utf-8")
    if not is_on_gpu:
        for gpu, cpu in ON_CPU:
            source = source.replace(gpu, cpu)
        torch.cuda.Event = Clock  # type: ignore[assignment,misc]  # a stand-in
        torch.cuda.synchronize = lambda device=None: None
    names: dict[str, Any] = {"__name__": "airbench94_muon"}
    argv, sys.argv = sys.argv, [str(path)]  # it reads its own text
    try:
        exec(compile(source, str(path), "exec"), names)
    finally:
        sys.argv = argv
    folder = tempfile.TemporaryDirectory()
    (Path(folder.name) / "cifar10").mkdir()
    for part, images in (("train", train), ("test", test)):
        content = {"images": images.images.permute(0, 2, 3, 1), "labels": images.labels, "classes": []}
        torch.save(content, Path(folder.name) / "cifar10" / f"{part}.pt")
    model = names["CifarNet"]().to("cuda" if is_on_gpu else "cpu", memory_format=torch.channels_last)
    if is_on_gpu:
        model.compile(mode="max-autotune")
    spent: list[float] = []
    names["print_training_details"] = lambda variables, is_final_entry: spent.append(
        variables["time_seconds"]
    )

    def run() -> tuple[float, float]:
        before = Path.cwd()
        os.chdir(folder.name)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                accuracy = names["main"](0, model)
        finally:
            os.chdir(before)
        return float(accuracy), spent[-1]

    return run
