"""Lightning's Trainer over tensors in memory, without logging and checkpoints."""

import warnings
from collections.abc import Callable, Iterator

import lightning
import torch
from protocol import BATCH_SIZE, LEARNING_RATE, Data, serve
from torch import Tensor
from torch.nn import functional as F
from torch_network import build_network

Batch = tuple[Tensor, Tensor]


class Batches:
    """Batches of tensors in memory, shuffled or not: quicker than a DataLoader over single images."""

    def __init__(self, images: Tensor, labels: Tensor, batch_size: int, *, shuffled: bool) -> None:
        self.images, self.labels, self.batch_size, self.shuffled = images, labels, batch_size, shuffled

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        count = len(self.labels)
        order = torch.randperm(count) if self.shuffled else torch.arange(count)
        for indices in order.split(self.batch_size):
            yield self.images[indices], self.labels[indices]


class Classifier(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = build_network()
        self.num_correct, self.num_images = 0, 0

    def training_step(self, batch: Batch) -> Tensor:
        images, labels = batch
        return F.cross_entropy(self.network(images), labels)

    def on_validation_epoch_start(self) -> None:
        self.num_correct = self.num_images = 0

    def validation_step(self, batch: Batch) -> None:
        images, labels = batch
        self.num_correct += int((self.network(images).argmax(1) == labels).sum())
        self.num_images += len(labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=LEARNING_RATE)


def prepare(data: Data) -> Callable[[], float]:
    warnings.simplefilter("ignore")
    train = Batches(
        torch.from_numpy(data.train_images), torch.from_numpy(data.train_labels), BATCH_SIZE, shuffled=True
    )
    validation = Batches(torch.from_numpy(data.images), torch.from_numpy(data.labels), 500, shuffled=False)
    classifier = Classifier()
    trainer = lightning.Trainer(
        max_epochs=0,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )

    def run_epoch() -> float:
        trainer.fit_loop.max_epochs += 1
        trainer.fit(classifier, train, validation)
        return classifier.num_correct / classifier.num_images

    return run_epoch


if __name__ == "__main__":
    serve(prepare, "lightning", "torch")
