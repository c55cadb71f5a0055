"""A finished run's files are what they were, or every reader says that they are not."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import loupe
from loupe.errors import RunError
from loupe.runs import RunFolder, load_model
from loupe.runs.evidence import read_digests
from loupe.using.verify_run import verify
from tests.quick_runs import StopAfter, Train


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)


READERS: dict[str, Callable[[RunFolder], object]] = {
    "recipe.toml": RunFolder.read_recipe,
    "environment.json": RunFolder.read_environment,
    "history.csv": RunFolder.read_history,
    "result.json": RunFolder.read_result,
    "best.safetensors": load_model,
    "images.npz": RunFolder.read_images,
    "predictions.npz": RunFolder.read_predictions,
    "evaluations.json": RunFolder.read_evaluations,
    "evaluations.npz": RunFolder.read_evaluations,
    "last/checkpoint.safetensors": RunFolder.read_snapshot,
    "test_openings.jsonl": RunFolder.read_openings,
}


def test_a_flipped_bit_is_found_by_whoever_reads(train: Train) -> None:
    run = train()
    digests = read_digests(run.path)
    assert digests is not None
    assert {*READERS, "report.html", "log.txt"} == set(digests)
    for name, read in READERS.items():
        file = run.path / name
        before = file.read_bytes()
        read(run)
        flip(file)
        with pytest.raises(RunError, match=r"was altered or damaged after the run ended") as caught:
            read(run)
        assert str(file) in caught.value.message
        file.write_bytes(before)
        read(run)


def test_lines_may_come_to_a_log_and_none_may_go(train: Train) -> None:
    run = train()
    run.log("looked at by somebody")
    run.openings_file.write_text(run.openings_file.read_text() + '{"reason": "again", "at": "2026"}\n')
    assert len(run.read_openings()) == 2
    run.openings_file.write_text("")
    with pytest.raises(RunError, match="was altered"):
        run.read_openings()


def test_a_missing_record_of_looks_is_not_none(train: Train) -> None:
    run = train()
    assert run.count_openings() == 1
    run.openings_file.unlink()
    assert run.count_openings() is None
    locked = train("evaluate.test=false")
    assert locked.count_openings() == 0


def test_altered_weights_of_a_finished_run_are_written_anew_by_resume(train: Train) -> None:
    run = train()
    before = run.best_file.read_bytes()
    flip(run.best_file)
    assert not run.is_finished()
    loupe.resume(run.path)
    assert run.best_file.read_bytes() == before
    assert run.is_finished()


@pytest.mark.thorough
def test_a_run_that_an_earlier_version_began_gets_its_record(train: Train) -> None:
    run = train(observers=[StopAfter(1, KeyboardInterrupt())])
    for file in (run.images_file, run.openings_file, run.digests_file):
        file.unlink()
    loupe.resume(run.path)
    record = run.read_images()
    assert record is not None
    assert len(record.train) == 371
    assert run.count_openings() == 1


@pytest.mark.parametrize("harm", ["gone", "empty", "another form", "a file outside"])
def test_a_run_that_ended_has_its_digests_or_is_no_evidence(train: Train, harm: str) -> None:
    """Without them an edited accuracy of 750 % stood in lists, studies and searches."""
    run = train()
    values = json.loads(run.digests_file.read_text())
    if harm == "gone":
        run.digests_file.unlink()
    else:
        changes = {
            "empty": {"files": {}},
            "another form": {"form": 99},
            "a file outside": {"files": {**values["files"], "../../x": values["files"]["recipe.toml"]}},
        }
        run.digests_file.write_text(json.dumps({**values, **changes[harm]}))
    result = json.loads(run.result_file.read_text())
    result["best"]["test"]["accuracy"] = 7.5
    run.result_file.write_text(json.dumps(result))
    for read in (run.read_result, run.read_recipe, run.read_environment, run.read_predictions):
        with pytest.raises(RunError):
            read()
    assert not verify(run.path)[0].is_sound
