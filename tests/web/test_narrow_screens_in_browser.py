"""What Loupe writes, on a telephone: nothing lies on anything else, and what has room is shown whole."""

from pathlib import Path
from typing import Any

import pytest

from loupe.cli import main

from .browsing import CHROMIUM
from .conftest import Runs
from .report_files import KINDS, Visit

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt install chromium"),
]
NARROW = 420

RUN_OVER = """() => {
    for (const one of document.querySelectorAll("details")) one.open = true;
    const found = [];
    for (const cell of document.querySelectorAll(".scroll table:not(.confusion) :is(th, td)")) {
        if (!cell.getClientRects().length || cell.matches(".unseen")) continue;
        const text = document.createRange();
        text.selectNodeContents(cell);
        if (text.getBoundingClientRect().right > cell.getBoundingClientRect().right + 1)
            found.push(cell.textContent.trim());
    }
    return found;
}"""


@pytest.mark.parametrize("kind", KINDS)
def test_no_cell_runs_into_the_next(kind: str, report_files: dict[str, Path], visit: Visit) -> None:
    assert visit(report_files[kind], width=NARROW).evaluate(RUN_OVER) == []


def test_a_matrix_of_short_names_is_seen_whole_and_long_names_are_broken(
    report_files: dict[str, Path], visit: Visit
) -> None:
    page = visit(report_files["weak"], width=NARROW)
    page.locator(".confusion").first.wait_for()
    assert measure_matrix(page)["overflow"] <= 0
    page.evaluate("""() => {
        const names = document.querySelectorAll(".confusion tbody th > span");
        for (const one of names) one.textContent += " long name";
    }""")
    assert 80 < measure_matrix(page)["name"] <= 0.24 * NARROW + 11  # its cell has 10 px at the right


def measure_matrix(page: Any) -> dict[str, float]:
    return page.evaluate("""() => {
        const frame = document.querySelector(".scroll:has(> .confusion)");
        const name = frame.querySelector("tbody th").getBoundingClientRect().width;
        return { overflow: frame.scrollWidth - frame.clientWidth, name };
    }""")


def test_runs_and_a_series_side_by_side_need_no_scrolling(runs: Runs, tmp_path: Path, visit: Visit) -> None:
    file = tmp_path / "comparison.html"
    names = [str(runs.folder / one) for one in (runs.series, runs.good, runs.weak)]
    assert main(["compare", *names, "--out", str(file)]) == 0
    page = visit(file, width=1200)
    assert "std" in page.locator("#figures + .scroll").inner_text()
    assert page.evaluate("""() => {
        const frame = document.querySelector("#figures + .scroll");
        return frame.scrollWidth <= frame.clientWidth;
    }""")


@pytest.mark.parametrize("kind", ["card", "arms", "comparison"])
def test_type_in_pictures_can_be_read(kind: str, report_files: dict[str, Path], visit: Visit) -> None:
    page = visit(report_files[kind], width=NARROW)
    sizes = page.evaluate("""() => [...document.querySelectorAll("figure.figure img")].map((one) => [
        one.getBoundingClientRect().width,
        parseFloat(getComputedStyle(one).getPropertyValue("--readable")),
        one.parentElement.clientWidth,
    ])""")
    assert sizes
    assert all(width == pytest.approx(max(readable, room), abs=1) for width, readable, room in sizes)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
