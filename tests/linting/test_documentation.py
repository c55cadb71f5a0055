"""The tables of rules and pitfalls in the documentation are those of the code."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_SPEC = importlib.util.spec_from_file_location("write_rule_tables", ROOT / "tools" / "write_rule_tables.py")
assert _SPEC is not None
assert _SPEC.loader is not None
tables = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tables)


@pytest.mark.parametrize(("page", "name"), list(tables.TABLES))
def test_a_table_is_what_is_registered(page: str, name: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert tables.fill(text, name, tables.TABLES[page, name]()) == text, "python tools/write_rule_tables.py"


def test_every_code_defect_of_the_key_has_a_rule_or_a_reason() -> None:
    """Of the 49 rows: each is a rule's source, or the page says why no text shows it."""
    text = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
    counts = {"X": 5, "000": 6, "001": 1, "002": 10, "003": 9, "004": 18}
    rows = {f"D-{source}-{number}" for source, count in counts.items() for number in range(1, count + 1)}
    assert len(rows) == 49
    missing = {row for row in rows if not any(part.strip(" ,;.()|") == row for part in text.split())}
    assert not missing
