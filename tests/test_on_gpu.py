"""The script of everything that waits for a GPU, carried out on a CPU with small settings."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import needs_official_data, official_data

SCRIPT = Path(__file__).parent.parent / "bench" / "on_gpu.py"


def carry_out(out: Path, *words: str, data: str | None = None) -> dict[str, Any]:
    """Run the script, and return what it wrote."""
    call = [sys.executable, str(SCRIPT), "--tiny", "--device", "cpu", "--out", str(out), *words]
    environment = {"LOUPE_DATA": data or str(official_data()), "PATH": "", "HOME": str(out)}
    environment |= {"OMP_NUM_THREADS": "1"}  # other tests run beside
    subprocess.run(call, env=environment, capture_output=True, check=False, timeout=900)
    results: dict[str, Any] = json.loads((out / "results.json").read_text())
    return results


@needs_official_data
@pytest.mark.thorough
def test_a_failed_step_is_told_and_the_next_one_starts(tmp_path: Path) -> None:
    (tmp_path / "no-data").mkdir()
    words = ("--only", "000,exports", "--minutes", "4")
    first, second = carry_out(tmp_path / "out", *words, data=str(tmp_path / "no-data"))["steps"]
    assert (first["state"], second["state"]) == ("failed", "done")
    assert "LOUPE_DATA" in first["reason"] or "cifar" in first["reason"].casefold()
    assert [one["form"] for one in second["results"][1:]] == ["onnx", "torch"]


@needs_official_data
@pytest.mark.thorough
def test_a_training_that_runs_out_of_time_is_told_as_far_as_it_got(tmp_path: Path) -> None:
    (step,) = carry_out(tmp_path, "--only", "002", "--minutes", "0.35")["steps"]
    assert step["state"] in ("out of time", "done")
    assert all(one["status"] in ("interrupted", "finished") for one in step["results"][1:])


@needs_official_data
@pytest.mark.slow
def test_every_step_is_carried_out(tmp_path: Path) -> None:
    steps = carry_out(tmp_path, "--minutes", "12")["steps"]
    assert {step["step"]: step["state"] for step in steps if step["state"] == "failed"} == {}
    assert len(steps) == 11
    told = [one for step in steps for one in step["results"] if "accuracy" in one]
    assert len(told) >= 8, "every training step says what it reached"
