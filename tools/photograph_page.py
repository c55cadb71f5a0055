"""Photograph every page of `loupe open` at three widths in both themes, one sheet a page, and two covers.

usage: python tools/photograph_page.py [FOLDER] [--whole FOLDER]

Trains, studies and searches on the digits that ship with Loupe (some minutes on two CPU cores), serves what
came of it, and opens it in Debian's Chromium. `--whole` keeps each photograph in full size too.
"""

import argparse
import contextlib
import io
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

import loupe
from loupe.searches.loading import load_search
from loupe.searches.run import run_search
from loupe.studies.loading import load_study
from loupe.studies.run import run_study
from loupe.training import Observer, TrainingState
from loupe.web.application import create_app
from loupe.web.server import build_server, listen

CHROMIUM = "/usr/bin/chromium"
WIDTHS = (1400, 900, 420)
SHOWN = 0.36  # of the size in the browser
MOST_PIXELS = 1900  # of a page's height; what is below is not on the sheet
QUICK = ("run.threads=1", "evaluate.look_inside=false")


@dataclass(frozen=True)
class Page:
    """A page to be photographed.

    Args:
        name: of the sheet's file.
        heading: in the gallery.
        text: what can be seen.
        address: behind `#/`.
        wait: a selector that is there when the page is.
        top: a selector; what is above it is not on the sheet.
    """

    name: str
    heading: str
    text: str
    address: str
    wait: str
    top: str = ""


def list_pages(runs: dict[str, str]) -> list[Page]:
    """Return the pages, in the order of a visit."""
    inside = f"inside/{runs['digits']}?image=validation-5"
    return [
        Page("page-runs", "Runs", "The table, live.", "runs", "tr.running progress"),
        Page("page-live", "A run while it trains", "Curves so far.", f"run/{runs['live']}", ".chart svg"),
        Page("page-run", "A run", "What its report says.", f"run/{runs['digits']}", ".confusion"),
        Page(
            "page-mistakes",
            "A run, further below",
            "Mistakes with the images behind them, nearest training images, the map of the validation set.",
            f"run/{runs['narrow']}",
            ".map svg",
            "#mistakes",
        ),
        Page(
            "page-compare",
            "Side by side",
            "A run and a series of seeds: curves, bands, whether it is more than noise.",
            f"compare?run={runs['digits']}&run={runs['narrow']}&run={runs['seeds']}",
            ".chart .band",
        ),
        Page("page-inside", "Inside", "A picture, the answer, the layers.", inside, ".layers canvas"),
        Page(
            "page-number",
            "A number",
            "The arithmetic that made one number of a layer.",
            f"{inside}&layer=conv2&at=5.2.3",
            ".equation",
        ),
        Page("page-data", "Data card", "Measured.", f"data/{runs['digits']}", ".bars.balance"),
        Page("page-studies", "Studies and searches", "What there is.", "studies", "ul.works li"),
        Page("page-study", "A study", "Bands over an axis.", "study/width-and-images", ".chart .band"),
        Page("page-arms", "Another study", "Arms side by side.", "study/ingredients", "figure.figure img"),
        Page("page-search", "A search", "What was tried.", "search/rates", ".chart svg"),
        Page("page-api", "Interface", "Every address.", "api", "details.operation"),
    ]


def make_works() -> dict[str, str]:
    """Train, study and search in the working directory, and return the names of the runs."""
    names = {
        "digits": loupe.train("digits", "name=digits", "run.threads=1").path.name,
        "narrow": loupe.train("digits", "name=narrow", "model.width=1", *QUICK).path.name,
        "seeds": loupe.train(
            "digits", "name=three-seeds", "model.width=1", "run.seeds=[0, 1, 2]", *QUICK
        ).path.name,
    }
    common = {
        "recipe": "digits",
        "set": {"train": {"epochs": 6}, "evaluate": {"look_inside": False}},
        "seeds": [0, 1, 2],
    }
    sizes = {"field": "data.fraction", "label": "part of the training images", "values": [0.1, 0.3, 0.6, 1.0]}
    width = {
        **common,
        "name": "width-and-images",
        "question": "Does a wider network need more images?",
        "arms": {"width 1": {"model.width": 1}, "width 3": {"model.width": 3}},
        "axes": {"images": sizes},
    }
    too_hot = {"train.optimizer": {"name": "sgd", "learning_rate": 1e30}, "train.clip_norm": "none"}
    arms = {
        **common,
        "name": "ingredients",
        "question": "Which ingredients of the recipe carry it?",
        "arms": {
            "whole recipe": {},
            "without augmentation": {"data.augment": []},
            "without smoothing": {"train.label_smoothing": 0.0},
            "one epoch": {"train.epochs": 1},
            "far too hot": too_hot,
        },
    }
    for study in (width, arms):
        run_study(load_study(study), Path("studies"), engine="serial")
    search = {
        "name": "rates",
        "about": "optimizer, rate and width for the digits that ship with Loupe",
        "recipe": "digits",
        "set": {"train": {"epochs": 5}, "data": {"fraction": 0.5}, "evaluate": {"look_inside": False}},
        "trials": 18,
        "top": 2,
        "fresh_seeds": 2,
        "space": {
            "train.optimizer": {"kind": "choice", "values": ["adam", "sgd"]},
            "train.optimizer.learning_rate": {"kind": "float", "low": 1e-4, "high": 0.3, "log": True},
            "model.width": {"kind": "int", "low": 1, "high": 3},
        },
    }
    run_search(load_search(search), Path("searches"), engine="serial")
    return names


