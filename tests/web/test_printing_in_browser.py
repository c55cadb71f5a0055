"""What comes out of a printer: dark ink on white from any theme, bars and shades kept, nothing cut."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from loupe.reports.page import close_up, read_style, read_template

from .browsing import CHROMIUM, wait_until
from .conftest import Runs, Works
from .report_files import KINDS, Visit
from .test_looks_in_browser import list_places

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt install chromium"),
]
MARGIN = 14  # mm
WIDTH = 688  # px: what a sheet of A4 leaves between its margins

FIND_CUT = """() => [...document.querySelectorAll("main *")]
    .filter(one => !one.closest("svg, canvas, .unseen, .stage, .block-name, .overview"))
    .filter(one => one.checkVisibility())
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1
        || one.matches(".scroll, pre") && one.scrollWidth > one.clientWidth + 1)
    .map(one => one.outerHTML.slice(0, 120))"""


def print_sheets(page: Any, file: Path) -> tuple[list[NDArray[np.uint8]], list[str]]:
    """Return the sheets of a printed page: pixels, and text."""
    pypdfium = pytest.importorskip("pypdfium2", reason="pypdfium2 is not installed: extra `dev`")
    edges = dict.fromkeys(("top", "bottom", "left", "right"), f"{MARGIN}mm")
    page.pdf(path=str(file), format="A4", margin=edges)
    document = pypdfium.PdfDocument(str(file))
    sheets = [document[number] for number in range(len(document))]
    pixels = [np.asarray(one.render(scale=1).to_pil().convert("RGB")) for one in sheets]
    return pixels, [one.get_textpage().get_text_range() for one in sheets]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_a_report_is_cut(visit: Visit, report_files: dict[str, Path], kind: str) -> None:
    page = visit(report_files[kind], "dark", WIDTH)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(FIND_CUT) == []
    left = page.locator("nav, button:not(.legend button), summary:not([open] > summary)")
    assert not any(left.evaluate_all("all => all.map(one => one.checkVisibility())"))


def test_nothing_of_the_page_is_cut(page: Any, works: Works, runs: Runs) -> None:
    page.set_viewport_size({"width": WIDTH, "height": 900})
    page.emulate_media(media="print")
    for place, sign in list_places(works, runs).items():
        page.goto("about:blank")
        page.goto(f"{works.address}/#/{place}")
        page.locator(sign).first.wait_for(state="attached")
        wait_until(page, "() => !document.querySelector('[aria-busy]')")
        assert page.evaluate(FIND_CUT) == [], place
        assert not page.locator(".masthead").is_visible()


@pytest.mark.parametrize("kind", ["confusion", "scores"])
def test_a_table_of_very_many_rows_scrolls_below_its_head_and_is_printed_whole(
    visit: Visit, tmp_path: Path, kind: str
) -> None:
    rows = "".join(f"<tr><th>class {row}</th>{'<td>0</td>' * 80}</tr>" for row in range(80))
    head = f"<tr><td></td>{''.join(f'<th>class {place}</th>' for place in range(80))}</tr>"
    table = f"<table class='{kind}'><thead>{head}</thead><tbody>{rows}</tbody></table>"
    style = read_style() + read_template("print.css")
    file = tmp_path / "long.html"
    file.write_text(f"<style>{style}</style><main><div class='scroll'>{table}</div></main>", encoding="utf-8")
    page = visit(file)
    page.evaluate("() => document.querySelector('.scroll').scrollTo(500, 900)")
    measure = """() => {
        const box = document.querySelector('.scroll').getBoundingClientRect(),
            head = document.querySelector('thead th').getBoundingClientRect(),
            name = document.querySelector('tbody th').getBoundingClientRect();
        return [box.height, head.top - box.top, name.left - box.left]; }"""
    height, above, left = page.evaluate(measure)
    assert height <= 0.85 * 900 + 1
    assert abs(above) < 2, "the head stays"
    assert abs(left) < 2 if kind == "confusion" else left < -400, "and so do the names of a matrix' rows"
    page.emulate_media(media="print")
    height, above, _ = page.evaluate(measure)
    assert height > 1600
    assert above >= 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_report_prints_on_white_and_keeps_its_shades(
    visit: Visit, report_files: dict[str, Path], theme: str, tmp_path: Path
) -> None:
    sheets, texts = print_sheets(visit(report_files["run"], theme), tmp_path / "run.pdf")
    for sheet in sheets:
        assert (sheet[0, 0] == 255).all()
        assert np.median(sheet) == 255
    bars = next(sheet for sheet, text in zip(sheets, texts, strict=True) if "Accuracy by class" in text)
    is_bar = (np.abs(bars.astype(int) - (115, 177, 214)) < 8).all(axis=-1)  # --c1 at 55 % on white
    assert is_bar.sum() > 2_000, "the bars are there"
    shaded = next(sheet for sheet, text in zip(sheets, texts, strict=True) if "Confusion matrix" in text)
    is_shade = (shaded[..., 2].astype(int) - shaded[..., 0] > 80).sum()
    assert is_shade > 1_000, "so are the shades of the confusion matrix"


def test_no_heading_stays_behind_at_the_foot_of_a_sheet(
    visit: Visit, report_files: dict[str, Path], tmp_path: Path
) -> None:
    page = visit(report_files["run"])
    heads = set(page.locator("h2, h3, h4").all_inner_texts())
    _, texts = print_sheets(page, tmp_path / "run.pdf")
    assert len(texts) > 5
    assert [last for text in texts if (last := text.strip().splitlines()[-1]) in heads] == []


def test_maps_painted_for_the_dark_are_painted_anew_for_paper(page: Any, address: str, runs: Runs) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(f"{address}/#/inside/{runs.weak}?image=validation-0&layer=conv1&at=1.2.2")
    page.locator(".equation").first.wait_for()
    cell = page.locator(".cells-of-numbers td:not(.hatched)").last
    measure = """() => [...document.querySelectorAll('.map-grid canvas')].reduce((sum, one) => sum +
        one.getContext('2d').getImageData(0, 0, one.width, one.height).data.reduce((a, b) => a + b, 0), 0)"""
    dark, dark_cell = page.evaluate(measure), cell.get_attribute("style")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(measure) > 1.2 * dark
    assert cell.get_attribute("style") != dark_cell
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(measure) == dark


def test_the_drawing_of_a_network_is_whole_on_paper(
    page: Any, address: str, runs: Runs, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 1200, "height": 900})
    page.goto(f"{address}/#/inside/{runs.good}?image=validation-4")
    shares = page.locator(".flow .flow-share")
    shares.first.wait_for()
    wanted = [text for text in shares.all_text_contents() if "%" in text]
    _, texts = print_sheets(page, tmp_path / "inside.pdf")
    printed = "".join("".join(texts).split())
    assert len(wanted) > 4
    page.emulate_media(media="print")
    page.set_viewport_size({"width": WIDTH, "height": 900})
    measure = """() => { const drawing = document.querySelector(".flow > svg").getBoundingClientRect(),
        frame = document.querySelector(".flow");
        return [drawing.right <= innerWidth, frame.scrollWidth - frame.clientWidth, drawing.height > 60]; }"""
    assert page.evaluate(measure) == [True, 0, True]
    assert all("".join(text.split()) in printed for text in wanted)


def write_bare(folder: Path, body: str) -> Path:
    file = folder / "bare.html"
    style = read_style() + read_template("print.css")
    file.write_text(f"<!doctype html><style>{style}</style><main>{body}</main>", encoding="utf-8")
    return file


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_heading_of_which_all_is_folded_is_not_printed(visit: Visit, tmp_path: Path, count: int) -> None:
    parts = "<details><summary>one</summary><p>inside</p></details>" * count
    page = visit(write_bare(tmp_path, f"<section><h2>More</h2>{parts}</section><h2>Next</h2>{parts}<p>x</p>"))
    page.emulate_media(media="print")
    heads = page.locator("h2")
    assert not heads.nth(0).is_visible()
    assert heads.nth(1).is_visible(), "something of it is not folded"
    page.evaluate("() => { document.querySelector('details').open = true; }")
    assert heads.nth(0).is_visible()


def test_what_belongs_together_is_printed_together(visit: Visit, tmp_path: Path) -> None:
    bars = "".join(f"<span>b{row}</span><span class='track'></span><span>9</span>" for row in range(10))
    rows = "".join(f"<tr><td>r{row}</td><td class='n'>1</td></tr>" for row in range(9))
    pictures = "".join(f"<figure><i class='pic' style='height:60px'></i>g{one}</figure>" for one in range(9))
    blocks = {"b": f"<div class='bars'>{bars}</div>", "r": f"<div class='scroll'><table>{rows}</table></div>"}
    blocks["g"] = f"<div class='gallery'>{pictures}</div>"
    for name, block in blocks.items():
        for room in range(500, 960, 90):
            look = f"<h2>Chapter</h2><section class='look'><h3>Look</h3><p>Said.</p><p>{name} note</p>{block}"
            page = visit(write_bare(tmp_path, f"<div style='height:{room}px'></div>{look}</section>"))
            _, texts = print_sheets(page, tmp_path / "x.pdf")
            (sheet,) = [joined for text in texts if "Chapter" in (joined := "".join(text.split()))]
            last = 9 if name == "b" else 8
            assert all(one in sheet for one in ("Look", "Said", "note", f"{name}0", f"{name}{last}")), room


def test_number_and_unit_stay_together_in_a_narrow_cell() -> None:
    html = close_up('<table><td class="n" title="5 %">87.37 to 95.31 %</td></table><p>5 %</p>')
    assert html == (
        '<table><td class="n" title="5 %">87.37 to 95.31\N{NO-BREAK SPACE}%</td></table><p>5 %</p>'
    )
