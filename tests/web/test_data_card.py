"""The data card of many classes: a page of them at a time."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import torch
from PIL import Image

import loupe

from .browsing import CHROMIUM, hold_back, wait_until
from .conftest import QUICK, serving

NUM_CLASSES = 90


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Give the address of a server, and the run of ninety classes it has."""
    folder = tmp_path_factory.mktemp("many")
    generator = torch.Generator().manual_seed(0)
    for label in range(NUM_CLASSES):
        for side, count in (("train", 3 + label % 3), ("validation", 1), ("test", 1)):
            place = folder / "crops" / side / f"class-{label:02d}"
            place.mkdir(parents=True)
            for number in range(count):
                pixels = torch.randint(0, 256, (8, 8), generator=generator, dtype=torch.uint8)
                Image.fromarray(pixels.numpy()).save(place / f"{number}.png")
    data = ("data.name=folder", f"data.path={folder / 'crops'}")
    short = (*(one for one in QUICK if "fraction" not in one), "train.epochs=1", "model.width=1")
    run = loupe.train("digits", *data, *short, f"run.folder={folder / 'runs'}", progress=False)
    with serving(folder / "runs") as address:
        yield address, run.path.name


def test_pictures_of_many_classes_come_a_page_at_a_time(many: tuple[str, str]) -> None:
    address, run = many
    with httpx.Client(base_url=f"{address}/api/runs/{run}", timeout=60) as client:
        card = client.get("/data").json()
        first = card["one_per_class"]
        assert (first["total"], first["num_pages"], len(first["images"])) == (NUM_CLASSES, 3, 40)
        pages = [client.get("/data/classes", params={"page": page}).json() for page in range(4)]
    assert pages[0] == first
    assert pages[3] == pages[2]  # the last there is
    names = [one["true_class"] for page in pages[:3] for one in page["images"]]
    assert names == card["class_names"]
    counts = card["counts"]["training"]
    drawn = [counts[label] for label in card["balance_classes"]]
    assert len(drawn) == 40
    assert drawn == sorted(drawn, reverse=True)
    assert (drawn[0], drawn[-1]) == (max(counts), min(counts))


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt install chromium")
def test_the_card_of_many_classes_is_turned_and_unfolded(page: Any, many: tuple[str, str]) -> None:
    address, run = many
    page.goto(f"{address}/#/data/{run}")
    shown = page.locator(".strip.large figure")
    shown.first.wait_for()
    assert shown.count() == 40
    assert page.locator(".bars.balance .track").count() == 40
    page.get_by_text("20 classes with the most and 20 with the fewest training images").wait_for()
    page.get_by_role("button", name="on ›").click()
    page.get_by_text("page 2 of 3").wait_for()
    assert shown.first.locator("figcaption").inner_text() == "class-40"
    held = hold_back(page, "**/data/classes*")
    for _ in range(2):
        page.get_by_role("button", name="on ›").click()
    wait_until(page, "() => document.querySelectorAll('.strip.large figure').length === 40")
    page.unroute("**/data/classes*")
    page.get_by_text("page 3 of 3").wait_for()
    assert shown.count() == 10
    assert held
    page.get_by_text("All 90 classes").click()
    wait_until(page, "() => document.querySelectorAll('details .bars.balance .track').length === 90")
