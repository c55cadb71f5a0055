"""A journal is read back after a power cut, and refused where it is damaged."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
        mended = open_trials(tmp_path)
        assert len(mended.all) == 2
        assert mended.mended == f"{journal}: a last line that was half written was taken off"
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


Line = dict[str, Any]


def has(name: str) -> Callable[[Line], bool]:
    return lambda line: name in line


def change(where: Callable[[Line], bool], **values: object) -> Callable[[list[Line]], list[Line]]:
    return lambda lines: [{**line, **values} if where(line) else line for line in lines]


def leave_out(where: Callable[[Line], bool]) -> Callable[[list[Line]], list[Line]]:
    return lambda lines: [line for line in lines if not where(line)]


def is_identity(line: Line) -> bool:
    return "identity" in line.get("user_attr", {})


@pytest.mark.parametrize(
    "damage",
    [
        leave_out(is_identity),
        leave_out(lambda line: line["op_code"] == 0),
        leave_out(lambda line: line["op_code"] == 4),
        change(has("param_name"), param_name="train.epochs"),
        change(has("param_name"), param_value_internal="rubbish"),
        change(has("param_name"), param_value_internal=7.0),
        change(has("param_name"), distribution="rubbish"),
        change(has("param_name"), trial_id=77),
        change(lambda line: True, op_code=4),
        change(lambda line: True, op_code=99),
        change(lambda line: True, op_code="0"),
        change(has("datetime_start"), datetime_start="yesterday"),
        change(is_identity, user_attr={"identity": ["x"]}),
        lambda lines: [*lines, {**lines[0], "op_code": 2, "user_attr": {"seconds": "x"}, "study_id": 0}],
        lambda lines: [*lines, {**lines[0], "op_code": 2, "user_attr": {"seconds": -1}, "study_id": 0}],
    ],
)
def test_lines_that_say_something_else_are_refused(
    tmp_path: Path, damage: Callable[[list[Line]], list[Line]]
) -> None:
    ask(open_trials(tmp_path), 2)
    journal = SearchFolder(tmp_path / "small").journal_file
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    journal.write_text("".join(json.dumps(line) + "\n" for line in damage(lines)))
    before = journal.read_bytes()
    with pytest.raises(RunError):
        open_trials(tmp_path).resume()
    assert journal.read_bytes().startswith(before), "what cannot be read is left as it is"


@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "device"])
def test_nothing_but_a_file_is_read(tmp_path: Path, kind: str) -> None:
    ask(open_trials(tmp_path), 1)
    journal = SearchFolder(tmp_path / "small").journal_file
    kept = journal.rename(tmp_path / "kept")
    if kind == "pipe":
        os.mkfifo(journal)
    elif kind == "folder":
        journal.mkdir()
    else:
        journal.symlink_to(kept if kind == "link" else "/dev/zero")
    with pytest.raises(RunError, match=r"journal\.log is missing or damaged"):
        open_trials(tmp_path)


@pytest.mark.thorough
def test_any_cut_of_a_journal_is_gone_on_from_or_refused(tmp_path: Path) -> None:
    whole = ask(open_trials(tmp_path), 3)
    journal = SearchFolder(tmp_path / "small").journal_file
    content = journal.read_bytes()
    for end in range(0, len(content), 97):
        journal.write_bytes(content[:end])
        try:
            trials = open_trials(tmp_path)
            resumed = [settings for _, settings in trials.resume()]
            again = [*resumed, *ask(trials, 3 - len(resumed))]
        except RunError:
            continue
        assert again == whole
