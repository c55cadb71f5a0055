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
    """Loss and right answers, batch by batch, left on the device until the end.

    In the averages a smaller last batch weighs no more than its images.
    """

    def __init__(self, device: torch.device) -> None:
        # MPS has no float64
        dtype = torch.float32 if device.type == "mps" else torch.float64
        self._dtype = dtype
        self._losses: list[Tensor] = []
        self._sizes: list[int] = []
        self._hits: list[Tensor] = []

    def add(self, mean_loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count a batch: its mean loss (scalar), logits (batch, classes) and labels (batch,)."""
        self._losses.append(mean_loss.detach())
        self._hits.append(logits.detach().argmax(1) == labels)
        self._sizes.append(len(labels))

    @property
    def losses(self) -> Tensor:
        """The mean loss of each batch so far, (batches,), on the device."""
        return torch.stack(self._losses)

    def result(self) -> Measured:
        """Return the averages over all images counted."""
        num_images = sum(self._sizes)
        sizes = torch.tensor(self._sizes, dtype=self._dtype, device=self._losses[0].device)
        loss = (self.losses.to(self._dtype) * sizes).sum() / num_images
        return Measured(float(loss), int(torch.cat(self._hits).sum()) / num_images, num_images)


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
