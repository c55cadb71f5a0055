"""The page in Debian's Chromium: watched, compared, uploaded to, drawn on, clicked through.

LOUPE_SCREENSHOTS names a folder for pictures of what was seen.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from loupe.experiments.opened_run import open_run
from loupe.runs import RunFolder
from loupe.web.looks import predict

from .conftest import Encode, Runs, Works

CHROMIUM = Path("/usr/bin/chromium")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the extra `dev`")
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as driver:
        one = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield one
        one.close()


def wait_until(page: Any, expression: str, given: Any = None, *, seconds: float = 20) -> None:
    """Wait until JavaScript says yes; playwright's own way needs `eval`, which the page forbids."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression, given):
        assert time.monotonic() < deadline, f"not so after {seconds} s: {expression}"
        page.wait_for_timeout(50)


def wait_for_answer(page: Any, image: str) -> None:
    """Wait until the answer shown is about an image whose name begins so; before, it is about the former."""
    wait_until(
        page,
        """image => {
            const answer = document.querySelector("#part-answer");
            return answer?.dataset.image?.startsWith(image) && !answer.hasAttribute("aria-busy");
        }""",
        image,
    )


@pytest.fixture
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page of a first-time visitor; afterwards: no error in the console, no request to anywhere else."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    one, complaints, asked = context.new_page(), [], []
    one.set_default_timeout(20_000)

    def note(said: Any) -> None:
        is_refusal = "status of 400" in said.text  # the browser's own line; the page says it in words
        if said.type == "error" and not is_refusal:
            complaints.append(said.text)

    one.on("console", note)
    one.on("pageerror", lambda error: complaints.append(str(error)))
    one.on("request", lambda question: asked.append(question.url))
    yield one
    folder = os.environ.get("LOUPE_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        one.screenshot(path=f"{folder}/{request.node.name}.png", full_page=True)
    context.close()
    assert complaints == []
    hosts = {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:", "about:"))}
    assert hosts == {"127.0.0.1"}


def test_a_run_is_watched_while_it_trains(page: Any, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    served = subprocess.Popen(
        [sys.executable, "-m", "loupe", "open", str(tmp_path / "runs"), "--port", "0", "--no-browser"],
        stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    training = subprocess.Popen(
        [sys.executable, "-m", "loupe", "train", "digits", f"run.folder={tmp_path / 'runs'}", "name=live",
         "train.epochs=400", "model.width=1", "run.threads=1", "evaluate.look_inside=false"],
        stdout=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    try:
        assert served.stdout is not None
        address = served.stdout.readline().split()[-1]
        page.goto(address)
        row = page.locator("tr.running")
        row.wait_for(timeout=60_000)
        seen = row.locator("progress")
        first = float(seen.get_attribute("value") or 0)
        wait_until(
            page, "first => (document.querySelector('tr.running progress')?.value ?? 0) > first", first
        )
        row.locator("a").first.click()
        page.locator(".chart svg").first.wait_for()
        before = page.locator(".chart").first.get_attribute("data-text")
        wait_until(page, "before => document.querySelector('.chart').dataset.text !== before", before)
        training.send_signal(signal.SIGINT)
        page.locator(".badge.interrupted").wait_for(timeout=60_000)
    finally:
        training.kill()
        training.wait()
        page.goto("about:blank")  # a page that still asks would complain of the server that goes
        served.send_signal(signal.SIGINT)
        status = served.wait(20)
        if served.stdout is not None:
            served.stdout.close()
    assert status in (0, 130)


def test_runs_are_filtered_tagged_and_compared(page: Any, address: str, runs: Runs) -> None:
    page.goto(address)
    page.get_by_label("Filter runs").fill("good")
    wait_until(page, "() => document.querySelectorAll('table.runs tbody tr').length === 1")
    page.get_by_label(f"Add a tag to {runs.good}").click()
    page.get_by_label(f"New tag for {runs.good}").fill("lecture 3")
    page.keyboard.press("Enter")
    page.get_by_label("Remove the tag lecture 3").wait_for()
    page.get_by_label("Filter runs").fill("")
    for name in (runs.good, runs.series):
        page.get_by_label(f"Compare {name}").check()
    page.get_by_role("link", name="Compare").click()
    page.get_by_role("heading", name="2 runs side by side").wait_for()
    page.locator(".chart .band").first.wait_for(state="attached")
    assert page.get_by_text("train.epochs").count()


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


def test_layers_pixels_and_keys(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-5")
    page.get_by_role("button", name="relu1, ReLU, gives 12 × 8 × 8", exact=True).click()
    page.get_by_role("button", name="map 2", exact=True).click(position={"x": 20, "y": 20})
    rule = page.locator(".part.number")
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


@pytest.mark.parametrize("digit", list(STROKES))
def test_a_drawn_digit_is_recognised(page: Any, address: str, runs: Runs, digit: str) -> None:
    page.goto(f"{address}/#/inside/{runs.good}")
    wait_for_answer(page, "validation-")
    page.get_by_role("button", name="Draw", exact=True).click()
    box = page.locator("canvas.drawing").bounding_box()
    for stroke in STROKES[digit]:
        (x, y), *others = stroke
        page.mouse.move(box["x"] + x, box["y"] + y)
        page.mouse.down()
        for x, y in others:
            page.mouse.move(box["x"] + x, box["y"] + y)
        page.mouse.up()
    wait_for_answer(page, "upload-")
    verdict, sure = page.locator(".verdict strong"), page.locator(".verdict").inner_text().split()[1]
    assert verdict.inner_text() == digit
    assert float(sure) > 70, f"{digit}: {sure} % sure"  # far from a toss-up: a hand may tremble


def test_the_answer_says_which_picture_it_is_about(page: Any, address: str, runs: Runs) -> None:
    page.route("**/inspect", lambda route: (time.sleep(0.3), route.continue_()))
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4")
    wait_for_answer(page, "validation-4")
    page.locator('[data-image="validation-7"]').click()
    answer = page.locator("#part-answer")
    assert answer.get_attribute("aria-busy") == "true"
    assert answer.get_attribute("data-image") == "validation-4"  # what is still shown is about this one
    page.locator('[data-image="validation-9"]').click()  # overtakes the other
    wait_for_answer(page, "validation-9")
    assert "image=validation-9" in page.url


def test_a_run_says_what_its_report_says(page: Any, address: str, runs: Runs) -> None:
    page.goto(f"{address}/#/run/{runs.weak}")
    page.get_by_role("heading", name="Which weights the figures belong to").wait_for()
    picture = page.locator(".gallery .pic").first
    picture.wait_for()
    assert "data:image" in picture.evaluate("picture => getComputedStyle(picture).backgroundImage")
    assert picture.evaluate("picture => picture.style.getPropertyValue('--r')") != ""
    button = page.locator(".map button[data-class]").first
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    cell = page.locator(".confusion td:not(.right) a").first
    count = cell.inner_text()
    cell.click()
    page.get_by_role("heading", name=re.compile(f"taken for .*: {count}$")).wait_for()
    assert page.locator(".cells .strip a").count() == int(count)
    page.locator(".cells .strip a").first.click()
    wait_for_answer(page, "validation-")


def test_a_study_answers_its_question(page: Any, works: Works) -> None:
    page.goto(f"{works.address}/#/studies")
    page.get_by_role("link", name="Does a wider network need more images?").click()
    page.locator(".answer").get_by_text("Against narrow").wait_for()
    page.locator(".chart .band").first.wait_for(state="attached")
    grey = page.get_by_role("table", name="Arms").locator("td.noise").first
    soft = grey.evaluate("cell => getComputedStyle(cell).color")
    assert soft != page.locator("h1").evaluate("head => getComputedStyle(head).color")
    page.get_by_role("table", name="Runs of the study").get_by_role("link").first.click()
    page.locator(".headline").wait_for()
    assert "run/%40study%3A" in page.url
    page.goto(f"{works.address}/#/study/arms")
    page.locator("figure.figure img").wait_for()
    assert page.locator("tr.muted .wrong").count() == 2  # the runs that failed, with the reason


def test_a_search_shows_its_trials_and_its_winner(page: Any, works: Works) -> None:
    page.goto(f"{works.address}/#/studies")
    page.get_by_role("link", name="rates").click()
    page.locator(".answer").get_by_text("The best settings are those of trial").wait_for()
    page.locator(".chart svg").first.wait_for()
    trials = page.get_by_role("table", name="Trials", exact=True)
    for _ in range(2):
        trials.get_by_role("button", name="learning_rate").click()
    rates = [float(text) for text in trials.locator("tbody td:nth-child(4)").all_inner_texts()]
    assert len(rates) == 4
    assert rates == sorted(rates)
    assert trials.locator("th[aria-sort=ascending]").inner_text() == "learning_rate"
    assert 'name = "rates-winner"' in page.locator("pre.winner").inner_text()
    trials.get_by_role("link").first.click()
    page.locator(".headline").wait_for()


@pytest.mark.parametrize("width", [420, 1400])
def test_no_page_is_wider_than_the_screen(page: Any, works: Works, runs: Runs, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for place, sign in {
        "runs": "table.runs tbody tr",
        f"run/{runs.weak}": ".confusion",
        f"inside/{runs.weak}?image=validation-0&layer=conv1&at=1.2.2": ".equation",
        f"inside/{runs.autoencoder}": ".stage",
        f"data/{runs.weak}": ".bars.balance",
        "api": "details.operation",
        "studies": "ul.works li",
        f"study/{works.study.path.name}": ".chart",
        f"study/{works.grid.path.name}": "figure.figure img",
        f"search/{works.search.path.name}": ".chart",
        f"compare?run={runs.good}&run={runs.weak}": ".chart",
    }.items():
        page.goto("about:blank")
        page.goto(f"{works.address}/#/{place}")
        page.locator(sign).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place
