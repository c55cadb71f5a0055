"""Every public name has an example that runs."""

from pathlib import Path

import pytest

import loupe

from .pages import DOCS

EXAMPLES = DOCS / "examples"
OF_OTHERS = {"LayerReport": "check_layer", "Tracker": "own-parts", "Run": "train", "Series": "SeriesFolder"}
"""Names whose example is that of another."""

FIRST = ("train", "run_study")
"""What others go on with."""


def test_every_public_name_has_an_example() -> None:
    names = {name for name in loupe.__all__ if name != "__version__" and not name.startswith("register_")}
    assert names - OF_OTHERS.keys() == {path.stem for path in EXAMPLES.glob("*.py")}


@pytest.mark.thorough
def test_every_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names = sorted(path.stem for path in EXAMPLES.glob("*.py"))
    for name in [*FIRST, *(one for one in names if one not in FIRST)]:
        source = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
        exec(compile(source, f"docs/examples/{name}.py", "exec"), {"__name__": "example"})
        assert capsys.readouterr().out.strip(), name
