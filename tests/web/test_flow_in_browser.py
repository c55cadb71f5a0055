"""The network as one picture and the course, in Debian's Chromium: by mouse and by keys."""

from pathlib import Path
from typing import Any

import pytest

from .browsing import CHROMIUM, wait_until
from .conftest import Runs

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt install chromium"),
]


def test_a_station_opens_its_layers(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-2")
    station = page.get_by_role("button", name="conv2 conv 5 × 5 24 × 8 × 8", exact=True)
    station.wait_for()
    assert page.locator('.flow [aria-pressed="true"]').count() == 0  # the softmax holds no layer
    station.click()
    page.locator("#part-layer h2", has_text="conv2").wait_for()
    assert station.get_attribute("aria-pressed") == "true"
    assert "7,224 parameters" in page.locator(".flow-told").inner_text()
    station.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator("#part-layer h2", has_text="pool2").wait_for()
    page.locator(".flow-told").get_by_role("button", name="relu2").click()
    page.locator("#part-layer h2", has_text="relu2").wait_for()
    pool = page.get_by_role("button", name="pool2 max pool 2 × 2, ReLU 24 × 4 × 4", exact=True)
    assert pool.get_attribute("aria-pressed") == "true"


def test_it_can_be_made_larger_and_scrolls_by_itself(page: Any, address: str, runs: Runs) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-2")
    drawing = page.locator(".flow > svg")
    drawing.wait_for()
    before = drawing.bounding_box()["width"]
    page.get_by_role("button", name="Larger").click()
    assert drawing.bounding_box()["width"] == pytest.approx(1.4 * before, rel=0.01)
    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]
    page.get_by_role("button", name="The whole width").click()
    assert drawing.bounding_box()["width"] < 400


def test_softmax_leads_to_its_lesson(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-2")
    page.locator(".flow-station.softmax").click()
    page.locator('.lesson[data-shown="softmax"]').wait_for()


def test_the_course_leads_into_ones_own_runs(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/course")
    page.locator(".course > li").first.wait_for()
    assert page.locator(".course > li").count() == 12
    page.get_by_text("once there is a run called first").first.wait_for()
    assert page.locator('.course a[href="#/playground"]').count() == 1
    answer = page.locator(".course details").first
    assert not answer.locator("p").is_visible()
    answer.locator("summary").click()
    assert answer.locator("p").is_visible()


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not there: npm ci (make test does it)")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(browser: Any, address: str, runs: Runs, theme: str) -> None:
    context = browser.new_context(color_scheme=theme, bypass_csp=True)
    one = context.new_page()
    for path, there in (
        (f"inside/{runs.good}?image=validation-2", ".flow > svg"),
        ("course", ".course > li"),
    ):
        one.goto(f"{address}/#/{path}")
        one.locator(there).first.wait_for()
        wait_until(one, "() => !document.querySelector('[aria-busy]')")
        one.evaluate(AXE.read_text(encoding="utf-8"))
        violations = one.evaluate("async () => (await axe.run()).violations")
        assert [(each["id"], each["nodes"][0]["html"][:200]) for each in violations] == []
    context.close()
