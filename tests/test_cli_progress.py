"""How far a training is, where the output is no terminal."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

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
    judging = [one for one in said if one.startswith("judging: ")]
    assert bool(judging) == is_told
    if is_told:
        assert {"judging: the best weights", "judging: the report"} < set(judging)
        looks = [one.split(": ")[1] for one in judging if "look " in one]
        assert looks == [f"look {number} of {len(looks)}" for number in range(1, len(looks) + 1)]
        assert any(one.endswith(": Confusion matrix (test)") for one in judging)
        assert lines[0].startswith("epoch 1 of 2")
        assert re.match(r"epoch 2 of 2, 100%, 0 s left; validation loss \d", lines[-1])


def test_a_terminal_shows_what_is_done_and_is_left_clean() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    shown = progress.LiveProgress(console)
    shown.on_judging("the best weights")
    shown.on_judging("look 1 of 1: Sizes [of] images (test)")
    shown._judging.refresh()  # type: ignore[union-attr]
    assert "judging: look 1 of 1: Sizes [of] images (test)" in screen.getvalue()
    shown.close()
    shown.close()
    assert screen.getvalue().endswith("\x1b[2K")  # the line is gone again


def test_warnings_come_before_the_first_step_and_once_for_all_seeds(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    network = (
        "model={name='fast-net', widths=[4, 6]}",
        "train.clean_train_images=0",
        "evaluate.look_inside=false",
    )
    growing = ("train.epochs=2", "train.progressive_resizing={size=6, until_epoch=9}", "data.fraction=0.2")
    overrides = [*network, *growing, "run.seeds=[0, 1]", f"run.folder={tmp_path}"]
    assert main(["train", "digits", *overrides]) == 0
    said = capsys.readouterr().out.splitlines()
    warned = [
        place for place, line in enumerate(said) if line.startswith("warning: No epoch trains on whole")
    ]
    begun = next(place for place, line in enumerate(said) if line.startswith("training "))
    assert [place for place in warned if place < begun] == [0]
    assert len(warned) < 4, "once before, and once with each result at most"
