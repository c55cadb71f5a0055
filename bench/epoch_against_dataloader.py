"""One epoch of the Fashion-MNIST CNN: Loupe's way against the usual way, in one run.

usage: python bench/epoch_against_dataloader.py [--rounds N] [--out FILE.json]

Both train the same network (two convolutions, two dense layers, 17,813 parameters) on the same 25,000
images of five classes with plain SGD at batch 100, then evaluate the same 5,000 validation images.
The usual way decodes a Pillow image, makes a tensor and normalises it image by image in a torch
DataLoader, and evaluates in batches as large as those it trains on. It is timed with no worker process
and with two; the ratio is against the faster of them. Rounds alternate, so that both meet the same state
of the machine.

Needs the official files: set LOUPE_DATA.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from loupe.data import EvaluationBatches, ImageDataset, Splits, TrainingBatches, load_dataset, split_dataset
from loupe.data.normalization import Normalization, measure_normalization
from loupe.models import build_model
from loupe.runtime import Streams, describe_device
from loupe.training import Classification, Training, TrainingPlan, build_optimizer, build_schedule, fit

CLASSES = ("T-shirt/top", "Trouser", "Coat", "Sandal", "Bag")
BATCH_SIZE, LEARNING_RATE = 100, 0.02


class PillowImages(TorchDataset[tuple[Tensor, int]]):
    """Images handed out one by one as Pillow images and turned into normalised tensors on the way.

    Tensor operation for tensor operation what torchvision's Fashion-MNIST dataset does with `ToTensor`
    and `Normalize`: Pillow image, array, tensor with channels first, float, divide; copy, constants as
    tensors, check of the deviation, subtract, divide. (torchvision itself is not needed to run this.)
    """

    def __init__(self, images: ImageDataset, normalization: Normalization) -> None:
        self.images, self.labels = images.images[:, 0], images.labels
        self.normalization = normalization

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self.images[index].numpy())
        return self.normalize(self.to_tensor(picture)), int(self.labels[index])

    @staticmethod
    def to_tensor(picture: Image.Image) -> Tensor:
        pixels = torch.from_numpy(np.array(picture, copy=True))
        pixels = pixels.view(picture.size[1], picture.size[0], 1).permute(2, 0, 1).contiguous()
        return pixels.to(torch.float32).div(255)

    def normalize(self, pixels: Tensor) -> Tensor:
        mean = torch.as_tensor(self.normalization.mean).view(-1, 1, 1)
        std = torch.as_tensor(self.normalization.std).view(-1, 1, 1)
        if (std == 0).any():
            raise ValueError("a deviation of zero")
        return pixels.clone().sub_(mean).div_(std)


def prepare_usual(splits: Splits, normalization: Normalization, workers: int) -> Callable[[], float]:
    """Return a function that trains and evaluates one epoch and returns the validation accuracy."""
    train = DataLoader(
        PillowImages(splits.train, normalization), batch_size=BATCH_SIZE, shuffle=True, num_workers=workers
    )
    validation = DataLoader(
        PillowImages(splits.validation, normalization), batch_size=BATCH_SIZE, num_workers=workers
    )
    model = build_network()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    criterion = nn.CrossEntropyLoss()

    def run_epoch() -> float:
        model.train()
        for images, labels in train:
            optimizer.zero_grad()
            logits = model(images)
            loss = criterion(logits, labels)
            loss.backward()
            optimizer.step()
            count(loss, logits, labels)
        model.eval()
        with torch.no_grad():
            right = 0
            for images, labels in validation:
                logits = model(images)
                right += count(criterion(logits, labels), logits, labels)
        return right / len(splits.validation)

    return run_epoch


def count(loss: Tensor, logits: Tensor, labels: Tensor) -> int:
    """Read loss and right answers of a batch, as loops that print both do."""
    loss.item()
    return int((logits.argmax(1) == labels).sum().item())


def prepare_loupe(splits: Splits, normalization: Normalization) -> Callable[[], float]:
    """Return a function that trains and evaluates one epoch and returns the validation accuracy."""
    model, streams = build_network(), Streams(0)
    train = TrainingBatches(splits.train, normalization, BATCH_SIZE, streams)
    validation = EvaluationBatches(splits.validation, normalization)
    optimizer = build_optimizer("sgd", model.parameters(), learning_rate=LEARNING_RATE, momentum=0.0)
    schedule = build_schedule("constant", num_epochs=1, steps_per_epoch=len(train))

    def run_epoch() -> float:
        plan = TrainingPlan(1, schedule, Classification())
        state = fit(Training(model, train, validation, plan, optimizer, streams))
        return state.history[-1].validation_accuracy

    return run_epoch


def build_network() -> nn.Module:
    with Streams(0).as_global("model"):
        return build_model("cnn", in_channels=1, image_size=(28, 28), num_classes=5)


def time_rounds(ways: dict[str, Callable[[], float]], rounds: int) -> Iterator[dict[str, float]]:
    """Yield the seconds of each way, round by round, after one uncounted epoch of each."""
    for run_epoch in ways.values():
        run_epoch()
    for _ in range(rounds):
        seconds = {}
        for name, run_epoch in ways.items():
            started = time.perf_counter()
            run_epoch()
            seconds[name] = time.perf_counter() - started
        yield seconds


def describe(values: list[float], unit: str = "") -> str:
    """Return the median, and the smallest and largest value."""
    return f"{statistics.median(values):.2f}{unit} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="also write the values as JSON")
    arguments = parser.parse_args()
    if not os.environ.get("LOUPE_DATA"):
        sys.exit("skipped: LOUPE_DATA does not name a folder with the official Fashion-MNIST files")
    splits = split_dataset(load_dataset("fashion-mnist", classes=CLASSES), validation=5000)
    normalization = measure_normalization(splits.train.images)
    ways = {
        "usual, no workers": prepare_usual(splits, normalization, workers=0),
        "usual, 2 workers": prepare_usual(splits, normalization, workers=2),
        "loupe": prepare_loupe(splits, normalization),
    }
    rows = list(time_rounds(ways, arguments.rounds))
    print(f"epoch of {len(splits.train):,} + {len(splits.validation):,} Fashion-MNIST images")
    print(f"{describe_device(torch.device('cpu'))}, torch {torch.__version__}, {len(rows)} rounds in turn")
    for name in ways:
        print(f"  {name:18} {describe([row[name] for row in rows], ' s')}")
    ratios = [min(row["usual, no workers"], row["usual, 2 workers"]) / row["loupe"] for row in rows]
    print(f"epoch ratio {describe(ratios)}: the faster usual way / loupe")
    if arguments.out:
        arguments.out.write_text(json.dumps({"seconds": rows, "ratios": ratios}, indent=2) + "\n")


if __name__ == "__main__":
    main()
