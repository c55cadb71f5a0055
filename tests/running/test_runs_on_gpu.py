"""What a GPU does as a CPU does it; `LOUPE_TEST_DEVICE=cpu pytest -m gpu` carries the same out on a CPU."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import loupe
from loupe.runs import RunFolder
from loupe.studies.loading import load_study
from loupe.studies.run import run_study
from tests.quick_runs import StopAfter, Train

DEVICE = os.environ.get("LOUPE_TEST_DEVICE", "cuda")

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch"),  # the compiler's own
    pytest.mark.skipif(DEVICE == "cuda" and not torch.cuda.is_available(), reason="no CUDA device"),
]


def differ_by(path: Path, other: Path) -> float:
    """Return the largest difference of two files of weights, relative to the largest weight."""
    ours, theirs = load_file(path), load_file(other)
    scale = max(float(one.abs().max()) for one in ours.values())
    return max(float((ours[name] - theirs[name]).abs().max()) for name in ours) / scale


def test_digits_are_learnt(tmp_path: Path) -> None:
    run = loupe.train(
        "digits", f"run.device={DEVICE}", f"run.folder={tmp_path}", "evaluate.look_inside=false"
    )
    result = run.read_result()
    assert result is not None
    assert result.best is not None
    assert result.best.test.accuracy > 0.97
    assert run.report_file.is_file()


def test_float32_is_what_a_cpu_gives_up_to_rounding(train: Train) -> None:
    settings = ("train.precision=float32", "train.epochs=1", "data.augment=[]")
    there = train(f"run.device={DEVICE}", *settings)
    here = train("run.device=cpu", *settings)
    assert differ_by(there.best_file, here.best_file) < 1e-2


def test_auto_is_half_precision_where_there_are_units(train: Train) -> None:
    environment = train(f"run.device={DEVICE}").read_environment()
    has_units = DEVICE != "cpu" and torch.cuda.is_bf16_supported()
    assert environment["precision"] == ("bfloat16" if has_units else "float32")


def test_a_run_goes_on_where_it_was_interrupted(train: Train, tmp_path: Path) -> None:
    whole = train(f"run.device={DEVICE}", "name=whole")
    with pytest.raises(SystemError):
        train(f"run.device={DEVICE}", "name=broken", observers=[StopAfter(1, SystemError("killed"))])
    (broken,) = (tmp_path / "runs").glob("*broken*")
    resumed = loupe.resume(broken)
    assert len(resumed.read_history()) == len(whole.read_history())
    assert differ_by(resumed.best_file, whole.best_file) < 1e-2


@pytest.mark.parametrize(
    "settings",
    [
        ("model=cnn", "model.conv_layers=4", "train.channels_last=auto"),
        (
            "model=fast-net",
            "model.widths=[8, 16]",
            "train.optimizer=muon",
            "train.optimizer.learning_rate=0.01",
        ),
        ("train.average_decay=0.9", "train.clip_norm=1.0"),
        ("train.compile=true", "train.epochs=1"),
    ],
    ids=["layout", "muon", "average", "compiled"],
)
def test_what_speeds_up_or_steadies_works(train: Train, settings: tuple[str, ...]) -> None:
    run = train(f"run.device={DEVICE}", "data.augment=[]", "model.width=none", *settings)
    result = run.read_result()
    assert result is not None
    assert result.status == "finished"


def test_seeds_train_together(tmp_path: Path) -> None:
    description = {
        "name": "seeds",
        "recipe": "digits",
        "seeds": [0, 1, 2],
        "set": {
            "model": {"name": "mlp"},
            "train": {"epochs": 1},
            "data": {"augment": []},
            "run": {"device": DEVICE},
        },
    }
    analysis = run_study(load_study(description), tmp_path, engine="together", workers=1)
    assert not analysis.failed


def test_a_network_is_explained_and_exported(train: Train, tmp_path: Path) -> None:
    run = train(f"run.device={DEVICE}", "model=cnn", "model.conv_layers=4", "model.width=none")
    exported = loupe.export_run(run.path, "torch", tmp_path)
    assert exported.parity is not None
    assert exported.parity.num_other_answers == 0
    assert isinstance(run, RunFolder)
