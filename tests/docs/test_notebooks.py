"""The tutorial notebooks: committed without outputs, linked, and run from first to last in a real kernel."""

import json
from pathlib import Path
from typing import Any

import pytest

from .pages import DOCS

NOTEBOOKS = sorted((DOCS / "tutorials").glob("*.ipynb"))
SHOWN = {
    "notebook-first-experiment": ("Run first-", "figures;", "validation"),
    "notebook-looking-inside": ("Run inside-", "(12, 1, 5, 5)", "inside.html"),
    "notebook-study": ("Series luck-", "mean test accuracy", "True"),
}
"""What has to be read somewhere in the outputs."""
NUM_PICTURES = {"notebook-first-experiment": 2, "notebook-looking-inside": 6, "notebook-study": 2}


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_there_are_three() -> None:
    assert {path.stem for path in NOTEBOOKS} == set(SHOWN)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_holds_no_output(path: Path) -> None:
    notebook = read(path)
    assert path.stat().st_size < 16_000
    identifiers = [cell["id"] for cell in notebook["cells"]]
    assert len(set(identifiers)) == len(identifiers)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_linked_from_the_tutorials(path: Path) -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "tutorials").glob("*.md"))
    assert f"({path.name})" in pages


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs_and_shows_what_the_text_says(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    where = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=where).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    data = [output.get("data", {}) for output in outputs]
    said = "".join(
        [*(output.get("text", "") for output in outputs)]
        + [text for one in data for kind, text in one.items() if kind.startswith("text/")]
    )
    for words in SHOWN[path.stem]:
        assert words in said
    assert "Warning" not in said
    assert sum("image/png" in one for one in data) == NUM_PICTURES[path.stem]
