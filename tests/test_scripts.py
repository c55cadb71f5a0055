"""Scripts of tools/ and bench/: they load, and docs hold what they make of the results beside them."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from loupe.cli import main

from .conftest import needs_official_data

ROOT = Path(__file__).parent.parent
SCRIPTS = [
    f"{place}/{path.name}" for place in ("bench", "tools") for path in sorted((ROOT / place).glob("*.py"))
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_loads(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str((ROOT / script).parent))
    runpy.run_path(str(ROOT / script), run_name="looked_at")


@pytest.fixture
def publishing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """What tools/publish_results.py defines, with docs/ in a folder of the test."""
    script = runpy.run_path(str(ROOT / "tools/publish_results.py"), run_name="looked_at")
    for function in ("publish_studies", "publish_reproduction"):
        monkeypatch.setitem(script[function].__globals__, "DOCS", tmp_path)
    return script


@pytest.mark.thorough
def test_the_answers_in_docs_are_made_of_the_results_beside_them(
    publishing: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "answers").mkdir()
    for file in (ROOT / "docs/answers").glob("*.csv"):
        (tmp_path / "answers" / file.name).write_bytes(file.read_bytes())
    publishing["publish_studies"](tmp_path, [])
    assert (tmp_path / "answers.md").read_text() == (ROOT / "docs/answers.md").read_text()


@needs_official_data
@pytest.mark.thorough
@pytest.mark.parametrize("source", sorted(page.stem for page in (ROOT / "docs/reproduction").glob("*.md")))
def test_the_reproduction_in_docs_is_made_of_the_results_beside_it(
    publishing: dict[str, Any], tmp_path: Path, source: str
) -> None:
    results, page = ROOT / "docs/reproduction" / source, f"{source}.md"
    call = ["reproduce", source, "--known", str(results), "--out", str(tmp_path / "made"), "--only-report"]
    assert main(call) == 0
    (tmp_path / "reproduction").mkdir()
    publishing["publish_reproduction"](tmp_path / "made" / source)
    assert (tmp_path / "reproduction" / page).read_text() == (ROOT / "docs/reproduction" / page).read_text()
