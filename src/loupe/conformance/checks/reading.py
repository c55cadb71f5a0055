import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from loupe.conformance.report import CheckResult, Verdict
from loupe.conformance.source import Finding, find_faults
from loupe.conformance.subject import Subject, find_file


def check_source(subject: Subject) -> Iterator[CheckResult]:
    """Its own lines are free of what works by luck: dead code, `== None`, writing into a view."""
    name, file = "source code", find_file(subject.layer)
    text = _read(file)
    if file is None or text is None:
        yield CheckResult(name, Verdict.NOT_CHECKED, "there is no file to read it from")
        return
    module = subject.build(subject.kind.probe.arguments)
    names = {made.__name__ for made in type(module).__mro__ if find_file(made) == file}
    if inspect.isfunction(subject.layer):
        names.add(subject.layer.__name__)
    findings: set[Finding] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name in names:
            findings.update(find_faults(node))
    lines = [f"{file.name}, line {finding.line}: {finding.text}" for finding in sorted(findings)]
    yield CheckResult(name, Verdict.FAILED if lines else Verdict.PASSED, "\n".join(lines))


def _read(file: Path | None) -> str | None:
    try:
        return file.read_text(encoding="utf-8") if file else None
    except (OSError, UnicodeDecodeError):
        return None
