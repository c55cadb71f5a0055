"""The inside of a network in Debian's Chromium: pictures given in every way, clicked through, by keys."""

import base64
import time
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from loupe.runs import RunFolder
from loupe.using.opened_run import open_run
from loupe.web.handlers import predict

from .browsing import CHROMIUM, answer_held, hold_back, wait_for_answer, wait_for_held, wait_until
from .conftest import Encode, Runs

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt install chromium"),
]
STROKES = {
    "0": [[(140 + 55 * np.cos(a), 140 + 85 * np.sin(a)) for a in np.linspace(-1.6, 4.7, 24)]],
    "1": [[(140, 50), (140, 230)]],
    "3": [[(90, 60), (180, 60), (135, 125), (185, 170), (160, 220), (90, 225)]],
    "5": [[(185, 55), (100, 55), (95, 130), (170, 135), (180, 190), (140, 228), (90, 220)]],
}
GIVE = """([kind, file]) => {
    const bytes = Uint8Array.from(atob(file), letter => letter.charCodeAt(0)), data = new DataTransfer();
    data.items.add(new File([bytes], "one.png", { type: "image/png" }));
    const given = { clipboardData: data, dataTransfer: data, bubbles: true, cancelable: true };
    if (kind === "paste") document.dispatchEvent(new ClipboardEvent(kind, given));
    else for (const one of ["dragover", "drop"])
        document.querySelector(".drop").dispatchEvent(new DragEvent(one, given));
}"""


def test_a_first_visit_is_led_through_one_picture(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}")
    for number in range(1, 6):
        page.get_by_text(f"{number} of 5", exact=True).wait_for()
        page.locator(".verdict").wait_for()
        page.get_by_role("button", name="Next" if number == 2 else "Show me", exact=True).click()
    page.get_by_text("That was it.").wait_for()
    page.get_by_role("button", name="Done").click()
    page.get_by_text("How this number came about").wait_for()
    assert page.locator(".stage canvas").evaluate("canvas => canvas.width") == 8
    page.reload()
    page.locator(".verdict").wait_for()
    assert page.get_by_text("1 of 5", exact=True).count() == 0  # not a first visit any more


def slow_down(page: Any, seconds: float) -> None:
    """Hold back every answer about a run."""

    def hold_back(route: Any) -> None:
        time.sleep(seconds)
        route.continue_()

    page.route("**/api/runs/*/**", hold_back)


def be_shown(page: Any, number: int, button: str) -> None:
    """Press a button of a step of the tour as soon as it is drawn, whatever else is there."""
    page.get_by_text(f"{number} of 5", exact=True).wait_for()
    page.get_by_role("button", name=button, exact=True).click()


@pytest.mark.parametrize(
    "presses",
    [
        ["Show me", "Next", "Show me", "Show me", "Show me"],
        ["skip", "Next", "Show me", "Show me", "Show me"],  # before there is a network
        ["skip", "Next", "skip", "Show me", "Show me"],  # and before a layer was chosen
        ["skip", "Next", "skip", "skip", "Show me"],
    ],
    ids=["shown", "no network", "no layer", "no answer"],
)
def test_the_tour_leads_on_where_answers_take_their_time(
    page: Any, address: str, runs: Runs, presses: list[str]
) -> None:
    slow_down(page, 0.4)
    page.goto(f"{address}/#/inside/{runs.good}")
    for number, button in enumerate(presses, start=1):
        be_shown(page, number, button)
    page.get_by_text("That was it.").wait_for()
    page.get_by_text("Amber speaks for").wait_for()


def test_what_is_to_be_shown_is_said_to_be_on_its_way(page: Any, address: str, runs: Runs) -> None:
    held: list[Any] = []
    page.route("**/api/runs/*/images*", lambda route: held.append(route))
    page.goto(f"{address}/#/inside/{runs.good}")
    be_shown(page, 1, "Show me")
    page.get_by_role("button", name="On its way …").click(force=True)
    wait_until(page, "() => document.querySelector('.step-buttons button').ariaDisabled === 'true'")
    page.get_by_role("button", name="end the tour").click()
    for route in held:
        route.continue_()
    wait_for_answer(page, "validation-0")  # what had been asked for before the end is not shown any more
    assert page.locator(".step").count() == 0


def test_the_tour_leads_on_from_wherever_the_visitor_is(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}")
    wait_for_answer(page, "validation-0")
    page.get_by_role("button", name="Draw", exact=True).click()
    be_shown(page, 1, "Show me")
    wait_for_answer(page, "validation-1")
    be_shown(page, 2, "Next")
    be_shown(page, 3, "Show me")
    page.get_by_text("4 of 5", exact=True).wait_for()
    page.get_by_role("button", name="Its filters").click()
    page.get_by_role("listitem", name="filter 0").wait_for()
    be_shown(page, 4, "Show me")
    page.get_by_text("5 of 5", exact=True).wait_for()
    page.evaluate("document.querySelector('[data-method]').click()")
    page.get_by_text("That was it.").wait_for()


