"""The answer of a network with many classes, in Debian's Chromium: what is not asked for is not drawn."""

import json
from typing import Any

import pytest

from .browsing import CHROMIUM, wait_for_answer
from .conftest import Runs

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt install chromium"),
]


def test_classes_beyond_the_first_are_drawn_when_asked_for_forty_at_a_time(
    page: Any, address: str, runs: Runs
) -> None:
    def add_classes(route: Any) -> None:
        response = route.fetch()
        told = response.json()
        shares = {f"kind {number}": (100 - number) / 5050 for number in range(100)}
        told["prediction"]["probabilities"] = shares
        route.fulfill(response=response, body=json.dumps(told))

    page.route("**/inspect", add_classes)
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4")
    wait_for_answer(page, "validation-4")
    names = page.locator("#part-answer .class-name")
    assert names.count() == 5
    page.get_by_text("the other 95 classes", exact=True).click()
    page.get_by_role("button", name="40 more of 55", exact=True).wait_for()
    assert names.count() == 45
    page.get_by_role("button", name="40 more of 55", exact=True).click()
    assert names.count() == 85
    assert page.evaluate("document.activeElement.textContent") == "kind 45"
    page.get_by_role("button", name="the last 15", exact=True).click()
    assert names.all_text_contents() == [f"kind {number}" for number in range(100)]
    assert page.locator("#part-answer details button.quiet:not(.class-name)").count() == 0
