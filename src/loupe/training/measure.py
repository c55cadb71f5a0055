"""Loss and accuracy of a network as it stands: evaluation mode, no augmentation, exact averages."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from loupe.data.batches import Batch
from loupe.training.losses import negative_log_likelihood


@dataclass(frozen=True)
class Measured:
    """Mean negative log likelihood (nats) and accuracy in [0, 1] over `num_images`."""

    loss: float
    accuracy: float
    num_images: int


class Tally:
    """Sums over examples, kept on the device; a smaller last batch weighs no more than its images."""

    def __init__(self, device: torch.device) -> None:
        # MPS has no float64
        dtype = torch.float32 if device.type == "mps" else torch.float64
        self._loss = torch.zeros((), dtype=dtype, device=device)
        self._correct = torch.zeros((), dtype=torch.int64, device=device)
        self.num_images = 0

    def add(self, mean_loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count a batch: its mean loss (scalar), logits (batch, classes) and labels (batch,)."""
        self._loss += mean_loss.detach() * len(labels)
        self._correct += (logits.detach().argmax(1) == labels).sum()
        self.num_images += len(labels)

    def result(self) -> Measured:
        return Measured(
            float(self._loss) / self.num_images, int(self._correct) / self.num_images, self.num_images
        )


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put the model into evaluation mode without gradients, and back as it was afterwards."""
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(was_training)


def measure(model: nn.Module, batches: Iterable[Batch]) -> Measured:
    """Return loss and accuracy over all batches."""
    tally: Tally | None = None
    with evaluating(model):
        for images, labels in batches:
            tally = tally or Tally(images.device)
            logits = model(images)
            tally.add(negative_log_likelihood(logits, labels).mean(), logits, labels)
    assert tally is not None, "there is nothing to measure: no batches"
    return tally.result()


def compute_logits(model: nn.Module, batches: Iterable[Batch]) -> Tensor:
    """Return the logits of every image in order, (images, classes) float32 on the CPU."""
    with evaluating(model):
        return torch.cat([model(images).float().cpu() for images, _ in batches])
