"""The key to the sources' rows names every row that the repository names."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
KEY = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
FOLDERS = {"src": ("*.py", "*.toml"), "tests": ("*.py",), "bench": ("*.py",), "docs": ("*.md",)}
_OF_SOURCE = re.compile(r"\b([DL]-(?:0\d\d|X))((?:-\d+)?)((?:(?:,| and) -\d+)*)")  # D-004-12, -14
_LISTS = re.compile(
    r"\b[Rr]ows? ([^.;:)(]*)"  # Rows A22, C5-C11
    r"|\brow = \"([A-K]\d+)\""  # a claim's
    r"|\"\"\"([A-K]\d+(?:,? (?:and )?[A-K]\d+)*)(?:[;:,]| and)"  # a test's first words
    r"|\(([A-K]\d+)[,)]"  # (A23, D-003-6)
)
_IN_LIST = re.compile(r"([A-K])(\d+)(?:-\1?(\d+))?")  # C5-C11


def find_rows(text: str) -> Iterator[str]:
    """Yield the ids that a text names: those of a source, and those of lists such as "Rows A22, C5-C11"."""
    for source, number, others in _OF_SOURCE.findall(text):
        yield source + number
        yield from (source + other for other in re.findall(r"-\d+", others))
    for listed in _LISTS.findall(text):
        for family, first, last in _IN_LIST.findall("".join(listed)):
            yield from (f"{family}{number}" for number in range(int(first), int(last or first) + 1))


def read_key() -> set[str]:
    """Return the ids in the first column of the key's tables, ranges written out."""
    rows: set[str] = set()
    for cell in re.findall(r"^\| ([^|]+) \|", KEY, flags=re.MULTILINE):
        ids = re.sub(r"([A-K])(\d+) to \1(\d+)", r"\1\2-\1\3", cell)
        rows.update(find_rows(f"rows {ids}"))
    return rows


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_row_that_is_named_stands_in_the_key(folder: str) -> None:
    files = [file for pattern in FOLDERS[folder] for file in (ROOT / folder).rglob(pattern)]
    assert files
    named = {row: file for file in files for row in find_rows(file.read_text(encoding="utf-8"))}
    known = read_key()
    missing = {row: str(file.relative_to(ROOT)) for row, file in named.items() if row not in known}
    assert not missing, "docs/sources.md wants a line for these"


def test_rows_are_found_in_lists_and_ranges() -> None:
    text = (
        "Rows A22, C5-C7 and D10-12; published .94 (L-004-1). D-004-12, -14 and -15: faults (J6)"
        '\nrow = "K9"\n"""E6, F10: a test."""'
    )
    assert set(find_rows(text)) == {
        *("A22", "C5", "C6", "C7", "D10", "D11", "D12", "K9", "J6", "E6", "F10"),
        *("L-004-1", "D-004-12", "D-004-14", "D-004-15"),
    }
    assert {"A16", "C5", "C6", "C8", "L-004-2", "D-X-1"} <= read_key()
