"""Errors in a user's own network: a failed run that says where, and a disk that fills up in mid-training."""

import errno
import os
from pathlib import Path

import pytest

import loupe
from loupe.cli import main
from loupe.errors import LoupeError, TrainingError
from loupe.runs import RunFolder, list_run_folders
from loupe.runs.arrays import write_tensors
from tests.quick_runs import QUICK

PLUGIN = """
import torch
from loupe.models import register_model

class Own(torch.nn.Module):
    def __init__(self, in_channels, image_size, num_classes):
        super().__init__()
        self.dense = torch.nn.Linear(in_channels * image_size[0] * image_size[1], num_classes)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, images):
        if self.WHERE:
            self.calls += 1
        if self.calls > 5:
            ERROR
        return self.dense(images.flatten(1))

@register_model("fragile-NAME")
def build_fragile(*, in_channels, image_size, num_classes):
    "A network that breaks."
    return Own(in_channels, image_size, num_classes)
"""


@pytest.mark.parametrize(
    ("where", "error", "kind"),
    [
        ("training", "raise IndexError('list index out of range')", "IndexError"),
        ("training", "images.view(3, 1)", "RuntimeError"),
        ("training", "images.nothing", "AttributeError"),
        ("dense.training is False", "{}['a']", "KeyError"),
    ],
)
def test_an_error_in_forward_is_a_failed_run_with_its_place(
    tmp_path: Path, where: str, error: str, kind: str
) -> None:
    name = f"{kind.casefold()}-{where[:5]}"
    plugin = tmp_path / "own.py"
    plugin.write_text(PLUGIN.replace("WHERE", where).replace("ERROR", error).replace("NAME", name))
    line = next(n for n, text in enumerate(plugin.read_text().splitlines(), 1) if error in text)
    overrides = (
        f"model=fragile-{name}",
        "train.epochs=3",
        f"run.folder={tmp_path / 'runs'}",
        "data.fraction=0.3",
    )
    with pytest.raises(TrainingError) as caught:
        loupe.train("digits", *overrides, "evaluate.look_inside=false", plugins=[str(plugin)])
    assert caught.value.message == f"Your own code broke the training off: {kind} in own.py, line {line}."
    assert str(plugin) in str(caught.value.got)
    (path,) = list_run_folders(tmp_path / "runs")
    result = RunFolder(path).read_result()
    assert result is not None
    assert (result.status, result.reason) == ("failed", caught.value.message)


def test_an_error_of_ours_is_no_fault_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **named: object) -> None:
        raise ZeroDivisionError("a fault of Loupe")

    monkeypatch.setattr("loupe.training.loop.take_snapshot", fail, raising=False)
    monkeypatch.setattr("loupe.runs.recorder.take_snapshot", fail)
    with pytest.raises(ZeroDivisionError):
        loupe.train("digits", *QUICK, f"run.folder={tmp_path}")


def test_a_disk_that_is_full_when_a_checkpoint_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """F2-6: a SafetensorError with its traceback."""
    from safetensors import SafetensorError

    def fill(*arguments: object, **named: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("loupe.runs.arrays.save_file", fill)
    assert main(["train", "digits", *QUICK, f"run.folder={tmp_path}"]) == 1
    error = capsys.readouterr().err
    (path,) = list_run_folders(tmp_path)
    assert error.startswith(f"Error: {os.strerror(errno.ENOSPC)}: the run cannot be written.")
    assert f"`loupe resume {path}` goes on" in error
    monkeypatch.undo()
    assert main(["resume", str(path)]) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("kind", ["device", "pipe", "link", "folder"])
def test_out_replaces_nothing_but_files(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """F2-10: /dev/full was replaced by a regular file."""
    place = Path("/dev/full") if kind == "device" else tmp_path / "out"
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "link":
        place.symlink_to(tmp_path / "elsewhere")
    elif kind == "folder":
        place.mkdir()
    before = place.lstat()
    with pytest.raises(LoupeError, match="a file would replace it"):
        write_tensors(place, {}, {})
    after = place.lstat()
    assert (after.st_mode, after.st_ino, after.st_rdev) == (before.st_mode, before.st_ino, before.st_rdev)
    runs = tmp_path / "runs"
    loupe.train("digits", *QUICK, f"run.folder={runs}")
    (run,) = list_run_folders(runs)
    from PIL import Image

    Image.new("L", (8, 8)).save(tmp_path / "one.png")
    assert main(["predict", str(run), str(tmp_path / "one.png"), "--out", str(place)]) == 1
    assert "a file would replace it" in capsys.readouterr().err
    assert place.lstat().st_mode == before.st_mode
