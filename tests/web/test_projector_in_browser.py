"""Large type for a room: one key, or one button, remembered, and out of the way of whoever types."""

from pathlib import Path
from typing import Any

import pytest

from .browsing import wait_until
from .conftest import serving

pytestmark = [pytest.mark.thorough, pytest.mark.browser]

ZOOM = "() => Number(getComputedStyle(document.body).zoom)"


def test_one_key_makes_type_large_and_is_remembered(page: Any, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    with serving(tmp_path / "runs") as address:
        page.goto(address)
        page.get_by_role("heading", name="No runs yet").wait_for()
        button = page.get_by_role("button", name="Projector")
        assert button.get_attribute("aria-pressed") == "false"
        page.keyboard.press("p")
        assert page.evaluate(ZOOM) == 1.5
        assert button.get_attribute("aria-pressed") == "true"
        page.reload()
        wait_until(page, "() => Number(getComputedStyle(document.body).zoom) === 1.5")
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
        button.click()
        assert page.evaluate(ZOOM) == 1


def test_the_key_is_a_letter_to_whoever_types(page: Any, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    with serving(tmp_path / "runs") as address:
        page.goto(address)
        page.get_by_role("heading", name="No runs yet").wait_for()
        page.evaluate("() => { const box = document.createElement('input'); main.append(box); box.focus(); }")
        page.keyboard.press("p")
        assert page.evaluate("() => document.activeElement.value") == "p"
        assert page.evaluate(ZOOM) == 1
        page.keyboard.press("Control+p")
        assert page.evaluate(ZOOM) == 1


def test_no_column_of_a_long_table_is_cut(page: Any, tmp_path: Path) -> None:
    """A table that fits without a projector fits with it, and is no smaller than without."""
    (tmp_path / "runs").mkdir()
    with serving(tmp_path / "runs") as address:
        page.goto(address)
        page.get_by_role("heading", name="No runs yet").wait_for()
        page.evaluate(
            """() => {
                const box = document.createElement("div");
                box.className = "scroll long";
                box.innerHTML = `<table><tr>${"<td>a column, some words</td>".repeat(6)}</tr></table>`;
                for (const cell of box.querySelectorAll("td")) {
                    cell.style.whiteSpace = "nowrap";
                    cell.style.minWidth = "180px";
                }
                box.style.width = "1200px";
                box.style.maxWidth = "100%";
                main.append(box);
            }"""
        )
        box = "document.querySelector('.long')"
        cut = f"() => {box}.scrollWidth - {box}.clientWidth"
        assert page.evaluate(cut) <= 1, "it fits in the first place"
        page.keyboard.press("p")
        assert page.evaluate(cut) <= 1
        assert page.evaluate("() => Number(document.querySelector('.long table').style.zoom)") >= 1 / 1.5
        page.evaluate(
            "() => { const one = document.querySelector('.scroll'); one.replaceWith(one.cloneNode(true)); }"
        )
        wait_until(page, f"() => ({cut})() <= 1")
        page.keyboard.press("p")
        assert page.evaluate("() => document.querySelector('.long table').style.zoom") == ""
