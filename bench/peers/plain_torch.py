"""A plain PyTorch loop over tensors in memory; with PEER_COMPILE=1 the network is compiled."""

import os
from collections.abc import Callable

import torch
from protocol import BATCH_SIZE, LEARNING_RATE, Data, serve
from torch import nn
from torch_network import build_network


def prepare(data: Data) -> Callable[[], float]:
    images, labels = torch.from_numpy(data.train_images), torch.from_numpy(data.train_labels)
    held_out, answers = torch.from_numpy(data.images), torch.from_numpy(data.labels)
    model: nn.Module = build_network()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    criterion = nn.CrossEntropyLoss()
    network = torch.compile(model) if os.environ.get("PEER_COMPILE") else model

    def run_epoch() -> float:
        model.train()
        for indices in torch.randperm(len(images)).split(BATCH_SIZE):
            loss = criterion(network(images[indices]), labels[indices])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            predicted = torch.cat([network(batch).argmax(1) for batch in held_out.split(500)])
        return float((predicted == answers).float().mean())

    return run_epoch


if __name__ == "__main__":
    serve(prepare, "torch")
