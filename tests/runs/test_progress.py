from pathlib import Path

import pytest

from loupe.errors import RunError
from loupe.runs import Progress, RunFolder
from loupe.runs.locking import holding_lock, is_locked


def test_the_part_done_and_the_time_left_follow_from_the_steps() -> None:
    progress = Progress(epoch=3, num_epochs=10, step=5, steps_per_epoch=10, seconds=50.0)
    assert progress.share == pytest.approx(0.25)
    assert progress.seconds_left == pytest.approx(150)


def test_a_training_that_went_on_counts_the_time_since_then() -> None:
    progress = Progress(epoch=6, num_epochs=10, step=0, steps_per_epoch=10, seconds=20.0, first_epoch=5)
    assert progress.share == pytest.approx(0.5)
    assert progress.seconds_left == pytest.approx(100)


def test_before_the_first_step_nothing_is_known() -> None:
    assert Progress(1, 10, 0, 10, 0.1).seconds_left is None


def test_progress_is_read_back_and_what_is_damaged_is_none(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.read_progress() is None
    folder.write_progress(Progress(1, 2, 3, 4, 5.0))
    assert folder.read_progress() == Progress(1, 2, 3, 4, 5.0)
    folder.progress_file.write_text('{"epoch": 1')
    assert folder.read_progress() is None
    folder.clear_progress()
    folder.clear_progress()


def test_a_lock_is_seen_and_asking_for_it_keeps_nobody_out(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert not folder.is_being_trained()
    with folder.locked():
        assert folder.is_being_trained()
        with pytest.raises(RunError, match="another process"), folder.locked():
            pass
    for _ in range(50):
        assert not is_locked(tmp_path / ".lock")
        with holding_lock(tmp_path / ".lock"):
            pass


def test_an_error_inside_the_lock_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError, match="mine"), RunFolder(tmp_path).locked():
        raise BlockingIOError("mine")


def test_what_to_do_about_a_run_without_a_result_is_to_wait_while_it_trains(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(RunError, match=f"next: loupe resume {tmp_path}"):
        folder.require_result()
    with folder.locked(), pytest.raises(RunError, match="next: wait: another process is training it"):
        folder.require_result()
