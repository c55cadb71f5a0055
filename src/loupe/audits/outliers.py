"""Images unlike all others, as a network sees them."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from loupe.data import ImageDataset, pick_stratified
from loupe.data.batches import EvaluationBatches
from loupe.inspection import compute_features
from loupe.runs import RunFolder
from loupe.using.nearest_neighbours import find_head
from loupe.using.opened_run import open_run

NUM_NEIGHBOURS = 10
REACH = 1.5
"""The logarithm of an outlier's distance lies so many interquartile ranges above the third quartile."""

_MOST_COMPARED = 10_000  # images each is compared with, drawn evenly from the classes
_BLOCK = 512


def measure_distances(run: RunFolder, images: ImageDataset, seed: int) -> Tensor:
    """Return how far each image is from its nearest ones, (images,) float32: mean cosine distance in [0, 2].

    The features are what the last layer of the run's network is given.

    Args:
        run: a finished run.
        images: on the CPU.
        seed: decides which images the others are compared with, where there are many.

    Raises:
        LoupeError: the network has no layer to take features from.
    """
    opened = open_run(run, "cpu")
    batches = EvaluationBatches(images, opened.normalization, batch_size=500)
    features = torch.cat(list(compute_features(opened.model, batches, find_head(opened))))
    directions = F.normalize(features, dim=1)
    known = pick_stratified(images.labels, _MOST_COMPARED, seed)
    place = torch.full((len(images),), -1)
    place[known] = torch.arange(len(known))
    count = min(NUM_NEIGHBOURS, max(1, len(known) - 1))
    found = []
    for start in range(0, len(images), _BLOCK):
        alike = directions[start : start + _BLOCK] @ directions[known].T
        own = place[start : start + _BLOCK]
        rows = (own >= 0).nonzero().flatten()
        alike[rows, own[rows]] = -torch.inf  # no image is its own neighbour
        found.append(1 - alike.topk(count, dim=1).values.mean(1))
    return torch.cat(found).clamp(0, 2)


def find_limit(distances: Tensor) -> float:
    """Return the distance above which an image is an outlier; of their logarithms, for they are skewed."""
    logs = distances.double().clamp_min(1e-6).log().sort().values
    first, third = (float(logs[int(part * (len(logs) - 1))]) for part in (0.25, 0.75))
    return math.exp(third + REACH * (third - first))
