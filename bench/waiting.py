"""How long one waits for what one types: verbs that look at what is there, a first training, and the page.

usage: python bench/waiting.py [--rounds N] [WORD …]

Seconds by the clock from the start of a process to its end, as one types it, in a folder with one run of the
digits and one of a narrower network; of `loupe open` until it answers. Beside each stands whether the process
imported torch, which alone takes a second or two. Medians, with the fastest and the slowest; the first round,
in which files come from disk and `loupe show` computes what it keeps, is left out. WORDs are verbs,
all if left out.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

LIMITS = {  # the verb, and after how many seconds one has waited too long
    "--help": 0.6,
    "train --help": 0.6,
    "recipes": 0.6,
    "studies": 0.6,
    "list": 0.6,
    "show digits": 0.6,
    "compare digits narrow": 0.6,
    "ask digits": 2.0,
    "inspect digits": 4.0,
    "open": 2.0,
    "train digits": 12.0,
}
TELL_OF_TORCH = (
    "import sys, loupe.cli; loupe.cli.main(sys.argv[1:]); print('torch' in sys.modules, file=sys.stderr)"
)


def run(arguments: list[str], place: Path) -> float:
    """Return how long a verb takes."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "loupe", *arguments], cwd=place, check=True, capture_output=True)
    return time.perf_counter() - started


def open_page(place: Path) -> float:
    """Return how long it takes until the page answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = time.perf_counter()
    command = [sys.executable, "-m", "loupe", "open", "--port", str(port), "--no-browser"]
    server = subprocess.Popen(command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while server.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.02)
            else:
                return time.perf_counter() - started
    finally:
        server.terminate()
        server.wait()
    raise SystemExit(f"loupe open ended with {server.returncode}")


def imports_torch(arguments: list[str], place: Path) -> bool:
    """Return whether a verb imports torch."""
    command = [sys.executable, "-c", TELL_OF_TORCH, *arguments]
    said = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True).stderr
    return said.split()[-1] == "True"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("words", nargs="*", metavar="WORD")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="waiting-") as folder:
        place = Path(folder)
        for kind in ("CACHE", "STATE"):
            os.environ[f"XDG_{kind}_HOME"] = str(place / kind.lower())
        run(["train", "digits"], place)
        run(["train", "digits", "name=narrow", "model.width=1"], place)
        print("| `loupe …` | seconds | at most | imports torch |\n|---|---|---|---|")
        for verb in LIMITS:
            if options.words and not any(verb.startswith(word) for word in options.words):
                continue
            arguments = verb.split()
            again = ["--out", "again.html"] if verb.startswith("compare") else []
            times = []
            for number in range(options.rounds + 1):
                if verb.startswith("inspect"):
                    again = ["--out", f"inside-{number}"]
                times.append(open_page(place) if verb == "open" else run([*arguments, *again], place))
            seconds = times[1:]
            spread = f"{statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"
            if verb == "open":
                needs = "after the page"
            else:
                out = ["--out", "torch"] if again else []
                is_needed = verb == "train digits" or imports_torch([*arguments, *out], place)
                needs = "yes" if is_needed else "no"
            print(f"| `{verb}` | {spread} | {LIMITS[verb]:g} | {needs} |", flush=True)


if __name__ == "__main__":
    main()
