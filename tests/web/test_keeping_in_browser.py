"""Figures saved and tables copied, from the page and from reports on the disk, by keyboard too."""

import csv
import io
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from .browsing import CHROMIUM
from .conftest import Runs, Works
from .report_files import KINDS, Visit

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt install chromium"),
]


def save(page: Any, button: Any, folder: Path) -> Path:
    with page.expect_download() as caught:
        button.click()
    place = folder / str(caught.value.suggested_filename)
    caught.value.save_as(place)
    return place


def read_drawing(page: Any, file: Path) -> NDArray[np.uint8]:
    """Return the pixels of an SVG file as a browser shows it by itself."""
    alone = page.context.new_page()
    alone.goto(file.as_uri())
    shot = alone.screenshot()
    alone.close()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_and_table_of_a_report_can_be_taken(
    visit: Visit, report_files: dict[str, Path], kind: str
) -> None:
    page = visit(report_files[kind])
    bare = page.evaluate("""() => [...document.querySelectorAll("table, figure.chart, figure.map, img")]
        .filter(one => !one.closest(".pictures, .gallery")).filter(one => {
            const near = one.matches("figure") ? one.lastElementChild
                : (one.closest(".scroll") ?? one).nextElementSibling;
            return !near?.matches(".keeping");
        }).map(one => one.outerHTML.slice(0, 100))""")
    assert bare == []
    names = page.locator(".keeping button").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert all(re.fullmatch(r"\w+: \w.+", name) for name in names)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chart_of_a_report_is_saved_as_it_looks_on_paper(
    visit: Visit, report_files: dict[str, Path], runs: Runs, theme: str, tmp_path: Path
) -> None:
    page = visit(report_files["run"], theme)
    chart = page.locator("figure.chart", has_text="Accuracy").first
    file = save(page, chart.get_by_role("button", name="SVG"), tmp_path)
    assert file.name == f"{runs.good}_Accuracy.svg"
    root = ElementTree.parse(file).getroot()
    words = set(root.itertext())
    shown = chart.locator('.legend button[aria-pressed="true"]').all_text_contents()
    assert shown
    assert {"Accuracy", "validation", "epoch", *map(str.strip, shown)} <= words
    assert not [one for one in root.iter() if "class" in one.attrib or "style" in one.attrib]
    pixels = read_drawing(page, file)
    assert np.median(pixels) == 255
    is_blue = (np.abs(pixels.astype(int) - (0, 114, 178)) < 30).all(axis=-1)  # --c1 of the light theme
    assert is_blue.sum() > 100
    with Image.open(save(page, chart.get_by_role("button", name="PNG"), tmp_path)) as picture:
        assert picture.size[0] == 3 * 640
        assert np.median(np.asarray(picture.convert("RGB"))) == 255


def test_bars_and_map_are_saved_as_drawings(
    visit: Visit, report_files: dict[str, Path], tmp_path: Path
) -> None:
    page = visit(report_files["run"])
    bars = page.locator(".bars + .keeping").first
    drawn = ElementTree.parse(save(page, bars.get_by_role("button", name="SVG"), tmp_path)).getroot()
    rects = [one for one in drawn.iter() if one.tag.endswith("rect")]
    assert len(rects) > 3 * 10
    plotted = page.locator("figure.map").first
    file = save(page, plotted.get_by_role("button", name="SVG"), tmp_path)
    assert len(np.unique(read_drawing(page, file).reshape(-1, 3), axis=0)) > 8


def test_a_table_is_copied_and_saved_from_the_disk(
    visit: Visit, report_files: dict[str, Path], tmp_path: Path
) -> None:
    page = visit(report_files["study"])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    row = page.locator(".scroll:has(caption:text('Arms')) + .keeping")
    row.get_by_role("button", name="copy:").focus()
    page.keyboard.press("Enter")
    row.get_by_text("copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert copied[0].split("\t")[:3] == ["arm", "shown", "seeds"]
    file = save(page, row.get_by_role("button", name="CSV"), tmp_path)
    assert file.name == "over-size_Arms.csv"
    rows = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
    assert rows == [line.split("\t") for line in copied]
    row.get_by_role("button", name="LaTeX").click()
    assert "\\toprule" in page.evaluate("navigator.clipboard.readText()")


def test_what_the_page_shows_is_saved_under_run_image_and_layer(
    page: Any, address: str, runs: Runs, tmp_path: Path
) -> None:
    page.goto(f"{address}/#/inside/{runs.weak}?image=validation-0&layer=conv1&at=1.2.2")
    page.locator(".equation").first.wait_for()
    file = save(page, page.locator(".large-map .keeping button"), tmp_path)
    assert file.name == f"{runs.weak}_validation-0_conv1_channel-1.png"
    with Image.open(file) as picture:
        assert picture.size == (8, 8)
    page.goto(f"{address}/#/run/{runs.weak}")
    chart = page.locator("figure.chart").first
    file = save(page, chart.get_by_role("button", name="PNG"), tmp_path)
    assert file.name == f"{runs.weak}_Accuracy.png"


@pytest.mark.parametrize(
    ("lesson", "title"),
    [("cross-entropy", "Cross-entropy"), ("gradient-descent", "A step of descent"), ("relu", "ReLU")],
)
def test_the_chart_of_a_lesson_is_saved(
    page: Any, address: str, runs: Runs, tmp_path: Path, lesson: str, title: str
) -> None:
    page.goto(f"{address}/#/inside/{runs.weak}?image=validation-0&lesson={lesson}")
    chart = page.locator(".lesson-chart")
    button = chart.get_by_role("button", name="SVG")
    button.wait_for()
    if page.locator(".lesson .player").count():
        before = button.element_handle()
        page.locator(".lesson input[type=range]").last.press("ArrowRight")
        assert before.evaluate("one => one.isConnected")  # not drawn anew with each step
    file = save(page, button, tmp_path)
    assert file.name == f"{runs.weak}_validation-0_{title.replace(' ', '-')}.svg"
    root = ElementTree.parse(file).getroot()
    assert title in set(root.itertext())
    assert [one for one in root.iter() if one.tag.endswith("polyline") and one.attrib["stroke"] != "none"]
    assert np.median(read_drawing(page, file)) == 255


def test_the_pictures_of_a_lesson_are_saved(page: Any, address: str, runs: Runs, tmp_path: Path) -> None:
    page.goto(f"{address}/#/inside/{runs.weak}?image=validation-0&lesson=augmentation")
    pictures = page.locator(".lesson .map-picture")
    pictures.nth(1).get_by_role("button", name="PNG").wait_for()
    for number in (0, 1):
        file = save(page, pictures.nth(number).get_by_role("button", name="PNG"), tmp_path)
        with Image.open(file) as picture:
            assert picture.size == (8, 8)


def test_a_report_on_the_page_hands_its_figures_over_too(
    page: Any, works: Works, runs: Runs, tmp_path: Path
) -> None:
    page.goto(f"{works.address}/api/runs/{runs.weak}/report")
    chart = page.locator("figure.chart").first
    assert save(page, chart.get_by_role("button", name="SVG"), tmp_path).stat().st_size > 1000
    row = page.locator(".scroll + .keeping").first
    row.get_by_role("button", name="copy:").click()
    row.get_by_text("copied").wait_for()
