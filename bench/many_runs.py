"""How quick `loupe list` and the page stay with a thousand runs, and with ten thousand.

usage: python bench/many_runs.py [--runs N,N] [--rounds N]

One small network is trained on the digits; the other runs are its folder under other names (files linked, not
copied, so that a disk holds them). Measured are `loupe list` as one types it; the server's first answer to
`/api/runs` after its start, when it reads every folder, and those after it, when it looks whether anything
changed; and in Debian's Chromium, where playwright is there: from the address to the first row, and from a
letter typed into the filter to the row it leaves. Medians, with the fastest and the slowest.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import torch

import loupe
from loupe.runtime import describe_device
from loupe.web.application import create_app
from loupe.web.server import build_server, listen

QUICK = ("train.epochs=2", "train.clean_train_images=0", "evaluate.look_inside=false", "model.width=1")
CHROMIUM = "/usr/bin/chromium"


def make_runs(folder: Path, first: Path, number: int) -> None:
    """Fill a folder with runs: `first` under other names, its files linked."""
    files = [file for file in first.rglob("*") if file.is_file()]
    for index in range(number):
        place = folder / f"{'wide' if index % 10 else 'deep'}-2026-01-01-{index:06x}"
        for file in files:
            target = place / file.relative_to(first)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, target)


def measure(work: Callable[[], object], rounds: int) -> str:
    """Return the median of some rounds in seconds, and their ends."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return f"{statistics.median(times):.2f} s ({min(times):.2f} to {max(times):.2f}, n = {rounds})"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Give the address of a server over the runs."""
    listening = listen("127.0.0.1", 0)
    server = build_server(create_app(folder))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


def measure_page(address: str, rounds: int) -> list[tuple[str, str]]:
    """Return how long a visitor waits for the table and its filter; nothing without a browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()

        def come() -> None:
            page.goto("about:blank")
            page.goto(f"{address}/#/runs")
            page.locator("table.runs tbody tr").first.wait_for(timeout=600_000)

        def narrow() -> None:
            page.get_by_label("Filter runs").fill("deep-2026-01-01-00000a")
            page.locator("table.runs tbody tr:only-child").wait_for(timeout=600_000)
            page.get_by_label("Filter runs").fill("")
            page.locator("table.runs tbody tr:nth-child(2)").wait_for(timeout=600_000)

        rows = [
            ("page, to the first row", measure(come, rounds)),
            ("filter, there and back", measure(narrow, rounds)),
        ]
        browser.close()
    return rows


def measure_all(number: int, rounds: int, parent: Path, first: Path) -> list[tuple[str, str]]:
    """Return what is measured with a number of runs, a row each."""
    folder = parent / f"runs-{number}"
    make_runs(folder, first, number)
    verb = [sys.executable, "-m", "loupe", "list", str(folder)]
    rows = [("`loupe list`", measure(lambda: subprocess.run(verb, check=True, capture_output=True), rounds))]
    with serving(folder) as address, httpx.Client(base_url=address, timeout=600) as client:

        def ask() -> None:
            client.get("/api/runs").raise_for_status()

        rows.append(("server, first answer", measure(ask, 1)))
        rows.append(("server, answers after it", measure(ask, rounds)))
        rows += measure_page(address, rounds)
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", default="1000,10000", help="numbers of runs, with commas between")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    numbers = [int(one) for one in given.runs.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        first = loupe.train("digits", *QUICK, f"run.folder={folder}/first").path
        found = [measure_all(number, given.rounds, Path(folder), first) for number in numbers]
    print(f"{describe_device(torch.device('cpu'))}\n")
    print(f"| | {' | '.join(f'{number:,} runs' for number in numbers)} |")
    print("|---|" + "---|" * len(numbers))
    for row in zip(*found, strict=True):
        print(f"| {row[0][0]} | {' | '.join(text for _, text in row)} |")


if __name__ == "__main__":
    main()
