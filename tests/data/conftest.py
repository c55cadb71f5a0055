import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread(_undisturbed_torch: None) -> None:
    """On a few small images, threads wait for each other longer than they work."""
    torch.set_num_threads(1)
