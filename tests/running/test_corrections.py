"""Runs on corrected images: report, card and result say so, and the run stands without its list."""

from pathlib import Path

import pytest

from loupe.cli import main
from loupe.errors import LoupeError, RunError
from loupe.running.recipe_data import load_run_splits, load_validation_images
from loupe.runs import RunFolder
from loupe.using.verify_run import verify

from ..quick_runs import Train

SAID = "By data.corrections (list.csv): training "


@pytest.fixture
def corrections(tmp_path: Path) -> Path:
    file = tmp_path / "list.csv"
    lines = [f"{index},relabel,{(index + 3) % 10}" for index in range(0, 60, 3)] + ["61,drop,", "62,drop,"]
    file.write_text("\n".join(["index,action,label", *lines, ""]))
    return file


def test_report_result_and_card_say_what_was_corrected(
    train: Train, corrections: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(f"data.corrections={corrections}")
    assert any(one.startswith(SAID) for one in run.read_result().warnings)
    assert SAID in run.report_file.read_text(encoding="utf-8")
    assert main(["data", "digits", f"data.corrections={corrections}", "--out", str(tmp_path)]) == 0
    assert SAID in " ".join(capsys.readouterr().out.split())
    assert SAID in (tmp_path / "digits" / "card.html").read_text(encoding="utf-8")


def test_a_run_stands_without_its_list(train: Train, corrections: Path) -> None:
    run = train(f"data.corrections={corrections}", "data.fraction=1.0")
    assert run.corrections_file.read_text() == corrections.read_text()
    assert "corrections.csv" in run.digests_file.read_text()
    digests = run.read_environment()["data_digests"]
    for change in ("as it was", "gone"):
        if change == "gone":
            corrections.unlink()
        splits = load_run_splits(RunFolder(run.path))
        assert (splits.train.digest, splits.validation.digest) == (digests["train"], digests["validation"])
        assert load_validation_images(run).digest == digests["validation"]


def test_verify_knows_which_labels_were_corrected(train: Train, corrections: Path) -> None:
    run = train(f"data.corrections={corrections}")
    (sound,) = verify(run.path)
    assert sound.is_sound
    corrections.write_text("index,action,label\n0,keep,\n")
    (now,) = verify(run.path)
    assert any("under another class" in one.found for one in now.findings if one.verdict == "altered")


def test_another_list_is_another_run(train: Train, corrections: Path) -> None:
    first, second = train(), train(f"data.corrections={corrections}")
    assert (
        first.read_environment()["data_digests"]["train"]
        != (second.read_environment()["data_digests"]["train"])
    )


def test_a_list_that_is_gone_is_told_before_a_run_is_begun(train: Train, tmp_path: Path) -> None:
    with pytest.raises(LoupeError, match=r"gone\.csv cannot be used") as caught:
        train(f"data.corrections={tmp_path / 'gone.csv'}")
    assert not isinstance(caught.value, RunError)
