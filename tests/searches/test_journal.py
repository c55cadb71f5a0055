"""A journal is read back after a power cut, and refused where it is damaged."""

from pathlib import Path

import pytest

from loupe.errors import RunError
from loupe.searches.folder import SearchFolder
from loupe.searches.trials import Trials

from .conftest import make_search


def open_trials(out: Path) -> Trials:
    folder = SearchFolder(out / "small")
    folder.path.mkdir(exist_ok=True)
    return Trials(make_search(), folder, 3)


def ask(trials: Trials, times: int) -> list[object]:
    asked = [trials.ask() for _ in range(times)]
    return [settings for one in asked if one is not None for settings in [one[1]]]


def test_a_line_that_a_power_cut_tore_is_taken_off(tmp_path: Path) -> None:
    whole = ask(open_trials(tmp_path), 2)
    journal = SearchFolder(tmp_path / "small").journal_file
    lines = journal.read_bytes().splitlines(keepends=True)
    for _ in range(2):  # what follows the torn line has to be readable, too
        with journal.open("ab") as file:
            file.write(lines[-1][:20])
        assert len(open_trials(tmp_path).all) == 2
    trials = open_trials(tmp_path)
    assert [settings for _, settings in trials.resume()] == whole
    assert len(ask(trials, 1)) == 1
    assert len(open_trials(tmp_path).all) == 3


@pytest.mark.parametrize("damage", [b"rubbish{\n", b"[1]\n", b"\xff\xfe\n"])
def test_a_damaged_journal_is_refused_with_the_line(tmp_path: Path, damage: bytes) -> None:
    ask(open_trials(tmp_path), 1)
    journal = SearchFolder(tmp_path / "small").journal_file
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:3], damage, *lines[3:]]))
    with pytest.raises(RunError, match=r"journal\.log is damaged") as caught:
        open_trials(tmp_path)
    assert "delete the lines from 4 on" in str(caught.value)
    journal.write_bytes(b"".join(lines[:3]))
    open_trials(tmp_path)
