"""Pages that promise that their commands run: from first to last, in an empty folder."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from loupe.cli import main

from .pages import DOCS, read_blocks, read_commands

PAGES = [*sorted((DOCS / "tutorials").glob("*.md")), DOCS / "own-parts.md"]
QUICK = ("for-a-class", "own-parts")
"""Pages of some ten seconds; the others take a minute each."""


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.thorough if page.stem in QUICK else pytest.mark.slow)
        for page in PAGES
    ],
    ids=lambda page: page.stem,
)
def test_every_command_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = read_blocks(page)
    assert blocks
    for block in blocks:
        if block.file is not None:
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            exec(compile(block.text, f"{page.name}:{block.line}", "exec"), {"__name__": "page"})
        elif block.language == "bash":
            for command in read_commands(block):
                run(command, f"{page.name}:{block.line}", capfd)


def run(command: str, place: str, capfd: pytest.CaptureFixture[str]) -> None:
    program, *arguments = shlex.split(command)
    if program == "loupe":
        status = main(arguments)
    else:
        assert program == "python", f"{place}: {command}"
        status = subprocess.run([sys.executable, *arguments], check=False).returncode
    said = capfd.readouterr()
    assert status == 0, f"{place}: {command}\n{said.out}\n{said.err}"
    assert "Traceback" not in said.err, f"{place}: {command}\n{said.err}"
