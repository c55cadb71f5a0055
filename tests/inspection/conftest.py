from collections.abc import Iterator

import pytest

from loupe.runtime import computing


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Networks and batches this small are slower on several."""
    with computing(threads=1):
        yield
