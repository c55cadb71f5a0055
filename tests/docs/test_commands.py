"""What pages say of commands and files, held against the code without running it."""

import shlex
from pathlib import Path

import pytest

from loupe.cli import app

from .pages import DOCS, ROOT, read_blocks, read_commands

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(DOCS.glob("*.md")),
    *sorted(DOCS.glob("*/*.md")),
]


def list_commands(page: Path) -> list[tuple[str, list[str]]]:
    """Return the commands of `loupe` on a page, each with its place."""
    found = []
    for block in read_blocks(page):
        if block.language in ("bash", "console", "sh"):
            for line in read_commands(block):
                words = shlex.split(line)
                if words and words[0] == "loupe" and "…" not in line and "…" not in words:
                    found.append((f"{page.name}:{block.line}: {line}", words[1:]))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_verb_and_option_on_a_page_is_known(page: Path) -> None:
    for place, words in list_commands(page):
        if page.parent.name == "reference":
            continue
        try:
            app.parse_args(words, exit_on_error=False, print_error=False)
        except Exception as error:
            pytest.fail(f"{place}: {error}")
