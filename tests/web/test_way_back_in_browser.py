"""Back and forward inside a network, in Debian's Chromium: one step at a time, each shown as it was."""

from typing import Any

import pytest

from .browsing import CHROMIUM, answer_held, hold_back, wait_for_answer, wait_for_held, wait_until
from .conftest import Runs

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt install chromium"),
]
SHOWN = """() => ({
    image: document.querySelector("#part-answer")?.dataset.image,
    marked: document.querySelector('.known [aria-pressed="true"]')?.dataset.image,
    layer: document.querySelector("#part-layer h2")?.textContent ?? null,
    card: document.querySelector('#part-network [data-layer][aria-pressed="true"]')?.dataset.layer ?? null,
    view: document.querySelector('#part-layer [data-what][aria-pressed="true"]')?.dataset.what ?? null,
    map: document.querySelector('#part-layer [data-channel][aria-pressed="true"]')?.dataset.channel ?? null,
    number: document.querySelector("#part-number p")?.textContent.split(".")[0] ?? null,
    isFramed: document.querySelector(".field")?.hidden === false,
    method: document.querySelector('[data-method][aria-pressed="true"]')?.dataset.method ?? null,
    why: document.querySelector(".why-words")?.textContent.slice(0, 12),
    lesson: document.querySelector(".lesson")?.dataset.shown ?? null,
    tab: document.querySelector('[data-lesson][aria-pressed="true"]')?.dataset.lesson ?? null,
    address: location.hash,
    title: document.title,
})"""


def see(page: Any) -> dict[str, Any]:
    """Return what is shown, as soon as nothing is on its way."""
    wait_until(page, "() => !document.querySelector('[aria-busy]')")
    wait_until(page, "() => document.querySelector('.why-words')?.textContent !== 'asking …'")
    page.wait_for_timeout(150)
    shown: dict[str, Any] = page.evaluate(SHOWN)
    return shown


def go(page: Any, way: str, expected: dict[str, Any]) -> None:
    """Press the browser's button, and see to it that what comes is what was there."""
    page.evaluate(f"history.{way}()")
    wait_until(page, "address => location.hash === address", expected["address"])
    for _ in range(40):
        shown = see(page)
        if shown == expected:
            return
    assert shown == expected


def test_back_undoes_one_step_at_a_time_and_forward_takes_it_again(
    page: Any, address: str, runs: Runs
) -> None:
    page.goto(f"{address}/#/run/{runs.good}")
    page.get_by_role("link", name="Look inside", exact=True).first.click()
    wait_for_answer(page, "validation-0")
    first, second = (
        page.locator("#part-network button[data-layer]").nth(number).get_attribute("data-layer")
        for number in (0, 1)
    )
    page.evaluate("window.isSamePage = true")
    steps = [
        lambda: page.locator('[data-image="validation-7"]').click(),
        lambda: page.locator(f'.layer-card[data-layer="{first}"]').click(),
        lambda: page.locator("#part-layer button[data-channel]").nth(1).click(),
        lambda: page.locator("#part-layer button[data-channel]").nth(2).click(),
        lambda: page.locator('[data-what="filters"]').click(),
        lambda: page.locator('[data-method="occlusion"]').click(),
        lambda: page.locator('[data-lesson="softmax"]').click(),
        lambda: page.locator('[data-image="validation-4"]').click(),
        lambda: page.locator(f'.layer-card[data-layer="{second}"]').click(),
    ]
    seen = [see(page)]
    for step in steps:
        step()
        wait_until(page, "address => location.hash !== address", seen[-1]["address"])
        seen.append(see(page))
    assert len({one["address"] for one in seen}) == len(seen)
    assert len({one["title"] for one in seen}) == len(seen), "the browser's history tells them apart"
    assert all(one["title"].endswith(f" – inside {runs.good} – Loupe") for one in seen)
    assert seen[6]["method"] == "occlusion"
    assert seen[7]["lesson"] == "softmax"
    for expected in reversed(seen[:-1]):
        go(page, "back", expected)
    for expected in seen[1:]:
        go(page, "forward", expected)
    assert page.evaluate("window.isSamePage")
    for _ in steps:
        page.evaluate("history.back()")  # all at once
    wait_until(page, "address => location.hash === address", seen[0]["address"])
    assert see(page) == seen[0]
    page.evaluate("history.back()")
    wait_until(page, f"() => location.hash === '#/run/{runs.good}'")
    page.get_by_role("link", name="Look inside", exact=True).first.wait_for()


def test_a_picture_on_its_way_is_left_by_the_way_back(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4")
    wait_for_answer(page, "validation-4")
    page.locator('[data-image="validation-7"]').click()
    wait_for_answer(page, "validation-7")
    held = hold_back(page, "**/inspect")
    page.locator('[data-image="validation-9"]').click()
    wait_for_held(page, held)
    page.evaluate("history.back()")
    wait_for_held(page, held, 2)
    answer_held(page, held[1])
    wait_for_answer(page, "validation-4")
    answer_held(page, held[0])
    assert page.locator("#part-answer").get_attribute("data-image") == "validation-4"
    assert page.url.endswith("image=validation-4")


def test_keys_on_a_map_are_one_step(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4&layer=conv1")
    wait_for_answer(page, "validation-4")
    before = see(page)
    page.locator("#part-layer button[data-channel]").nth(1).click()
    page.locator(".large-map .board").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
        page.wait_for_timeout(250)
    assert see(page)["number"] != before["number"]
    go(page, "back", before)


def test_an_image_that_excites_leads_to_its_number_and_back(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4&layer=conv1&view=exciting")
    wait_for_answer(page, "validation-4")
    before = see(page)
    assert before["view"] == "exciting"
    link = page.locator(".exciting a").nth(2)
    image = link.get_attribute("title").split(",")[0]
    link.click()
    wait_for_answer(page, image)
    page.get_by_text("How this number came about").wait_for()
    assert see(page)["view"] == "maps"
    wait_until(page, "() => document.querySelector('#part-number').getBoundingClientRect().top < innerHeight")
    go(page, "back", before)


def test_a_link_shows_the_reasons_too(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4&why=occlusion&for=9")
    wait_for_answer(page, "validation-4")
    page.locator(".why-words").get_by_text("Amber speaks for “9”").wait_for()
    assert page.url.endswith("why=occlusion&for=9")


def test_the_way_back_from_a_picture_that_is_not_there_shows_the_former_one_again(
    page: Any, address: str, runs: Runs
) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4")
    wait_for_answer(page, "validation-4")
    page.evaluate(f"location.hash = '#/inside/{runs.good}?image=validation-99999'")
    page.locator("#part-answer").get_by_text("There is no validation image").wait_for()
    page.evaluate("history.back()")
    wait_for_answer(page, "validation-4")
    assert page.locator("#part-answer").get_by_text("There is no validation image").count() == 0
