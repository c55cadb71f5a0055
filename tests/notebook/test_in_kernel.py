"""A real notebook in a real kernel: figures are pictures, a run shows itself, one line trains."""

from pathlib import Path

import pytest

from tests.quick_runs import QUICK

pytestmark = pytest.mark.thorough

CELLS = [
    "%load_ext loupe\nimport loupe",
    f"run = %loupe digits {' '.join(one for one in QUICK)} train.epochs=2\nrun",
    "run.plot_curves()",
    "loupe.show('digits')",
    "%%loupe "
    + " ".join(QUICK)
    + " train.epochs=1\n[model]\nname = 'cnn'\nconv_layers = 4\n[data]\nname = 'digits'",
]


@pytest.mark.filterwarnings("ignore")
def test_a_notebook_trains_draws_and_shows(tmp_path: Path) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    run = nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    run.execute()
    shown = [
        {kind for output in cell["outputs"] for kind in output.get("data", {})} for cell in notebook.cells
    ]
    assert "text/html" in shown[1], "the run shows itself"
    assert "image/png" in shown[2], "a figure is a picture"
    assert "text/html" in shown[3]
    assert "text/html" in shown[4]
    said = "".join(output.get("text", "") for output in notebook.cells[1]["outputs"])
    assert "epoch 2/2" in said, "progress is seen"
