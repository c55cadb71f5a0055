"""The page of an audit in Chromium, from a file: decided by keyboard alone, saved as a list for recipes."""

from pathlib import Path
from typing import Any

import pytest

from loupe.audits.audit import audit_recipe
from loupe.data.corrections import read_corrections
from loupe.running import load_recipe
from loupe.running.recipe_data import load_recipe_data, split_recipe_data

from .browsing import CHROMIUM
from .conftest import serving

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt install chromium"),
]

CHANGES = (
    "model={name='mlp', widths=[8]}",
    "data.augment=[]",
    "train.epochs=2",
    "train.clean_train_images=0",
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of an audit by two poor networks, which doubt many labels."""
    out = tmp_path_factory.mktemp("audits")
    return audit_recipe(load_recipe("digits", CHANGES), out, num_folds=2, engine="serial").folder.page_file


@pytest.fixture
def visit(browser: Any, file: Path) -> Any:
    """Open the page with a theme and a width; it may complain of nothing and ask for nothing."""
    contexts, complaints, asked = [], [], []

    def go(theme: str = "light", width: int = 1200) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda question: asked.append(question.url))
        page.goto(file.resolve().as_uri())
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in asked)


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_decided_by_keyboard_and_read_by_a_recipe(visit: Any, tmp_path: Path) -> None:
    page = visit()
    cards = page.locator(".suspect").evaluate_all("cards => cards.map(card => ({...card.dataset}))")
    assert len(cards) > 5
    press(page, "ArrowDown", "r", "d", "k", "c")
    other = next(str(label) for label in range(10) if str(label) != cards[3]["label"])
    page.keyboard.type(other)
    press(page, "Enter", "d", "ArrowUp", "u")
    assert page.inner_text("#counts") == "2 relabelled, 1 dropped, 1 kept"
    assert page.evaluate("document.activeElement.dataset.index") == cards[4]["index"]
    with page.expect_download() as caught:
        page.keyboard.press("s")
    assert caught.value.suggested_filename == "corrections.csv"
    place = tmp_path / "corrections.csv"
    caught.value.save_as(place)
    decided = {str(one.index): (one.action, one.label) for one in read_corrections(place).lines}
    assert decided == {
        cards[0]["index"]: ("relabel", cards[0]["suggested"]),
        cards[1]["index"]: ("drop", ""),
        cards[2]["index"]: ("keep", ""),
        cards[3]["index"]: ("relabel", other),
    }
    recipe = load_recipe("digits", [*CHANGES, f"data.corrections={place}"])
    (said,) = split_recipe_data(recipe, load_recipe_data(recipe)).changes
    counts = [int(word) for word in said.replace(";", "").split() if word.isdecimal()]
    assert counts[0] + counts[2] == 2
    assert counts[1] + counts[3] == 1


def test_what_was_decided_is_remembered_and_a_mouse_does_too(visit: Any) -> None:
    page = visit()
    page.locator(".suspect").first.get_by_role("button", name="drop").click()
    page.locator(".suspect").nth(1).get_by_role("button", name="relabel").click()
    page.reload()
    assert page.inner_text("#counts") == "1 relabelled, 1 dropped, 0 kept"
    pressed = page.locator('.suspect button[aria-pressed="true"]')
    assert pressed.count() >= 2
    press(page, "ArrowDown", "u", "u")
    assert page.inner_text("#counts") == "1 relabelled, 0 dropped, 0 kept"


def test_the_page_of_runs_leads_there_and_decisions_are_saved_though_nothing_is_remembered(
    browser: Any, file: Path, tmp_path: Path
) -> None:
    with serving(tmp_path / "runs", audits=file.parents[1]) as address:
        context = browser.new_context(viewport={"width": 1200, "height": 900})
        page = context.new_page()
        page.goto(f"{address}/#/studies")
        item = page.locator("li", has_text="training and validation images")
        assert "to look at among 1,437 images" in item.inner_text()
        with context.expect_page() as opened:
            item.get_by_role("link", name="digits").click()
        review = opened.value
        review.wait_for_selector(".suspect")
        assert "Nothing is remembered here: save before you close" in review.inner_text("#counts")
        press(review, "ArrowDown", "d")
        assert review.inner_text("#counts").startswith("0 relabelled, 1 dropped, 0 kept.")
        with review.expect_download() as caught:
            review.keyboard.press("s")
        place = tmp_path / "corrections.csv"
        caught.value.save_as(place)
        assert [one.action for one in read_corrections(place).lines] == ["drop"]
        context.close()


@pytest.mark.parametrize("width", [1200, 800, 420])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_too_wide_too_pale_or_without_a_name(visit: Any, theme: str, width: int) -> None:
    page = visit(theme, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if not AXE.is_file():
        pytest.skip("axe-core is not there: npm ci (make test does it)")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    violations = page.evaluate("async () => (await axe.run()).violations")
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in violations] == []
