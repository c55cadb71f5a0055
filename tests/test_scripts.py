"""Scripts of tools/ and bench/: they load, and docs hold what they make of the results beside them."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

import loupe
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


@pytest.mark.thorough
def test_the_row_of_finished_runs_is_that_of_their_series(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "bench/packaged_recipes.py"), run_name="looked_at")
    series = loupe.train("digits", "run.seeds=[0, 1]", f"run.folder={tmp_path}")
    summary = json.loads((series.path / "summary.json").read_text())
    seeds = [series.path / "seed-0", series.path / "seed-1"]
    assert script["write_rows"]("digits", script["read_runs"]("digits", seeds)) == script["write_rows"](
        "digits", summary
    )
    (row,) = script["write_rows"]("digits", script["read_runs"]("digits", seeds[:1]))
    best = series.runs[0].read_result().best
    low, high = best.test.interval.low, best.test.interval.high
    assert f"| 1 | {100 * best.test.accuracy:.2f} % | – | {100 * low:.2f} to {100 * high:.2f} % |" in row
    for recipe, places, said in [
        ("fashion-mlp", seeds, "no run of fashion-mlp"),
        ("digits", [*seeds, seeds[0]], "one seed"),
        ("digits", [tmp_path / "nothing"], "nothing"),
    ]:
        with pytest.raises((SystemExit, loupe.LoupeError), match=said):
            script["read_runs"](recipe, places)


CODES = """
name = "codes"
data = { name = "digits", fraction = 0.3, normalize = "unit" }
model = { name = "autoencoder", widths = [8] }
train = { epochs = 1 }
evaluate = { look_inside = false }
"""


@pytest.mark.thorough
def test_the_row_of_one_autoencoder_is_of_its_error_and_of_a_shut_test_set_there_is_none(
    tmp_path: Path,
) -> None:
    script = runpy.run_path(str(ROOT / "bench/packaged_recipes.py"), run_name="looked_at")
    recipe = tmp_path / "codes.toml"
    recipe.write_text(CODES, encoding="utf-8")
    run = loupe.train(str(recipe), f"run.folder={tmp_path}")
    (row,) = script["write_rows"]("codes", script["read_runs"](str(recipe), [run.path]))
    error = run.read_result().best.test.headline
    low, high = error.interval.low, error.interval.high
    assert f"| `codes` | 1 | {error.value:.5f} | – | {low:.5f} to {high:.5f} | " in row
    shut = loupe.train(str(recipe), "evaluate.test=false", f"run.folder={tmp_path}")
    with pytest.raises(SystemExit, match="test set, which was never opened"):
        script["read_runs"](str(recipe), [shut.path])
    series = loupe.train(str(recipe), "evaluate.test=false", "run.seeds=[0, 1]", f"run.folder={tmp_path}")
    summary = json.loads((series.path / "summary.json").read_text(encoding="utf-8"))
    with pytest.raises(SystemExit, match="test set, which was never opened"):
        script["write_rows"]("codes", summary)
    unsure = {"mean": 0.5, "std": None, "interval": None, "num_seeds": 1}
    assert script["write_row"]("x", unsure, 1, 2, "", "1 s") == "| x | 1 | 0.50 | – | – | 1 s |"
