"""Mistakes one can watch, in the interface and on the Course page."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from loupe.pitfalls import PITFALLS, watch, write_pitfall

from .browsing import CHROMIUM
from .conftest import serving


def test_all_are_listed_and_a_page_is_there_once_it_was_carried_out(tmp_path: Path) -> None:
    name = "unstratified-split"
    with serving(tmp_path / "runs") as address:
        before = httpx.get(f"{address}/api/pitfalls").json()
        assert [one["name"] for one in before["pitfalls"]] == list(PITFALLS.names())
        assert not any(one["is_written"] for one in before["pitfalls"])
        missing = httpx.get(f"{address}/api/pitfalls/{name}/page")
        assert missing.status_code == 400
        assert missing.json()["next"] == f"loupe pitfalls {name}"
        page = write_pitfall(watch(name, [0]), tmp_path / "pitfalls")
        after = httpx.get(f"{address}/api/pitfalls").json()
        assert [one["name"] for one in after["pitfalls"] if one["is_written"]] == [name]
        shown = httpx.get(f"{address}/api/pitfalls/{name}/page")
        assert shown.text == page.read_text(encoding="utf-8")
        assert "content-security-policy" in shown.headers
        unknown = httpx.get(f"{address}/api/pitfalls/unstratified-splt/page")
        assert unknown.status_code == 404
        assert "unstratified-split" in unknown.json()["next"]
        assert httpx.get(f"{address}/api/pitfalls/..%2Fruns/page").status_code in (400, 404)


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt install chromium")
def test_the_course_page_leads_to_it(page: Any, tmp_path: Path) -> None:
    write_pitfall(watch("unstratified-split", [0]), tmp_path / "pitfalls")
    with serving(tmp_path / "runs") as address:
        page.goto(f"{address}/#/course")
        page.locator(".pitfalls li").first.wait_for()
        assert page.locator(".pitfalls li").count() == len(PITFALLS.names())
        title = PITFALLS.facts("unstratified-split")["title"]
        page.locator(".pitfalls a").get_by_text(title).click()
        page.locator("h1").get_by_text(title).wait_for()
