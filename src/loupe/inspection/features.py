"""Images as a network sees them: its features, the training images nearest to one, a map of many.

The features of an image are what its network's head (the last layer with parameters) is given. Images
with near features are much the same to the network, whatever their pixels.
"""

import importlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from loupe.data.batches import Batch
from loupe.errors import LoupeError
from loupe.inspection.capture import find_layer
from loupe.runtime import Precision, casting
from loupe.training.measure import evaluating

Distance = Literal["cosine", "euclidean"]
MapMethod = Literal["pca", "tsne", "umap"]


def compute_features(
    model: nn.Module, batches: Iterable[Batch], head: str, precision: Precision = "float32"
) -> Iterator[Tensor]:
    """Yield the features of each batch of images, (batch, features) float32 on the CPU.

    The network's own forward pass runs in evaluation mode; mode and weights stay as they were, and no
    hook remains.

    Args:
        model: any network.
        batches: normalised images, on the network's device.
        head: name of the layer whose input is wanted; `loupe.models.transfer.find_head` finds the last.
        precision: what the network computes in.

    Raises:
        LoupeError: there is no such layer, or it is not given one tensor an image.
    """
    for batch in batches:
        with (
            _recording_input(model, head) as inputs,
            evaluating(model),
            casting(batch.images.device, precision),
        ):
            # `forward`, not a call: a compiled network would not see the hook
            model.forward(batch.images)
        # the last call counts, if the layer is called more than once
        if not inputs or inputs[-1].ndim < 2 or len(inputs[-1]) != len(batch.images):
            raise LoupeError(
                f"The layer {head!r} has no features to show.",
                got=f"an input of shape {tuple(inputs[-1].shape)}"
                if inputs
                else "a layer that is not called",
                allowed=f"a layer that is given one tensor for each of {len(batch.images)} images",
                next_step="choose another layer",
            )
        yield inputs[-1].flatten(1).float().cpu()


@contextmanager
def _recording_input(model: nn.Module, layer: str) -> Iterator[list[Tensor]]:
    """Give a list that fills with what a layer is given while the network runs inside the block."""
    seen: list[Tensor] = []

    def note_input(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if inputs and isinstance(inputs[0], Tensor):
            seen.append(inputs[0].detach().clone())  # the layer may work in place

    handle = find_layer(model, layer).register_forward_pre_hook(note_input)
    try:
        yield seen
    finally:
        handle.remove()


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest of many images to each of some, nearest first; of equal ones the earlier.

    Args:
        indices: (images, k) int64, positions in the order of the many.
        distances: (images, k) float32, 1 - cosine of the angle, in [0, 2], or Euclidean, ≥ 0.
    """

    indices: Tensor
    distances: Tensor


def find_neighbours(
    features: Tensor, of_train: Iterable[Tensor], k: int = 3, distance: Distance = "cosine"
) -> Neighbours:
    """Return the k nearest training images of each image, exactly, by comparing it with all of them.

    Args:
        features: (images, features) float, whose neighbours are wanted.
        of_train: blocks of (some, features) float, one after the other; `compute_features` yields such
            blocks, and only one has to fit into memory.
        k: neighbours an image, ≥ 1; fewer if there are fewer training images.
        distance: features that are all 0 have no direction, and a cosine distance of 1 to everything.
    """
    wanted = features.double()
    best = torch.empty(len(wanted), 0, dtype=torch.float64)
    indices = torch.empty(len(wanted), 0, dtype=torch.int64)
    num_seen = 0
    for block in of_train:
        far = _measure_distances(wanted, block.double(), distance)
        numbers = torch.arange(num_seen, num_seen + len(block)).expand(len(wanted), -1)
        num_seen += len(block)
        best, indices = torch.cat([best, far], 1), torch.cat([indices, numbers], 1)
        order = best.argsort(stable=True, dim=1)[:, :k]  # stable: of equally near ones the earlier stays
        best, indices = best.gather(1, order), indices.gather(1, order)
    return Neighbours(indices, best.float())


def _measure_distances(features: Tensor, others: Tensor, distance: Distance) -> Tensor:
    if distance == "euclidean":
        # without the shortcut by matrix product, which leaves rounding where the distance is 0
        far: Tensor = torch.cdist(features, others, compute_mode="donot_use_mm_for_euclid_dist")
        return far
    directions, other_directions = (
        one / one.norm(dim=1, keepdim=True).clamp_min(1e-30) for one in (features, others)
    )
    cosines: Tensor = directions @ other_directions.T
    return (1 - cosines).clamp(0, 2)


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """Images as points in the plane.

    Args:
        positions: (images, 2) float32.
        variance: shares of the features' variance along the two axes, each in [0, 1]; None where axes
            mean nothing.
    """

    positions: Tensor
    variance: tuple[float, float] | None


def embed(features: Tensor, method: MapMethod = "pca", seed: int = 0) -> FeatureMap:
    """Return a map of images: near features become near points.

    Args:
        features: (images, features) float.
        method: "pca" (principal components, exact); "tsne" (van der Maaten and Hinton, 2008) and "umap"
            (McInnes et al., 2018) need scikit-learn and umap-learn.
        seed: of "tsne" and "umap"; "pca" draws nothing.

    Raises:
        LoupeError: the package is not installed, or the method is unknown.
    """
    if method == "pca":
        return _project(features)
    if method == "tsne":
        maker: Any = _find_maker("sklearn.manifold", "TSNE", "scikit-learn")
        fewest = min(30.0, max(1.0, (len(features) - 1) / 3))
        made = maker(n_components=2, random_state=seed, init="pca", perplexity=fewest)
    elif method == "umap":
        maker = _find_maker("umap", "UMAP", "umap-learn")
        made = maker(n_components=2, random_state=seed)
    else:
        raise LoupeError(
            f"There is no way to map features called {method!r}.",
            got=method,
            allowed="pca, tsne, umap",
            next_step="choose one of these",
        )
    return FeatureMap(torch.as_tensor(made.fit_transform(features.numpy())).float(), None)


def _project(features: Tensor) -> FeatureMap:
    """Return the two principal components, by the eigen-decomposition of the smaller product matrix."""
    centred = features.double() - features.double().mean(0)
    num_images, width = centred.shape
    is_wide = width > num_images  # then X Xᵀ is the smaller one, with the same eigenvalues
    product = centred @ centred.T if is_wide else centred.T @ centred
    values, vectors = torch.linalg.eigh(product)
    values, vectors = values.flip(0)[:2].clamp_min(0), vectors.flip(1)[:, :2]
    directions = centred.T @ vectors if is_wide else vectors
    directions = directions / directions.norm(dim=0).clamp_min(1e-30)
    # an eigenvector may point either way: the largest entry is to be positive, so that maps repeat
    largest = directions.gather(0, directions.abs().argmax(0, keepdim=True))
    positions = centred @ (directions * torch.where(largest < 0, -1.0, 1.0))
    total = float(centred.square().sum())
    shares = [float(value) / total if total else 0.0 for value in values]
    if positions.shape[1] < 2:  # one feature, or one image
        positions, shares = torch.cat([positions, torch.zeros(num_images, 1)], 1), [*shares, 0.0]
    return FeatureMap(positions.float(), (shares[0], shares[1]))


def _find_maker(module: str, name: str, package: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError:
        raise LoupeError(
            f"This map needs the package {package}.",
            got=f"no module {module.partition('.')[0]}",
            allowed='the method "pca", or an installed package',
            next_step=f"pip install {package}",
        ) from None
