"""How far a training is, where the output is no terminal."""

import re
from pathlib import Path

import pytest

from loupe.cli import main, progress

QUICK = ("train.epochs=2", "train.clean_train_images=0", "model.width=1", "evaluate.look_inside=false")


@pytest.mark.parametrize(("seconds", "is_told"), [(0.0, True), (3600.0, False)])
def test_a_line_now_and_then_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    seconds: float,
    is_told: bool,
) -> None:
    monkeypatch.setattr(progress, "_QUIET_SECONDS", seconds)
    assert main(["train", "digits", *QUICK, "data.fraction=0.2", f"run.folder={tmp_path}"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert ("trained; now the network is judged, and its report written" in said) == is_told
    assert any(re.fullmatch(r"finished after [\d.]+ s of training", one) for one in said)
    lines = [one for one in said if re.match(r"epoch \d of 2, \d+%, \d+ s left", one)]
    assert bool(lines) == is_told
    if is_told:
        assert lines[0].startswith("epoch 1 of 2")
        assert re.match(r"epoch 2 of 2, 100%, 0 s left; validation loss \d", lines[-1])