def test_the_tour_asks_again_where_an_answer_failed(page: Any, address: str, runs: Runs) -> None:
    failures = ["inspect", "maps", "attributions"]

    def fail_once(route: Any) -> None:
        wanted = urlsplit(route.request.url).path.rsplit("/", 1)[1]
        if wanted in failures:
            failures.remove(wanted)
            route.fulfill(status=400, json={"error": f"no {wanted} this time"})
        else:
            route.continue_()

    page.route("**/api/runs/*/**", fail_once)
    page.goto(f"{address}/#/inside/{runs.good}")
    page.get_by_text("no inspect this time").wait_for()
    be_shown(page, 1, "skip")
    be_shown(page, 2, "Next")
    be_shown(page, 3, "Show me")
    page.get_by_text("no maps this time").wait_for()
    be_shown(page, 4, "Show me")
    be_shown(page, 5, "Show me")
    page.get_by_text("no attributions this time").wait_for()
    be_shown(page, 5, "Show me")
    page.get_by_text("That was it.").wait_for()


def test_a_press_counts_though_the_page_scrolls_on_below_it(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}")
    wait_for_answer(page, "validation-0")
    box = page.get_by_role("button", name="Show me", exact=True).bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.evaluate("scrollBy({ top: 600, behavior: 'instant' })")
    page.mouse.up()
    page.get_by_text("2 of 5", exact=True).wait_for()
    wait_for_answer(page, "validation-1")


