"""Debian's Chromium as a first-time visitor has it, and how to wait for what the page shows.

LOUPE_SCREENSHOTS names a folder for pictures of what was seen.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [  # a camera that shows a test picture, and nobody who has to allow it
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: extra `dev`")
    with sync_api.sync_playwright() as driver:
        one = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield one
        one.close()


def wait_until(page: Any, expression: str, given: Any = None, *, seconds: float = 20) -> None:
    """Wait until JavaScript says yes; playwright's own way needs `eval`, which the page forbids."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression, given):
        assert time.monotonic() < deadline, f"not so after {seconds} s: {expression}"
        page.wait_for_timeout(50)


def wait_for_answer(page: Any, image: str, *, after: str | None = None) -> None:
    """Wait until the answer shown is about an image whose name begins so; before, it is about the former.

    Args:
        page: of the inside of a network.
        image: beginning of the image's name.
        after: the whole name of the image before, where the names begin alike.
    """
    wait_until(
        page,
        """([image, after]) => {
            const answer = document.querySelector("#part-answer"), shown = answer?.dataset.image;
            return shown?.startsWith(image) && shown !== after && !answer.hasAttribute("aria-busy");
        }""",
        [image, after],
    )


def wait_for_held(page: Any, held: list[Any], count: int = 1) -> None:
    """Wait until so many questions of the page are held back."""
    while len(held) < count:
        page.wait_for_timeout(20)


def hold_back(page: Any, address: str) -> list[Any]:
    """Hold back the page's questions to an address from now on; returns them as they come."""
    held: list[Any] = []
    page.route(address, lambda route: held.append(route))
    return held


def answer_held(page: Any, route: Any) -> None:
    """Let a question that is held back be answered, and the page take note of it."""
    with page.expect_response(route.request.url):
        route.continue_()
    page.wait_for_timeout(100)  # what a page makes of an answer, it makes at once


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
    assert not complaints, complaints
    hosts = {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:", "about:"))}
    assert hosts == {"127.0.0.1"}