@contextlib.contextmanager
def training() -> Iterator[str]:
    """Give the name of a run that trains, and holds on in an epoch, as long as the block lasts."""
    goes_on, waits = threading.Event(), threading.Event()

    class Waiting(Observer):
        def on_epoch_end(self, state: TrainingState) -> None:
            if state.epoch == 7:
                waits.set()
                goes_on.wait()

    changes = ("name=live", "train.epochs=12", *QUICK)
    thread = threading.Thread(
        target=loupe.train, args=("digits", *changes), kwargs={"observers": [Waiting()]}
    )
    thread.start()
    waits.wait()
    try:
        yield next(Path("runs").glob("live-*")).name
    finally:
        goes_on.set()
        thread.join()


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Give the address of a server that runs inside the block."""
    listening = listen("127.0.0.1", 0)
    server = build_server(create_app(Path("runs")))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def photograph(browser: Any, address: str, page: Page, width: int, theme: str) -> Image.Image:
    """Return a page as it is in a browser of a width and theme, from its top to its end."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    one = context.new_page()
    one.add_init_script("localStorage.setItem('loupe-tour', 'done')")
    one.goto(f"{address}/#/{page.address}")
    one.locator(page.wait).first.wait_for(state="attached")
    one.wait_for_timeout(700)  # pictures and answers that follow
    picture = Image.open(io.BytesIO(one.screenshot(full_page=True)))
    if page.top:
        box = one.locator(page.top).first.bounding_box()
        assert box is not None
        picture = picture.crop((0, round(box["y"]), picture.width, picture.height))
    context.close()
    return picture.convert("RGB")


def lay_out(pictures: list[Image.Image]) -> Image.Image:
    """Return photographs side by side, smaller, cut off below."""
    small = []
    for picture in pictures:
        cut = picture.crop((0, 0, picture.width, min(picture.height, MOST_PIXELS)))
        size = round(SHOWN * cut.width), round(SHOWN * cut.height)
        small.append(cut.resize(size, Image.Resampling.LANCZOS))
    gap = 14
    width = sum(one.width + gap for one in small) + gap
    sheet = Image.new("RGB", (width, max(one.height for one in small) + 2 * gap), "#8a919c")
    left = gap
    for one in small:
        sheet.paste(one, (left, gap))
        left += one.width + gap
    return sheet


def photograph_cover(browser: Any, address: str, wait: str) -> Image.Image:
    """Return the upper part of a page in the light theme, as the README shows it."""
    context = browser.new_context(viewport={"width": 1160, "height": 870}, color_scheme="light")
    one = context.new_page()
    one.add_init_script("localStorage.setItem('loupe-tour', 'done')")
    one.goto(address)
    one.locator(wait).first.wait_for(state="attached")
    one.wait_for_timeout(700)
    picture = Image.open(io.BytesIO(one.screenshot())).convert("RGB")
    context.close()
    return picture


def photograph_all(out: Path, whole: Path | None = None) -> list[Page]:
    """Write a sheet a page, and return the pages."""
    out, whole = out.resolve(), whole.resolve() if whole is not None else None
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), sync_playwright() as driver:
        names = make_works()
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with training() as live, serving() as address:
            pages = list_pages({**names, "live": live})
            for page in pages:
                pictures = []
                for theme in ("light", "dark"):
                    for width in WIDTHS:
                        pictures.append(photograph(browser, address, page, width, theme))
                        if whole is not None:
                            pictures[-1].save(whole / f"{page.name}-{width}-{theme}.png")
                lay_out(pictures).save(out / f"{page.name}.webp", quality=62, method=6)
            number = next(page for page in pages if page.name == "page-number")
            covers = {
                "cover-report": ((Path("runs") / names["digits"] / "report.html").resolve().as_uri(), "h1"),
                "cover-page": (f"{address}/#/{number.address}", number.wait),
            }
            for name, place in covers.items():
                photograph_cover(browser, *place).save(out / f"{name}.webp", quality=75, method=6)
        browser.close()
    return pages


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("pages"))
    parser.add_argument("--whole", type=Path)
    given = parser.parse_args()
    for wanted in filter(None, (given.folder, given.whole)):
        wanted.mkdir(parents=True, exist_ok=True)
    photograph_all(given.folder, given.whole)
