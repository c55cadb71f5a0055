"""The page in Debian's Chromium: runs watched and compared, reports, studies and searches read."""

import os
import re
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

import loupe
from loupe.training import Observer, TrainingState

from .browsing import CHROMIUM, wait_for_answer, wait_until
from .conftest import QUICK, Runs, Works, serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt install chromium"),
]


def test_a_run_is_watched_while_it_trains(page: Any, tmp_path: Path) -> None:
    goes_on, folder = threading.Semaphore(0), tmp_path / "runs"

    class Waiting(Observer):
        def on_epoch_end(self, state: TrainingState) -> None:
            assert goes_on.acquire(timeout=60)

    augment = "data.augment=['horizontal-flip']"
    changes = (*QUICK, f"run.folder={folder}", "name=live", "train.epochs=4", "model.width=1", augment)
    training = threading.Thread(
        target=loupe.train, args=("digits", *changes), kwargs={"observers": [Waiting()]}
    )
    with serving(folder) as address:
        page.goto(address)
        page.get_by_text("No runs yet").wait_for()
        training.start()
        row = page.locator("tr.running")
        row.wait_for()
        first = float(row.locator("progress").get_attribute("value") or 0)
        goes_on.release()
        wait_until(
            page, "first => (document.querySelector('tr.running progress')?.value ?? 0) > first", first
        )
        row.locator("a").first.click()
        page.locator(".chart svg").first.wait_for()
        before = page.locator(".chart").first.get_attribute("data-text")
        said = "the train loss of the log, is what the loop saw while the weights still moved"
        page.locator("#curves ~ div", has_text=said).wait_for()
        warning = page.locator(".note", has_text="horizontal-flip mirrors training images, but a mirrored")
        assert warning.count() == 1
        goes_on.release()
        wait_until(page, "before => document.querySelector('.chart').dataset.text !== before", before)
        assert page.locator("#weights").count() == 0
        goes_on.release(2)
        page.locator(".badge.finished").wait_for()
        assert warning.count() == 1
        page.get_by_role("heading", name="Which weights the figures belong to").wait_for()
        training.join()
        page.goto("about:blank")  # a page that still asks would complain of the server that goes


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
    page.get_by_role("heading", name="Against what it costs").wait_for()
    picture = page.get_by_role("img", name="validation accuracy against parameters").first
    assert picture.evaluate("one => one.complete && one.naturalWidth > 300")


def test_a_table_of_many_runs_is_drawn_in_parts(page: Any, runs: Runs, tmp_path: Path) -> None:
    many = tmp_path / "many"
    for index in range(230):
        shutil.copytree(runs.folder / runs.weak, many / f"many-2026-01-01-{index:06x}", copy_function=os.link)
    with serving(many) as address:
        page.goto(f"{address}/#/runs")
        rows = page.locator("table.runs tbody tr")
        page.get_by_text("The first 100 of 230.").wait_for(timeout=60_000)
        assert rows.count() == 100
        page.get_by_role("button", name="100 more").click()
        assert rows.count() == 200
        page.get_by_role("button", name="all 230").click()
        assert rows.count() == 230
        page.get_by_label("Filter runs").fill("many-2026-01-01-0000e5")
        assert rows.count() == 1
        page.goto("about:blank")


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
    cell = page.locator(".confusion td:not(.diagonal) a").first
    count = cell.inner_text()
    cell.click()
    page.get_by_role("heading", name=re.compile(f"taken for .*: {count}$")).wait_for()
    assert page.locator(".cells .strip a").count() == int(count)
    page.locator(".cells .strip a").first.click()
    wait_for_answer(page, "validation-")


def test_a_study_answers_its_question(page: Any, works: Works) -> None:
    page.goto(f"{works.address}/#/studies")
    page.get_by_role("link", name="Does a wider network need more images?").click()
    page.locator(".answer").get_by_text("If the power law holds").wait_for()
    page.get_by_role("heading", name="Would more data help?").wait_for()
    page.locator(".chart .band").first.wait_for(state="attached")
    grey = page.locator("td.noise").first
    soft = grey.evaluate("cell => getComputedStyle(cell).color")
    assert soft != page.locator("h1").evaluate("head => getComputedStyle(head).color")
    page.get_by_role("table", name="Runs of the study").get_by_role("link").first.click()
    page.locator(".headline").wait_for()
    assert "run/%40study%3A" in page.url
    page.goto(f"{works.address}/#/study/arms")
    page.locator("figure.figure img").first.wait_for()
    assert page.locator("tr.muted .wrong").count() == 2  # the runs that failed, with the reason


def test_a_study_is_followed_while_it_goes_on(page: Any, works: Works, tmp_path: Path) -> None:
    shutil.copytree(works.study.path, tmp_path / "studies" / "going")
    folder = type(works.study)(tmp_path / "studies" / "going")
    lines = folder.results_file.read_text(encoding="utf-8").splitlines(keepends=True)
    folder.results_file.write_text("".join(lines[:4]), encoding="utf-8")
    with serving(tmp_path / "runs") as address, folder.locked():
        page.goto(f"{address}/#/study/going")
        page.locator(".badge.running").wait_for()
        page.get_by_text("3 runs", exact=True).wait_for()
        runs = page.get_by_role("table", name="Runs of the study")
        runs.get_by_role("button", name="seed", exact=True).click()
        page.get_by_text("the study as TOML").click()
        folder.results_file.write_text("".join(lines[:9]), encoding="utf-8")
        page.get_by_text("8 runs", exact=True).wait_for()
        page.get_by_text("8 of 16 runs of the arms").wait_for()
        assert runs.locator("th[aria-sort=descending]").inner_text() == "seed"
        seeds = runs.locator("tbody td:nth-child(3)").all_inner_texts()
        assert seeds == sorted(seeds, reverse=True)
        assert page.get_by_text('question = "Does a wider').is_visible()  # what was opened stays open
        page.goto("about:blank")


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


def test_no_page_is_wider_than_the_screen(page: Any, works: Works, runs: Runs) -> None:
    for place, sign in {
        "runs": "table.runs tbody tr",
        f"run/{runs.weak}": ".confusion",
        f"inside/{runs.weak}?image=validation-0&layer=conv1&at=1.2.2": ".equation",
        f"inside/{runs.autoencoder}": ".stage",
        f"inside/{runs.weak}?image=validation-0&lesson=pooling": ".lesson .flat",
        f"inside/{runs.weak}?image=validation-0&lesson=softmax": ".lesson .terms td",
        "playground": ".answer-bars .fill",
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
        for width in (1400, 900, 420):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, place
