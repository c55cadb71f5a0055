"""A real server on a port of its own, over runs trained once, and questions to it over HTTP."""

import contextlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from PIL import Image

import loupe
from loupe.searches.folder import SearchFolder
from loupe.searches.loading import load_search
from loupe.searches.run import run_search
from loupe.studies.folder import StudyFolder
from loupe.studies.loading import load_study
from loupe.studies.run import run_study
from loupe.web.application import create_app
from loupe.web.server import build_server, listen

from .browsing import browser as browser
from .browsing import page as page
from .report_files import report_files as report_files
from .report_files import visit as visit

QUICK = ("data.fraction=0.3", "train.clean_train_images=0", "evaluate.look_inside=false", "run.threads=1")


@dataclass
class Runs:
    """The folder, and the identifiers of what was trained in it."""

    folder: Path
    good: str  # tells digits apart
    weak: str
    autoencoder: str
    series: str


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("page") / "runs"
    before, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(1)
    common = (*QUICK, f"run.folder={folder}")

    def train(*overrides: str) -> str:
        return loupe.train("digits", *common, *overrides).path.name

    trained = Runs(
        folder,
        good=train("name=good", "data.fraction=1.0", "train.epochs=12", "model.width=2"),
        weak=train("name=weak", "train.epochs=2", "model.width=1"),
        autoencoder=train(
            *("name=remade", "train.epochs=2", "data.normalize=unit", "data.augment=[]"),
            *("model=autoencoder", "model.widths=[16]", "train.label_smoothing=0"),
        ),
        series=train("name=seeds", "train.epochs=2", "model.width=1", "run.seeds=[0, 1]"),
    )
    torch.set_num_threads(before)
    torch.set_rng_state(state)
    return trained


@contextlib.contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[str]:
    """Give the address of a server that runs inside the block."""
    listening = listen("127.0.0.1", 0)
    server = build_server(create_app(folder, **settings))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


@pytest.fixture(scope="session")
def address(runs: Runs) -> Iterator[str]:
    with serving(runs.folder) as found:
        yield found


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=60) as one:
        yield one


Encode = Callable[..., bytes]


@pytest.fixture(scope="session")
def encode() -> Encode:
    """Return a function that encodes (height, width) or (height, width, 3) pixels."""

    def encode_pixels(pixels: Any, kind: str = "PNG") -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, kind)
        return buffer.getvalue()

    return encode_pixels


@dataclass
class Works:
    """A study and a search beside the runs, and the address that shows them."""

    address: str
    study: StudyFolder
    grid: StudyFolder
    search: SearchFolder


@pytest.fixture(scope="session")
def works(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    """Two small studies (over an axis, and arms side by side with one that fails) and a search, done once."""
    folder = tmp_path_factory.mktemp("works")
    before, state = torch.get_num_threads(), torch.get_rng_state()
    common = {
        "recipe": "digits",
        "set": {
            "data": {"fraction": 0.2},
            "model": {"width": 1},
            "train": {"epochs": 2, "clean_train_images": 0},
            "evaluate": {"look_inside": False},
        },
        "seeds": [0, 1],
    }
    over_axis = {
        **common,
        "name": "over-size",
        "question": "Does a wider network need more images?",
        "arms": {"narrow": {}, "wide": {"model.width": 2}},
        "axes": {"part": {"field": "data.fraction", "values": [0.1, 0.2, 0.3, 0.4]}},
        "fit": "power-law",
    }
    hot = {"train.optimizer": {"name": "sgd", "learning_rate": 1e30}, "train.clip_norm": "none"}
    side_by_side = {**common, "name": "arms", "arms": {"plain": {}, "flat": {"train.epochs": 1}, "hot": hot}}
    for study in (over_axis, side_by_side):
        run_study(load_study(study), folder / "studies", engine="serial")
    search = load_search({
        **{name: value for name, value in common.items() if name != "seeds"},
        "name": "rates",
        "about": "rate and width of the smallest network",
        "trials": 4, "top": 2, "fresh_seeds": 2, "pruner": "none",
        "space": {
            "train.optimizer.learning_rate": {"kind": "float", "low": 1e-4, "high": 0.1, "log": True},
            "model.width": {"kind": "int", "low": 1, "high": 2},
        },
    })  # fmt: skip
    run_search(search, folder / "searches", engine="serial")
    torch.set_num_threads(before)
    torch.set_rng_state(state)
    studies, searches = folder / "studies", folder / "searches"
    with serving(runs.folder, studies=studies, searches=searches) as found:
        yield Works(
            found,
            StudyFolder(studies / "over-size"),
            StudyFolder(studies / "arms"),
            SearchFolder(searches / "rates"),
        )
