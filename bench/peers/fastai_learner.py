"""fastai's Learner over tensors in memory, with plain SGD at a constant rate."""

from collections.abc import Callable

import torch
from fastai.callback.core import Callback
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner
from fastai.metrics import accuracy
from fastai.optimizer import SGD
from protocol import BATCH_SIZE, LEARNING_RATE, NUM_CLASSES, Data, serve
from torch import nn
from torch.utils.data import TensorDataset
from torch_network import build_network


def prepare(data: Data) -> Callable[[], float]:
    train = TensorDataset(torch.from_numpy(data.train_images), torch.from_numpy(data.train_labels))
    validation = TensorDataset(torch.from_numpy(data.images), torch.from_numpy(data.labels))
    loaders = DataLoaders(
        DataLoader(train, bs=BATCH_SIZE, shuffle=True, num_workers=0),
        DataLoader(validation, bs=500, num_workers=0),
    )
    loaders.c = NUM_CLASSES
    learner = Learner(
        loaders, build_network(), loss_func=nn.CrossEntropyLoss(), opt_func=SGD, metrics=accuracy
    )
    learner.remove_cbs([one for one in learner.cbs if isinstance(one, Callback) and one.name == "progress"])

    def run_epoch() -> float:
        with learner.no_logging():
            learner.fit(1, lr=LEARNING_RATE)
        return float(learner.recorder.values[-1][-1])

    return run_epoch


if __name__ == "__main__":
    serve(prepare, "fastai", "torch")
