"""How long the page's server takes to answer: one look into a network, and what follows it.

usage: python bench/page.py [--rounds N]

A `cnn` on the digits and a `resnet` 18 on colour images of 32 x 32 pixels (noise: the time does not depend on
what they show), each trained for one epoch on few images. Nearest training images are asked for while more of
them are searched in the background. Questions go over HTTP to a real server; each round asks with another
image. Milliseconds are medians, with the fastest and the slowest.
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import torch
from PIL import Image

import loupe
from loupe.runtime import describe_device
from loupe.web.application import create_app
from loupe.web.server import build_server, listen

QUICK = ("train.epochs=1", "train.clean_train_images=0", "evaluate.look_inside=false", "evaluate.test=false")


def make_noise(folder: Path) -> None:
    """Write two classes of a hundred and twenty images."""
    generator = np.random.default_rng(0)
    for name in ("one", "other"):
        (folder / name).mkdir(parents=True)
        for index in range(120):
            pixels = generator.integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")


def train_networks(folder: Path) -> dict[str, str]:
    """Return the identifiers of the runs by what they are."""
    make_noise(folder / "noise")
    runs = f"run.folder={folder / 'runs'}"
    cnn = loupe.train("digits", *QUICK, runs, "name=cnn")
    noise = {"name": "resnet18", "data": {"name": "folder", "path": str(folder / "noise"), "validation": 20}}
    resnet = loupe.train(noise, *QUICK, runs, "model=resnet", "model.depth=18", "train.batch_size=20")
    return {"cnn, 8 x 8 grey": cnn.path.name, "resnet 18, 32 x 32 colour": resnet.path.name}


def ask(client: httpx.Client, run: str, middle: str) -> dict[str, Callable[[int], httpx.Response]]:
    """Return the questions, each a function of the round."""
    path = f"/api/runs/{run}"

    def of(number: int) -> str:
        return f"validation-{number % 20}"

    def about(what: str, **query: object) -> Callable[[int], httpx.Response]:
        return lambda number: client.get(f"{path}/{what}", params={"image": of(number), **query})  # type: ignore[dict-item]  # numbers are fine

    return {
        "predict": lambda number: client.post(f"{path}/predict", json={"images": [of(number)]}),
        "inspect (all layers)": lambda number: client.post(f"{path}/inspect", json={"image": of(number)}),
        "maps of the middle layer": about("maps", layer=middle),
        "a number of the middle layer": about("number", layer=middle, channel=1, row=1, column=1),
        "grad-cam": about("reasons", method="grad-cam"),
        "occlusion": about("reasons", method="occlusion"),
        "nearest training images": about("nearest-neighbours"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    print(
        f"{describe_device(torch.device('cpu'))}, torch {torch.__version__}, n = {rounds} a row, one warms up"
    )
    with tempfile.TemporaryDirectory() as folder:
        networks = train_networks(Path(folder))
        listening = listen("127.0.0.1", 0)
        server = build_server(create_app(Path(folder) / "runs"))
        threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True).start()
        print("| network | question | median | fastest to slowest |\n|---|---|---|---|")
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with httpx.Client(base_url=address, timeout=300) as client:
            for name, run in networks.items():
                seen = client.post(f"/api/runs/{run}/inspect", json={"image": "validation-0"}).json()
                convolutions = [one["name"] for one in seen["layers"] if "Conv" in one["kind"]]
                for question, put in ask(client, run, convolutions[len(convolutions) // 2]).items():
                    times = []
                    for number in range(rounds + 1):
                        started = time.perf_counter()
                        put(number).raise_for_status()
                        times.append(1000 * (time.perf_counter() - started))
                    times = times[1:]
                    spread = f"{min(times):.0f} to {max(times):.0f} ms"
                    print(
                        f"| {name} | {question} | {statistics.median(times):.0f} ms | {spread} |", flush=True
                    )
        server.should_exit = True
        time.sleep(1)


if __name__ == "__main__":
    main()
