"""What rules say of code, recipes and runs."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from loupe.errors import LoupeError
from loupe.linting.code import Code
from loupe.linting.reading import Source, read_source
from loupe.linting.record import Record
from loupe.linting.registry import RULES
from loupe.linting.violation import Violation

_IGNORED = re.compile(r"#\s*loupe:\s*ignore(?:\[([\w\s,-]*)\])?")


def lint_file(path: str | Path) -> list[Violation]:
    """Return the mistakes in a script or notebook, in the order of its lines; it is read, never run.

    Raises:
        LoupeError: it cannot be read, or is no Python.
    """
    return lint_source(read_source(Path(path)))


def lint_source(source: Source) -> list[Violation]:
    """Return the mistakes in code, in the order of its lines; code that has nothing of torch has none.

    A comment `# loupe: ignore[rule-name]` on its line keeps a mistake quiet, `# loupe: ignore` all of them.

    Raises:
        LoupeError: it is nested too deep.
    """
    try:
        found = sorted(_find_in_code(Code(source)), key=lambda one: (one[0], one[1].rule))
    except RecursionError:
        raise LoupeError(
            f"{source.name} is nested too deep to be read.",
            got="an expression of hundreds of levels",
            allowed="code written by a person",
            next_step="leave it out",
        ) from None
    return [violation for _, violation in found]


def _find_in_code(code: Code) -> Iterator[tuple[int, Violation]]:
    if not code.is_about_networks:
        return
    seen: set[tuple[str, int]] = set()
    for name, facts in _list_rules("scripts and notebooks"):
        for hit in RULES.get(name)(code=code):
            line = _line_of(code, hit.node)
            if (name, line) in seen or _is_ignored(code.comments.get(line, ""), name):
                continue
            seen.add((name, line))
            cell, shown = code.source.place(line)
            why = hit.why or facts["why"]
            yield line, Violation(name, facts["source"], code.source.name, cell, shown, "", why, facts["fix"])


def _line_of(code: Code, node: ast.AST) -> int:
    line = getattr(node, "lineno", None)
    return (
        int(line)
        if line is not None
        else next((int(one.lineno) for one in code.parents(node) if hasattr(one, "lineno")), 1)
    )


def _is_ignored(comment: str, rule: str) -> bool:
    found = _IGNORED.search(comment)
    return found is not None and (found[1] is None or rule in re.split(r"[\s,]+", found[1]))


def lint_record(record: Record) -> list[Violation]:
    """Return the mistakes in a recipe or run."""
    return [
        Violation(
            name, facts["source"], record.name, None, None, hit.where, hit.why or facts["why"], facts["fix"]
        )
        for name, facts in _list_rules("recipes and runs")
        for hit in RULES.get(name)(record=record)
    ]


def _list_rules(reads: str) -> Iterator[tuple[str, dict[str, str]]]:
    for name in RULES:
        facts = RULES.facts(name)
        if facts["reads"] == reads:
            yield name, facts
