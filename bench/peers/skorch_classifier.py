"""skorch's NeuralNetClassifier over arrays in memory."""

from collections.abc import Callable

import torch
from protocol import BATCH_SIZE, LEARNING_RATE, Data, serve
from skorch import NeuralNetClassifier
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch_network import build_network


def prepare(data: Data) -> Callable[[], float]:
    classifier = NeuralNetClassifier(
        build_network(),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        lr=LEARNING_RATE,
        batch_size=BATCH_SIZE,
        iterator_train__shuffle=True,
        iterator_valid__batch_size=500,
        train_split=predefined_split(Dataset(data.images, data.labels)),
        verbose=0,
    )
    classifier.initialize()

    def run_epoch() -> float:
        classifier.partial_fit(data.train_images, data.train_labels)
        return float(classifier.history[-1, "valid_acc"])

    classifier.set_params(max_epochs=1)
    return run_epoch


if __name__ == "__main__":
    serve(prepare, "skorch", "torch")