def test_layers_pixels_and_keys(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-5")
    page.get_by_role("button", name="relu1 ReLU 12 × 8 × 8", exact=True).click()
    page.get_by_role("button", name="map 2", exact=True).click(position={"x": 20, "y": 20})
    rule = page.locator(".part-number")
    rule.get_by_text("max(0, x)").wait_for()
    rule.get_by_role("button", name="made by conv1: see how").click()
    rule.get_by_text("sum of all products").wait_for()
    page.locator(".field").wait_for()
    board = page.locator(".board")
    board.focus()
    before = page.url
    page.keyboard.press("ArrowRight")
    wait_until(page, "before => location.href !== before", before)
    page.get_by_role("button", name="Its filters").click()
    page.get_by_role("listitem", name="filter 0").wait_for()
    page.get_by_role("button", name="Search the training images").click()
    page.get_by_text("Nearest first").wait_for()


def test_a_picture_is_uploaded(page: Any, address: str, runs: Runs, encode: Encode) -> None:
    page.goto(f"{address}/#/inside/{runs.good}")
    page.get_by_role("button", name="Upload or paste").click()
    opened = open_run(RunFolder(runs.folder / runs.good), "cpu")
    picture = np.kron(opened.validation.images[0, 0].numpy(), np.ones((5, 5), np.uint8))
    (expected,) = predict(opened, opened.prepare(Image.fromarray(picture), "pad")[None])
    upload = {"name": "one.png", "mimeType": "image/png", "buffer": encode(picture)}
    page.locator("input[type=file]").set_input_files(upload)
    wait_for_answer(page, "upload-")
    assert page.locator(".verdict strong").inner_text() == expected.class_name
    assert "image=upload-" in page.url
    broken = {"name": "two.png", "mimeType": "image/png", "buffer": b"\x89PNG no"}
    page.locator("input[type=file]").set_input_files(broken)
    page.get_by_text("This is no image that can be read.").wait_for()


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_picture_is_pasted_or_dropped(
    page: Any, address: str, runs: Runs, encode: Encode, way: str
) -> None:
    page.goto(f"{address}/#/inside/{runs.good}")
    wait_for_answer(page, "validation-")
    opened = open_run(RunFolder(runs.folder / runs.good), "cpu")
    index = next(at for at in range(9) if int(opened.validation.labels[at]) != 0)
    picture = opened.validation.images[index, 0].numpy()
    if way == "drop":
        page.get_by_role("button", name="Upload or paste").click()
    page.evaluate(GIVE, [way, base64.b64encode(encode(picture)).decode()])
    wait_for_answer(page, "upload-")
    (expected,) = predict(opened, opened.validation.images[index : index + 1])
    assert page.locator(".verdict").inner_text() == (
        f"{expected.class_name} {100 * (expected.probability or 0):.1f} % sure"
    )


def test_the_camera_takes_a_picture(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}")
    wait_for_answer(page, "validation-")
    page.get_by_role("button", name="Camera", exact=True).click()
    page.get_by_role("button", name="Take the picture").click()
    wait_for_answer(page, "upload-")
    page.get_by_role("button", name="Validation images").click()
    page.locator(".choices button").first.wait_for()
    assert page.locator("video").count() == 0  # and the camera is off


def test_keys_alone_lead_through_the_pages(page: Any, address: str, runs: Runs) -> None:
    def tab_to(expression: str, *, most: int = 40) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate(f"(one => {expression})(document.activeElement)"):
                return
        raise AssertionError(f"Tab does not reach {expression}")

    page.goto(address)
    page.locator("table.runs tbody tr").first.wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    tab_to(f"one.textContent === '{runs.good}'", most=200)  # other tests leave runs above it
    page.keyboard.press("Enter")
    page.locator(".headline").wait_for()
    tab_to("one.textContent === 'Look inside'")
    page.keyboard.press("Enter")
    wait_for_answer(page, "validation-0")
    tab_to("one.dataset.image === 'validation-0'")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    wait_for_answer(page, "validation-1")
    tab_to("one.dataset.layer")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator(".part-layer button[data-channel]").first.wait_for()
    tab_to("one.dataset.channel")
    page.keyboard.press("Enter")
    page.get_by_text("How this number came about").wait_for()


def test_drawn_digits_are_recognised(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}")
    wait_for_answer(page, "validation-")
    page.get_by_role("button", name="Draw", exact=True).click()
    board, before = page.locator("canvas.drawing"), None
    for digit, strokes in STROKES.items():
        page.get_by_role("button", name="clear", exact=True).click()
        board.scroll_into_view_if_needed()
        box = board.bounding_box()
        for stroke in strokes:
            (x, y), *others = stroke
            page.mouse.move(box["x"] + x, box["y"] + y)
            page.mouse.down()
            for x, y in others:
                page.mouse.move(box["x"] + x, box["y"] + y)
            page.mouse.up()
        wait_for_answer(page, "upload-", after=before)
        before = page.locator("#part-answer").get_attribute("data-image")
        verdict, sure = page.locator(".verdict strong"), page.locator(".verdict").inner_text().split()[1]
        assert verdict.inner_text() == digit
        assert float(sure) > 70, f"{digit}: {sure} % sure"  # far from a toss-up: a hand may tremble


def test_the_chosen_picture_is_marked_and_what_is_of_the_former_is_dim(
    page: Any, address: str, runs: Runs
) -> None:
    def list_marked() -> list[str]:
        marked = page.locator('.known button[aria-pressed="true"]')
        names: list[str] = marked.evaluate_all("all => all.map(one => one.dataset.image)")
        return names

    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4&layer=conv1")
    wait_for_answer(page, "validation-4")
    page.locator(".part-layer:not([aria-busy]) button[data-channel]").first.wait_for()
    assert list_marked() == ["validation-4"]
    held = hold_back(page, "**/inspect")
    page.locator('[data-image="validation-7"]').click()
    wait_for_held(page, held)
    assert list_marked() == ["validation-7"]
    measure = """() => [".part-answer", ".part-network", ".desk:has(.part-layer)", ".part-theory"]
        .map(one => Number(getComputedStyle(document.querySelector(one)).opacity))"""
    wait_until(page, f"() => ({measure})().every(one => one === 0.6)")
    answer_held(page, held[0])
    wait_for_answer(page, "validation-7")
    wait_until(page, f"() => ({measure})().every(one => one === 1)")
    page.get_by_label("Class", exact=True).select_option("3")
    wait_until(page, "() => document.querySelectorAll('.known [aria-pressed]').length")
    page.get_by_label("Class", exact=True).select_option("")
    wait_until(
        page, "() => document.querySelector('.known [data-image=\"validation-7\"][aria-pressed=true]')"
    )


def test_the_tour_is_taken_by_the_enter_key_alone(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}")
    wait_for_answer(page, "validation-0")
    page.get_by_role("button", name="Show me", exact=True).focus()
    for number in range(1, 6):
        page.get_by_text(f"{number} of 5", exact=True).wait_for()
        page.keyboard.press("Enter")
    page.get_by_text("That was it.").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Show me round in five steps").wait_for()
    page.keyboard.press("Enter")
    page.get_by_text("1 of 5", exact=True).wait_for()
    page.locator('[data-image="validation-5"]').click()  # who does a step by hand stays there
    page.get_by_text("2 of 5", exact=True).wait_for()
    assert page.evaluate("document.activeElement.dataset.image") == "validation-5"


def test_why_says_what_is_measured_and_what_covers(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4")
    wait_for_answer(page, "validation-4")
    page.locator('[data-method="occlusion"]').click()
    words = page.locator(".why-words")
    words.get_by_text("Amber speaks for").wait_for()
    said = words.inner_text()
    assert "how far the class's logit drops while a window of 2 × 2 pixels is filled with mean grey" in said
    assert "A map that stays the same when the weights are replaced by random ones" in said
    assert ".." not in said
    assert "_" not in said  # no name out of the code
