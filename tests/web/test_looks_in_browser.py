"""How the page looks, in both themes: what axe-core finds, bars as long as their numbers, dark pictures."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .browsing import CHROMIUM, wait_until
from .conftest import Runs, Works
from .report_files import Visit

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt install chromium"),
]


@pytest.fixture(params=["light", "dark"])
def themed(page: Any, request: pytest.FixtureRequest) -> Any:
    page.emulate_media(color_scheme=request.param)
    return page


def list_places(works: Works, runs: Runs) -> dict[str, str]:
    """Return addresses, each with what stands there when it is complete."""
    return {
        "runs": "table.runs tbody tr",
        f"run/{runs.weak}": ".confusion",
        f"run/{runs.autoencoder}": "#reconstructions",
        f"inside/{runs.weak}?image=validation-0&layer=conv1&at=1.2.2": ".equation",
        f"inside/{runs.weak}?image=validation-0&layer=logits&at=1.0.0&lesson=softmax": ".lesson .terms td",
        f"inside/{runs.weak}?image=validation-0&lesson=convolution": ".lesson .equation",
        f"inside/{runs.weak}?image=validation-0&lesson=gradient-descent": ".lesson .curve-dot",
        "playground": ".answer-bars .fill",
        f"data/{runs.weak}": ".bars.balance",
        "api": "details.operation",
        "studies": "ul.works li",
        f"study/{works.study.path.name}": ".chart",
        f"study/{works.grid.path.name}": "figure.figure img",
        f"search/{works.search.path.name}": ".chart",
        f"compare?run={runs.good}&run={runs.weak}": ".chart",
    }


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not there: npm ci (make test does it)")
def test_nothing_is_too_pale_or_without_a_name(themed: Any, works: Works, runs: Runs) -> None:
    found = []
    for place, sign in list_places(works, runs).items():
        themed.goto("about:blank")
        themed.goto(f"{works.address}/#/{place}")
        themed.locator(sign).first.wait_for()
        wait_until(themed, "() => !document.querySelector('[aria-busy]')")
        themed.evaluate(AXE.read_text(encoding="utf-8"))
        violations = themed.evaluate("async () => (await axe.run()).violations")
        found += [
            f"{place}: {one['id']}: {node['html'][:120]}" for one in violations for node in one["nodes"][:3]
        ]
    assert found == []


def test_reports_are_as_readable_as_the_page(themed: Any, works: Works, runs: Runs) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not there: npm ci (make test does it)")
    for path in (
        f"runs/{runs.weak}",
        f"studies/{works.study.path.name}",
        f"searches/{works.search.path.name}",
    ):
        themed.goto(f"{works.address}/api/{path}/report")
        themed.evaluate(AXE.read_text(encoding="utf-8"))
        violations = themed.evaluate("async () => (await axe.run()).violations")
        assert [(one["id"], one["nodes"][0]["html"][:120]) for one in violations] == [], path


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not there: npm ci (make test does it)")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_file_is_as_readable_as_the_page(
    visit: Visit, report_files: dict[str, Path], theme: str
) -> None:
    found = []
    for kind, file in report_files.items():
        shown = visit(file, theme)
        shown.evaluate(AXE.read_text(encoding="utf-8"))
        violations = shown.evaluate("async () => (await axe.run()).violations")
        found += [f"{kind}: {one['id']}: {one['nodes'][0]['html'][:120]}" for one in violations]
        shown.close()
    assert found == []


def test_the_tour_goes_to_what_it_talks_about(page: Any, address: str, runs: Runs) -> None:
    page.set_viewport_size({"width": 900, "height": 700})
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{address}/#/inside/{runs.good}")
    page.locator(".stage").first.wait_for()
    for number in range(2, 6):
        page.locator(".step-buttons button").first.click()  # show me, or next
        page.get_by_text(f"{number} of 5", exact=True).wait_for()
        wait_until(
            page,
            """() => {
                const top = document.querySelector(".part.lit")?.getBoundingClientRect().top;
                const step = document.querySelector(".step").getBoundingClientRect();
                return top >= step.bottom - 1 && top < innerHeight - 80 && step.top >= 0;
            }""",
        )


def test_bars_of_terms_are_as_long_as_their_products(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-0&layer=logits&at=1.0.0")
    page.locator(".terms .term").first.wait_for()
    rows = page.locator(".terms tr").evaluate_all(
        """rows => rows.map(row => [Math.abs(Number(row.cells[5].textContent)),
                                    row.querySelector(".term").getBoundingClientRect().width])"""
    )
    assert len(rows) == 12
    longest = rows[0]
    for product, width in rows:
        assert width == pytest.approx(longest[1] * product / longest[0], abs=1.0)


def measure_brightness(themed: Any, selector: str) -> float:
    """Return the mean brightness, in [0, 255], of an element as it is shown."""
    shot = themed.locator(selector).first.screenshot()
    return float(np.asarray(Image.open(io.BytesIO(shot)).convert("L")).mean())


def test_a_drawing_has_the_colour_of_the_paper(page: Any, works: Works) -> None:
    measured = {}
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.goto(f"{works.address}/")
        page.goto(f"{works.address}/#/study/{works.grid.path.name}")  # drawn anew, not while it is replaced
        page.wait_for_load_state("networkidle")
        page.locator("figure.figure img").first.wait_for()
        wait_until(page, "() => document.querySelector('figure.figure img').complete")
        measured[theme] = measure_brightness(page, "figure.figure img")
    assert measured["light"] > 200
    assert measured["dark"] < 60


def test_a_table_that_goes_on_says_so_and_is_not_squeezed(page: Any, address: str, runs: Runs) -> None:
    page.set_viewport_size({"width": 400, "height": 900})
    page.goto(f"{address}/#/run/{runs.weak}")
    page.get_by_role("heading", name="Which weights the figures belong to").wait_for()
    tables = page.locator(".scroll:has(table)")
    assert any(tables.evaluate_all("all => all.map(one => one.scrollWidth > one.clientWidth)"))
    shades = tables.evaluate_all("all => all.map(one => getComputedStyle(one).backgroundAttachment)")
    assert all("local" in shade for shade in shades)
    first = page.get_by_role("heading", name="Most confused pairs").locator("xpath=..").locator("td").first
    assert first.evaluate("cell => cell.offsetWidth") < 96, "a digit needs no more"
