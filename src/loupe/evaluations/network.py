"""A trained network as evaluations ask it: for answers, for views, for features; each is computed once."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from loupe.data.batches import EvaluationBatches
from loupe.data.dataset import ImageDataset
from loupe.data.normalization import Normalization
from loupe.evaluations.test_time import Views, predict_views
from loupe.inspection.features import compute_features
from loupe.metrics.predictions import Predictions, predict
from loupe.models.layer_table import LayerTable
from loupe.runtime import Precision

_MOST_WORK_ON_CPU = 2e11  # multiply-adds of one evaluation: seconds


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network, and what has to be known to ask it.

    Args:
        model: on `device`. Evaluations find it in evaluation mode, its parameters without gradients; those of
            images can be taken.
        normalization: applied to every image.
        layers: its layers.
        device: where it computes.
        precision: what layers compute in.
        batch_size: images at once.
    """

    model: nn.Module = field(repr=False)
    normalization: Normalization
    layers: LayerTable = field(repr=False)
    device: torch.device
    precision: Precision = "float32"
    batch_size: int = 500
    _views: dict[tuple[int, Views], tuple[ImageDataset, Predictions]] = field(
        default_factory=dict, repr=False
    )

    def batches(self, images: ImageDataset) -> EvaluationBatches:
        """Return images as the network takes them, batch by batch, in their order."""
        return EvaluationBatches(images.to(self.device), self.normalization, self.batch_size)

    def predict(self, images: ImageDataset) -> Predictions:
        """Return what the network says of images."""
        return predict(self.model, self.batches(images), self.precision)

    def predict_views(self, images: ImageDataset, views: Views) -> Predictions:
        """Return what it says of several views of each image; asked again, without computing again."""
        key = id(images), views
        if key not in self._views:
            made = predict_views(self.model, self.batches(images), views, self.precision)
            self._views[key] = images, made  # the images too: no others can then have their id
        return self._views[key][1]

    def compute_features(self, images: ImageDataset) -> Iterator[Tensor]:
        """Yield what its last layer is given for each batch, (batch, features) float32 on the CPU.

        Raises:
            LoupeError: it has no such layer, or that is not given one tensor an image.
        """
        return compute_features(self.model, self.batches(images), self.layers.head, self.precision)

    def afford(self, most: int) -> int:
        """Return how many images to run through the network, at most `most`: on a CPU what takes seconds."""
        if self.device.type != "cpu":
            return most
        return max(100, min(most, int(_MOST_WORK_ON_CPU / max(1, self.layers.multiply_adds))))
