"""Every kind of page that Loupe writes as a file, made once, and a visitor who opens them from the disk."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loupe.audits.audit import audit_recipe
from loupe.cli import main
from loupe.pitfalls import watch, write_gallery
from loupe.running import load_recipe

if TYPE_CHECKING:
    from .conftest import Runs, Works

KINDS = (
    *("run", "weak", "autoencoder", "series", "comparison", "study", "arms", "search"),
    *("card", "audit", "pitfall", "pitfalls", "inside", "evaluation"),
)
PITFALL = "unbiased-batch-norm"
POOR = ("model={name='mlp', widths=[8]}", "data.augment=[]", "train.epochs=2", "train.clean_train_images=0")

Visit = Callable[..., Any]


@pytest.fixture(scope="session")
def report_files(runs: "Runs", works: "Works", tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of each of KINDS."""
    out = tmp_path_factory.mktemp("reports")
    good, weak = runs.folder / runs.good, runs.folder / runs.weak
    for words in (
        ("compare", str(good), str(weak), "--out", str(out / "comparison.html")),
        ("data", "digits", "--out", str(out)),
        ("inspect", str(weak), "--out", str(out)),
        ("evaluate", str(weak), "--report", str(out / "evaluation.html")),
    ):
        assert main(list(words)) == 0, words
    audit = audit_recipe(load_recipe("digits", POOR), out, num_folds=2, engine="serial")
    write_gallery([watch(PITFALL, (0,))], out / "pitfalls")
    return {
        "run": good / "report.html",
        "weak": weak / "report.html",
        "autoencoder": runs.folder / runs.autoencoder / "report.html",
        "series": runs.folder / runs.series / "report.html",
        "comparison": out / "comparison.html",
        "study": works.study.path / "report.html",
        "arms": works.grid.path / "report.html",
        "search": works.search.path / "report.html",
        "card": next(out.glob("digits/card.html")),
        "audit": audit.folder.page_file,
        "pitfall": out / "pitfalls" / f"{PITFALL}.html",
        "pitfalls": out / "pitfalls" / "index.html",
        "inside": next(out.glob("*/inside.html")),
        "evaluation": out / "evaluation.html",
    }


@pytest.fixture
def visit(browser: Any) -> Iterator[Visit]:
    """Open a file with a theme and a width; it may complain of nothing and ask for nothing."""
    contexts, complaints, asked = [], [], []

    def go(file: Path, theme: str = "light", width: int = 1280) -> Any:
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
