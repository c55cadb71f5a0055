"""The table of all ways in `docs/evidence.md`, held to the tests that it names."""

import re
from pathlib import Path


def test_every_way_in_the_table_is_held_by_a_test() -> None:
    root = Path(__file__).parents[2]
    text = (root / "docs/evidence.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    ways = [row for row in rows if "::" in row[2]]
    assert len(ways) >= 30
    for way, outcome, held_by in ways:
        assert re.match("counted|said|refused|impossible|not seen", outcome), way
        for file, name in re.findall(r"`([\w/]+\.py)::(\w+)`", held_by):
            assert f"def {name}(" in (root / "tests" / file).read_text(encoding="utf-8"), f"{way}: no {name}"
