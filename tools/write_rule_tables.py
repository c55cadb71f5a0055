"""Write the tables of docs/lint.md and docs/pitfalls.md from what is registered; a test holds them to it.

usage: python tools/write_rule_tables.py
"""

import re
from pathlib import Path

from loupe.linting import RULES
from loupe.pitfalls import PITFALLS

DOCS = Path(__file__).resolve().parent.parent / "docs"


def write_rules(reads: str) -> str:
    """Return the table of rules that read scripts, or recipes."""
    rows = [
        f"| `{name}` | {facts['source']} | {RULES.summary(name)} |"
        for name in RULES
        if (facts := RULES.facts(name))["reads"] == reads
    ]
    return "\n".join(["| rule | source | finds |", "|---|---|---|", *rows])


def write_pitfalls() -> str:
    """Return the table of pitfalls."""
    rows = []
    for name in PITFALLS:
        facts = PITFALLS.facts(name)
        found_by = ", ".join(f"`{one}`" for one in facts["lint"]) or "`loupe audit`"
        rows.append(f"| `{name}` | {PITFALLS.summary(name)} | {facts['tell_tale']} | {found_by} |")
    return "\n".join(["| pitfall | mistake | what gives it away | found by |", "|---|---|---|---|", *rows])


TABLES = {
    ("lint.md", "scripts"): lambda: write_rules("scripts and notebooks"),
    ("lint.md", "recipes"): lambda: write_rules("recipes and runs"),
    ("pitfalls.md", "pitfalls"): write_pitfalls,
}


def fill(text: str, name: str, table: str) -> str:
    """Return a page with a table between its marks."""
    begin, end = f"<!-- {name}: tools/write_rule_tables.py -->", f"<!-- end of {name} -->"
    pattern = re.escape(begin) + r".*?" + re.escape(end)
    filled, count = re.subn(pattern, lambda _: f"{begin}\n\n{table}\n\n{end}", text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{count} places for {name}")
    return filled


def main() -> None:
    for (page, name), make in TABLES.items():
        file = DOCS / page
        file.write_text(fill(file.read_text(encoding="utf-8"), name, make()), encoding="utf-8")


if __name__ == "__main__":
    main()
