"""Answers that come late, in Debian's Chromium: whatever was asked for last is what is shown."""

from typing import Any

import pytest

from .browsing import CHROMIUM, answer_held, hold_back, wait_for_answer, wait_for_held, wait_until
from .conftest import Runs

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt install chromium"),
]


def test_the_answer_says_which_picture_it_is_about(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4")
    wait_for_answer(page, "validation-4")
    held = hold_back(page, "**/inspect")
    page.locator('[data-image="validation-7"]').click()
    answer = page.locator("#part-answer")
    assert answer.get_attribute("aria-busy") == "true"
    assert answer.get_attribute("data-image") == "validation-4"  # what is still shown is about this one
    page.locator('[data-image="validation-9"]').click()  # overtakes the other
    wait_for_held(page, held, 2)
    for route in reversed(held):
        route.continue_()
    wait_for_answer(page, "validation-9")
    assert "image=validation-9" in page.url


def test_a_click_on_maps_that_still_show_is_about_their_layer(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4")
    wait_for_answer(page, "validation-4")
    first, second = (page.locator("#part-network button[data-layer]").nth(number) for number in (0, 1))
    name, other = (layer.get_attribute("data-layer") for layer in (first, second))
    first.click()
    maps = page.locator(".part-layer button[data-channel]")
    maps.first.wait_for()
    held = hold_back(page, f"**/maps?*layer={other}&*")
    second.click()
    wait_for_held(page, held)
    maps.first.click()  # the first layer's: the second has not come
    page.get_by_text("How this number came about").wait_for()
    held[0].continue_()
    wait_until(page, "!document.querySelector('.part-layer').hasAttribute('aria-busy')")
    assert page.locator(".part-layer h2").inner_text() == name
    assert page.locator("#part-number .soft").first.inner_text().startswith(f"{name},")
    assert f"layer={name}" in page.url


def test_a_late_answer_leaves_address_and_title_of_the_next_page(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4")
    wait_for_answer(page, "validation-4")
    held = hold_back(page, "**/inspect")
    page.locator('[data-image="validation-7"]').click()
    wait_for_held(page, held)
    page.locator('#pages a[data-page="runs"]').click()
    wait_until(page, "document.title === 'Runs – Loupe'")
    answer_held(page, held[0])
    assert page.url.endswith("#/runs")
    assert page.title() == "Runs – Loupe"


def read_map(page: Any) -> str:
    drawn: str = page.locator(".stage canvas").evaluate("one => one.toDataURL()")
    return drawn


def ask_why(page: Any, name: str) -> Any:
    """Press a method, or a class, below the answer."""
    return page.locator(f'[data-method="{name}"], .class-name:text-is("{name}")').first.click()


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [("occlusion", "grad-cam", "maps of the layer"), ("9", "4", "Amber speaks for “4”")],
    ids=["methods", "classes"],
)
def test_why_shows_what_was_asked_for_last(
    page: Any, address: str, runs: Runs, first: str, second: str, said: str
) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4")
    wait_for_answer(page, "validation-4")
    page.locator(".said summary").click()
    words = page.locator(".why-words")
    ask_why(page, second)
    words.get_by_text("Amber speaks for").wait_for()
    wanted = read_map(page), words.inner_text()
    assert said in wanted[1]
    held = hold_back(page, "**/attributions*")
    ask_why(page, first)
    wait_for_held(page, held)
    ask_why(page, second)
    if first == "occlusion":
        ask_why(page, second)  # pressed twice it was taken away; a third time asks for it anew
        wait_for_held(page, held, 2)
        ask_why(page, second)
    wait_for_held(page, held, 3 if first == "occlusion" else 2)
    for route in reversed(held):
        answer_held(page, route)
    assert (read_map(page), words.inner_text()) == wanted


@pytest.mark.parametrize("is_asked_before", [True, False])
def test_reasons_are_of_the_picture_that_was_chosen(
    page: Any, address: str, runs: Runs, is_asked_before: bool
) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4")
    wait_for_answer(page, "validation-4")
    for number, button in enumerate(
        ["skip", "Next", "skip", "skip"], start=1
    ):  # to the last step of the tour
        page.get_by_text(f"{number} of 5", exact=True).wait_for()
        page.get_by_role("button", name=button, exact=True).click()
    reasons, pictures = hold_back(page, "**/attributions*"), hold_back(page, "**/inspect")
    if is_asked_before:
        page.get_by_role("button", name="Show me", exact=True).click()
        wait_for_held(page, reasons)
    page.locator('[data-image="validation-7"]').click()
    wait_for_held(page, pictures)
    if is_asked_before:
        answer_held(page, reasons[0])  # about the former picture
        assert page.get_by_text("5 of 5", exact=True).count() == 1
        assert page.locator(".stage canvas").evaluate("one => one.width") == 0
    else:
        page.locator("[data-method]").first.click()  # below the former answer, which is still there
    answer_held(page, pictures[0])
    wait_for_answer(page, "validation-7")
    wait_for_held(page, reasons, 2 if is_asked_before else 1)
    assert "image=validation-7" in reasons[-1].request.url
    answer_held(page, reasons[-1])
    page.locator(".why-words").get_by_text("Amber speaks for").wait_for()
    page.get_by_text("That was it.").wait_for()


def test_reasons_that_were_taken_away_do_not_come_back(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4")
    wait_for_answer(page, "validation-4")
    before = page.locator(".why-words").inner_text()
    held = hold_back(page, "**/attributions*")
    ask_why(page, "grad-cam")
    wait_for_held(page, held)
    ask_why(page, "grad-cam")
    answer_held(page, held[0])
    assert page.locator(".stage canvas").evaluate("one => one.width") == 0
    assert page.locator(".why-words").inner_text() == before


def test_the_images_offered_are_of_the_class_chosen_last(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4")
    wait_for_answer(page, "validation-4")
    held = hold_back(page, "**/images?*true=*")
    for label in ("3", "7"):
        page.get_by_label("Class", exact=True).select_option(label)
    wait_for_held(page, held, 2)
    for route in reversed(held):
        answer_held(page, route)
    assert ": 7" in page.locator(".known .choices button").first.get_attribute("title")


def test_a_number_of_a_layer_that_was_left_is_not_shown(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4")
    wait_for_answer(page, "validation-4")
    first, second = (page.locator("#part-network button[data-layer]").nth(number) for number in (0, 1))
    first.click()
    held = hold_back(page, "**/number?*")
    page.locator(".part-layer button[data-channel]").first.click()
    wait_for_held(page, held)
    maps = hold_back(page, "**/maps?*")
    second.click()
    wait_for_held(page, maps)
    answer_held(page, held[0])
    assert page.locator("#part-number").inner_text() == ""
    answer_held(page, maps[0])
    assert not page.locator("[aria-busy]").count()


def test_a_drawing_left_for_a_picture_does_not_take_its_place(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4")
    wait_for_answer(page, "validation-4")
    page.get_by_role("button", name="Draw", exact=True).click()
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.url) if one.method == "POST" else None)
    box = page.locator("canvas.drawing").bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 200)
    page.mouse.up()
    page.evaluate("document.querySelector('[data-way=known]').click()")
    page.locator('[data-image="validation-7"]').click()
    wait_for_answer(page, "validation-7")
    page.wait_for_timeout(700)  # a drawing is sent half a second after its last stroke
    assert [url.rsplit("/", 1)[1] for url in sent] == ["inspect"]


def test_a_lesson_that_comes_late_does_not_take_the_keyboard(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4")
    wait_for_answer(page, "validation-4")
    held = hold_back(page, "**/theory?*")
    page.locator('[data-step="softmax"]').click()
    wait_for_held(page, held)
    page.locator('[data-lesson="normalisation"]').click()
    wait_for_held(page, held)
    place = page.locator('[data-image="validation-7"]')
    place.focus()
    for route in held:
        answer_held(page, route)
    page.locator('.lesson[data-shown="normalisation"]').wait_for()
    assert place.evaluate("one => one === document.activeElement")


def test_the_tour_is_of_the_network_that_was_opened_last(page: Any, address: str, runs: Runs) -> None:
    held = hold_back(page, f"**/{runs.weak}/inside")
    page.goto(f"{address}/#/inside/{runs.weak}")
    wait_for_held(page, held)
    page.evaluate("place => { location.hash = place; }", f"#/inside/{runs.good}")
    wait_for_answer(page, "validation-0")
    answer_held(page, held[0])
    page.get_by_role("button", name="Show me", exact=True).click()
    page.get_by_text("2 of 5", exact=True).wait_for()


def test_the_cells_of_a_confusion_matrix_show_the_one_chosen_last(
    page: Any, address: str, runs: Runs
) -> None:
    page.goto(f"{address}/#/run/{runs.weak}")
    cells = page.locator('.look[data-look="confusion"] a[role="button"]')
    cells.nth(1).wait_for()
    page.locator(".cells h3").wait_for()
    held = hold_back(page, "**/images?*predicted=*")
    for place in (0, 1):
        cells.nth(place).evaluate("one => one.click()")
    wait_for_held(page, held, 2)
    for route in reversed(held):
        answer_held(page, route)
    words = cells.nth(1).get_attribute("aria-label").split(": ", 1)[1]
    assert page.locator(".cells h3").inner_text().startswith(words)


def test_the_table_of_runs_keeps_a_tag_though_an_older_answer_comes_late(
    page: Any, address: str, runs: Runs
) -> None:
    page.goto(address)
    row = page.locator("table.runs tbody tr", has=page.get_by_role("link", name=runs.weak, exact=True))
    row.first.wait_for()
    polled: list[Any] = []
    page.route("**/api/runs", lambda route: polled.append(route) if not polled else route.continue_())
    wait_for_held(page, polled)  # asked before the tag
    headers = polled[0].request.headers
    whole = {name: value for name, value in headers.items() if name != "if-none-match"}  # not "as it was"
    old = polled[0].fetch(headers=whole)
    row.get_by_role("button", name="Add a tag").click()
    field = row.get_by_label("New tag for")
    field.fill("late")
    field.press("Enter")
    tag = row.get_by_role("button", name="Remove the tag late")
    tag.wait_for()
    polls = hold_back(page, "**/api/runs")
    wait_for_held(page, polls)
    polled[0].fulfill(response=old)
    page.wait_for_timeout(100)
    assert tag.count() == 1
    page.unroute_all(behavior="ignoreErrors")
    tag.click()
    tag.wait_for(state="detached")


def type_tag(place: Any, word: str) -> None:
    place.get_by_role("button", name="Add a tag").click()
    field = place.get_by_label("New tag for")
    field.fill(word)
    field.press("Enter")


@pytest.mark.parametrize("where", ["table", "run"])
def test_tags_typed_one_right_after_the_other_are_all_kept(
    page: Any, address: str, runs: Runs, where: str
) -> None:
    page.goto(address if where == "table" else f"{address}/#/run/{runs.weak}")
    link = page.get_by_role("link", name=runs.weak, exact=True)
    row = page.locator("table.runs tbody tr", has=link) if where == "table" else page.locator("#main")
    row.get_by_role("button", name="Add a tag").wait_for()
    held = hold_back(page, "**/tags")
    type_tag(row, "first")
    wait_for_held(page, held)
    type_tag(row, "second")  # while the server has not answered to the first
    row.get_by_role("button", name="Add a tag").click()
    row.get_by_label("New tag for").fill("no more")
    for number in (0, 1):
        wait_for_held(page, held, number + 1)
        answer_held(page, held[number])
    page.unroute("**/tags")
    tags = [row.get_by_role("button", name=f"Remove the tag {word}") for word in ("first", "second")]
    for tag in tags:
        tag.wait_for()  # though somebody types there
    row.get_by_label("New tag for").press("Escape")
    for tag in tags:
        tag.click()  # and both at once are taken away
    for tag in tags:
        tag.wait_for(state="detached")
    assert page.request.get(f"{address}/api/runs/{runs.weak}").json()["summary"]["tags"] == []
