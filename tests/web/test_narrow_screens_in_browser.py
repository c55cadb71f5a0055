"""What Loupe writes, on a telephone: nothing lies on anything else, and what has room is shown whole."""

from pathlib import Path

import pytest

from .browsing import CHROMIUM
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
