"""Runs made bad on purpose, as somebody does who wants to be believed: digests are written anew."""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from loupe.runs import RunFolder
from loupe.runs.evidence import read_digests, renew_digests


def renew(run: RunFolder) -> None:
    """Write the digests of a run anew."""
    digests = read_digests(run.path)
    assert digests is not None
    renew_digests(run.path, [run.path / name for name in digests if not digests[name].may_grow])


def edit_metrics(run: RunFolder) -> None:
    """Let the result claim a better accuracy on validation."""
    values = json.loads(run.result_file.read_text())
    values["best"]["validation"]["accuracy"] = 0.999
    run.result_file.write_text(json.dumps(values))
    renew(run)


def swap_weights(run: RunFolder, other: RunFolder) -> None:
    """Put another network's weights into a run."""
    run.best_file.write_bytes(other.best_file.read_bytes())
    renew(run)


def shake_weights(run: RunFolder, size: float) -> None:
    """Add noise to the weights."""
    with safe_open(run.best_file, framework="pt") as file:
        metadata = file.metadata()
    generator = torch.Generator().manual_seed(0)
    weights = {
        name: tensor + size * tensor.std() * torch.randn(tensor.shape, generator=generator)
        if tensor.is_floating_point() and tensor.numel() > 1
        else tensor
        for name, tensor in load_file(run.best_file).items()
    }
    save_file(weights, run.best_file, metadata=metadata)
    renew(run)


def write_spy(folder: Path) -> Path:
    """Return a plugin that reads files where it is run, and leaves a trace."""
    place = folder / "spy.py"
    place.write_text(
        f'''
from pathlib import Path

import torch

from loupe import register_model

stolen = [file.read_bytes() for file in Path("/etc").glob("host*") if file.is_file()]
with Path({str(folder / "trace.txt")!r}).open("a") as trace:
    trace.write("it ran\\n")


@register_model("spying")
def build_spying(*, in_channels, image_size, num_classes):
    """A linear network."""
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, num_classes))
'''
    )
    return place
