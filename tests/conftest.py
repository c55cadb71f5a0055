"""What all tests share: official data if it is at hand, a cache of their own, small real datasets."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from loupe.data import Dataset, ImageDataset, load_dataset

from .quick_runs import train as train
from .reported_run import reported as reported

TESTS = Path(__file__).parent

settings.register_profile("loupe", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("loupe")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what shares trained runs on one process, which trains them once: a module, or all of web."""
    for item in items:
        module = item.path.relative_to(TESTS)
        item.add_marker(pytest.mark.xdist_group("web" if module.parts[0] == "web" else str(module)))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's cache and state out of the tests, and the tests out of them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture(autouse=True)
def _undisturbed_torch() -> Iterator[None]:
    """Every test starts from the same numbers, and leaves generator and threads as they were for the next."""
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.manual_seed(0)
    yield
    torch.set_rng_state(state)
    torch.set_num_threads(threads)


def official_data() -> Path | None:
    named = os.environ.get("LOUPE_DATA")
    return Path(named) if named and Path(named).is_dir() else None


needs_official_data = pytest.mark.skipif(
    official_data() is None,
    reason="LOUPE_DATA does not name a folder with the official CIFAR-10 and Fashion-MNIST files",
)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load_dataset("digits")


@pytest.fixture
def few_digits(digits: Dataset) -> ImageDataset:
    return digits.train.select(torch.arange(200))
