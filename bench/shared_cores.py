"""How long a training takes alone, and beside another one that computes on all cores.

usage: python bench/shared_cores.py [--rounds N] [--recipe NAME] [--epochs N]

Seconds by the clock from the start of a process to its end, as one types `loupe train`: with threads that
wait for one another as Loupe has it (GOMP_SPINCOUNT=1000), as the OpenMP of torch does by itself (it turns in
place for 300,000 rounds before it sleeps), and on one thread. The other training is of `fast-net`, step after
step. Ways in turn; medians of the rounds, with the fastest and the slowest.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from spreads import spread

WAYS = {
    "as Loupe has it": {"GOMP_SPINCOUNT": "1000"},
    "as torch has it": {"GOMP_SPINCOUNT": "300000"},
    "one thread": {"GOMP_SPINCOUNT": "1000", "OMP_NUM_THREADS": "1"},
}
OTHER = """
import torch, loupe
model = loupe.build_model("fast-net", in_channels=3, image_size=(32, 32), num_classes=10)
optimizer, images = torch.optim.SGD(model.parameters(), lr=0.01), torch.randn(256, 3, 32, 32)
while True:
    optimizer.zero_grad()
    model(images).logsumexp(1).mean().backward()
    optimizer.step()
"""


def time_training(recipe: str, epochs: int, settings: dict[str, str]) -> float:
    """Return the seconds of one training in a folder of its own."""
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "loupe", "train", recipe, f"train.epochs={epochs}"]
        started = time.perf_counter()
        subprocess.run(command, cwd=place, env={**os.environ, **settings}, check=True, capture_output=True)
        return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--recipe", default="digits")
    parser.add_argument("--epochs", type=int, default=5)
    given = parser.parse_args()
    seconds: dict[tuple[str, bool], list[float]] = {}
    for is_beside in (False, True):
        other = subprocess.Popen([sys.executable, "-c", OTHER], cwd=Path.home()) if is_beside else None
        try:
            time.sleep(10 if is_beside else 0)
            for number in range(given.rounds):
                for way, settings in WAYS.items():
                    took = time_training(given.recipe, given.epochs, settings)
                    seconds.setdefault((way, is_beside), []).append(took)
                    print(f"round {number + 1}, {'beside' if is_beside else 'alone'}, {way}: {took:.1f} s")
        finally:
            if other is not None:
                other.kill()
    print(f"\n| `loupe train {given.recipe}`, {given.epochs} epochs | alone | beside another training |")
    print("|---|---|---|")
    for way in WAYS:
        print(f"| {way} | {spread(seconds[way, False])} s | {spread(seconds[way, True])} s |")


if __name__ == "__main__":
    main()
