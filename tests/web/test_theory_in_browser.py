"""Lessons and the playground in Debian's Chromium: opened, stepped through by hand and by keys, changed."""

import re
from typing import Any

import pytest

from loupe.inspection import capture_layers
from loupe.runs import RunFolder
from loupe.using.opened_run import open_run

from .browsing import CHROMIUM, wait_until
from .conftest import Runs

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt install chromium"),
]


def test_every_lesson_is_shown_on_the_picture(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-2")
    page.locator("[data-lesson]").first.wait_for()
    names = page.locator("[data-lesson]").evaluate_all("all => all.map(one => one.dataset.lesson)")
    assert len(names) == 12
    for name in names:
        page.locator(f'[data-lesson="{name}"]').click()
        shown = page.locator(f'.lesson[data-shown="{name}"]')
        shown.wait_for()
        assert shown.locator(".note").count() == 0, name
        sentences = re.split(r"(?<=[.!?]) ", shown.locator("h3 + p").inner_text())
        assert len(sentences) == 3, name
        assert f"lesson={name}" in page.url


@pytest.mark.parametrize(
    ("query", "part"),
    [("lesson=stride", "theory"), ("layer=relu1", "layer"), ("layer=relu1&at=0.1.1", "number")],
)
@pytest.mark.parametrize("width", [390, 1280])
def test_an_address_shows_what_it_asks_for(
    page: Any, address: str, runs: Runs, query: str, part: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/#/course")
    page.locator("h2").nth(3).wait_for()
    page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
    page.evaluate(f"() => location.hash = '#/inside/{runs.good}?image=validation-2&{query}'")
    page.locator(f"#part-{part} h2").first.wait_for()
    where = f"document.querySelector('#part-{part} h2').getBoundingClientRect().top"
    wait_until(page, f"() => 0 <= {where} && {where} < 540")


def test_an_address_moves_nobody_who_is_busy(page: Any, address: str, runs: Runs) -> None:
    held: list[Any] = []  # a fast machine answers before a key can be pressed
    page.route("**/inspect", lambda route: held.append(route))
    with page.expect_request("**/inspect"):
        page.goto(f"{address}/#/inside/{runs.good}?image=validation-2&lesson=stride")
        page.locator("h1").wait_for()
    page.keyboard.press("Shift")
    (route,) = held
    route.continue_()
    page.locator('.lesson[data-shown="stride"]').wait_for()
    page.wait_for_timeout(300)
    assert page.evaluate("() => scrollY") == 0


def test_the_sliding_kernel_comes_to_the_networks_own_number(page: Any, address: str, runs: Runs) -> None:
    opened = open_run(RunFolder(runs.folder / runs.good), "cpu")
    maps = capture_layers(opened.model, opened.to_inputs(opened.validation.images[2:3]), ["conv1"])["conv1"]
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-2&lesson=convolution")
    words = page.locator(".lesson .arithmetic")
    words.wait_for()
    step = page.get_by_role("button", name="One step on")
    step.focus()
    for _ in range(9):
        page.keyboard.press("Enter")
    said = words.inner_text()
    assert said.startswith("row 1, column 1:")
    assert float(said.rpartition("together ")[2]) == pytest.approx(maps[0, 0, 1, 1].item(), rel=5e-3)


def test_a_picture_moves_only_when_played_and_never_against_the_visitors_wish(
    page: Any, address: str, runs: Runs
) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-2&lesson=relu")
    place = page.locator(".lesson .player input")
    place.wait_for()
    page.wait_for_timeout(600)
    assert place.input_value() == "0"
    page.get_by_role("button", name="Play").click()
    wait_until(page, "() => Number(document.querySelector('.lesson .player input').value) > 1")
    page.get_by_role("button", name="Pause").click()
    page.emulate_media(reduced_motion="reduce")
    page.locator('[data-lesson="convolution"]').click()
    page.locator('.lesson[data-shown="convolution"]').wait_for()
    assert page.get_by_role("button", name="Play").count() == 0


def test_stride_changes_the_size(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-2&lesson=stride")
    page.get_by_text("output size: (8 + 2·2 − 5)/1 + 1 = 8").wait_for()
    page.get_by_label("stride", exact=False).first.press("ArrowRight")
    page.get_by_text("output size: ⌊(8 + 2·2 − 5)/2⌋ + 1 = 4").wait_for()
    page.get_by_text("1 of 16").wait_for()


def test_the_last_step_leads_to_softmax_and_units_have_names(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-2&layer=logits")
    page.get_by_role("button", name=re.compile(r"^unit 7,\s*7:")).wait_for()
    page.locator('[data-step="softmax"]').click()
    page.locator('.lesson[data-shown="softmax"]').wait_for()
    first = page.locator(".lesson tbody tr").first
    said = page.locator(".verdict").inner_text()
    assert first.locator("th").inner_text() == said.split()[0]
    assert first.locator("td").nth(2).inner_text() in said


def test_padding_is_hatched_and_pixels_stand_beside(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-0&layer=conv1&at=1.0.2")
    page.locator(".equation").first.wait_for()
    captions = page.locator(".equation caption").all_inner_texts()
    assert captions == ["pixels 0–255", "normalised", "weights", "products"]
    assert page.locator(".equation td.hatched").count() == 2 * 10
    assert "grey: the products add up to" in page.locator(".equation").inner_text()


def test_the_playground_moves(page: Any, address: str) -> None:
    page.goto(f"{address}/#/playground")
    page.locator(".answer-bars .fill").first.wait_for()
    size = page.locator("[data-size]")
    assert size.get_attribute("data-size") == "8"
    page.get_by_text("flatten: 4 · 4 = 16 numbers").wait_for()  # of the pooled map, which stands above
    page.get_by_label("stride", exact=False).first.press("ArrowRight")
    wait_until(page, "() => document.querySelector('[data-size]').dataset.size === '4'")
    page.get_by_label("weight, row 1, column 1").fill("7")
    page.get_by_text("output size: ⌊(8 + 2·1 − 3)/2⌋ + 1 = 4").wait_for()
    assert "7" in page.locator(".play-slide .cells-of-numbers").nth(1).inner_text().split()
    before = page.locator(".play-network .arithmetic").inner_text()
    knob = page.get_by_label("its value", exact=False)
    knob.press("Home")
    after = page.locator(".play-network .arithmetic").inner_text()
    assert before != after
    page.get_by_role("button", name="back to the learned weights").click()
    assert page.locator(".play-network .arithmetic").inner_text() == before
    page.get_by_role("combobox", name="kernel").select_option("learned-2")
    page.get_by_role("button", name="a 7, number 15").click()
    page.get_by_text("it is 7:").wait_for()
