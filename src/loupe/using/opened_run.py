"""A run opened to be looked into again and again: its network, its data, and one question at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import RLock

import torch
from torch import Tensor, nn

from loupe.data import ImageDataset, Splits
from loupe.data.image_files import Fit, ImageSource, prepare_image
from loupe.data.normalization import Normalization
from loupe.metrics import Predictions
from loupe.models.layer_table import LayerTable, describe_layers
from loupe.recipe import Recipe
from loupe.running.recipe_data import load_run_splits
from loupe.runs import RunFolder, load_model
from loupe.runtime import choose_device
from loupe.using.classifier import Classifier, find_bit_range, find_fit, open_classifier
from loupe.using.layer_roles import LayerRoles, find_layer_roles
from loupe.using.own_images import OwnImages

_SMALL = 1e8  # multiply-adds of an image; below, threads spend more time waking each other than computing


@dataclass(frozen=True, eq=False)
class OpenedRun:
    """The best network of a run, of whatever kind, and what has to be known to look inside.

    Args:
        run: the run's folder.
        recipe: of the run.
        model: in evaluation mode, on `device`.
        device: where it computes.
        class_names: of the images it was trained on.
        normalization: applied to every image.
        in_channels: channels of its images.
        image_size: height and width of its images in pixels.
        fit: how the training images came to that size; None if they were of it.
        classifier: the same network, to be asked for classes; None if it gives images back.
        epoch: whose weights these are.
        data: where its images lie now; None where they were.
        lock: held while the network runs. Hooks and modes belong to one question at a time.
    """

    run: RunFolder
    recipe: Recipe
    model: nn.Module = field(repr=False)
    device: torch.device
    class_names: tuple[str, ...]
    normalization: Normalization
    in_channels: int
    image_size: tuple[int, int]
    fit: Fit | None
    classifier: Classifier | None
    epoch: int | None = None
    data: Path | None = None
    lock: RLock = field(default_factory=RLock, repr=False)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Have the network to oneself inside the block; a small one computes in one thread."""
        with self.lock:
            before = torch.get_num_threads()
            if self.layers.multiply_adds < _SMALL:
                torch.set_num_threads(1)
            try:
                yield
            finally:
                torch.set_num_threads(before)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of its images."""
        return self.in_channels, *self.image_size

    @cached_property
    def layers(self) -> LayerTable:
        """The network's layers."""
        with self.lock:
            return describe_layers(self.model, in_channels=self.in_channels, image_size=self.image_size)

    @cached_property
    def roles(self) -> LayerRoles:
        """Which of its layers are given the image, and which gives the answer."""
        image = torch.rand(1, *self.shape, generator=torch.Generator().manual_seed(0))
        with self.lock:
            return find_layer_roles(self.model, image.to(self.device))

    @cached_property
    def splits(self) -> Splits:
        """Its training and validation images; the test set stays locked.

        Raises:
            LoupeError: the data is gone, or not what it was.
        """
        with self.lock:
            return load_run_splits(self.run, self.data)

    @cached_property
    def own(self) -> OwnImages:
        """Its own images, by what they are."""
        known = self.classifier.own if self.classifier is not None else None
        return known or OwnImages(self.run, self.data)

    def take_data_of(self, earlier: "OpenedRun") -> None:
        """Take over the images of the same run, opened before its weights changed."""
        if "splits" in vars(earlier):
            vars(self)["splits"] = vars(earlier)["splits"]

    @property
    def validation(self) -> ImageDataset:
        """Its validation images, in the order of the stored predictions."""
        return self.splits.validation

    @cached_property
    def predictions(self) -> Predictions | None:
        """What a finished classifier says of its validation images; None if that is not on record."""
        if self.classifier is None or not self.run.predictions_file.exists():
            return None
        return self.run.read_predictions().get("validation")

    def prepare(self, image: ImageSource, fit: Fit | None = None) -> Tensor:
        """Return an image as the network takes it, (channels, height, width) uint8.

        Args:
            image: opened with Pillow, or a file by its place or opened for reading bytes.
            fit: how another size comes to the network's; as in training if left out.

        Raises:
            DataError: no image, or another size and nobody said how to change it.
        """
        return prepare_image(
            image,
            channels=self.in_channels,
            image_size=self.image_size,
            fit=fit or self.fit,
            bit_range=find_bit_range(self.recipe),
        )

    def to_inputs(self, images: Tensor) -> Tensor:
        """Return (images, channels, height, width) uint8 as the network takes it, on its device."""
        return self.normalization.apply(images.to(self.device))

    def to_pictures(self, outputs: Tensor) -> Tensor:
        """Return (images, channels, height, width) that a network gave back as uint8 pixels."""
        return (self.normalization.invert(outputs) * 255).round().to(torch.uint8).cpu()


def open_run(run: RunFolder, device: str = "auto", *, data: Path | None = None) -> OpenedRun:
    """Return a run's network, ready to be looked into.

    Args:
        run: a run with one network; while it trains, the best network so far.
        device: "auto" or a torch device name.
        data: where the run's images lie now; where they were if left out.

    Raises:
        RunError: no weights yet, or a plugin that changed since.
        LoupeError: a plugin the network comes from is gone, or the device is not there.
    """
    recipe = run.read_recipe()
    model, description = load_model(run)
    classifier = None
    if description.get("objective", "classification") == "classification":
        classifier = open_classifier(run, device, data=data)
        model = classifier.model
    chosen = classifier.device if classifier else choose_device(device)
    height, width = description["image_size"]
    return OpenedRun(
        run=run,
        recipe=recipe,
        model=model.to(chosen),
        device=chosen,
        class_names=tuple(description["class_names"]),
        normalization=Normalization.from_dict(description["normalization"]),
        in_channels=description["in_channels"],
        image_size=(height, width),
        fit=find_fit(recipe),
        classifier=classifier,
        epoch=(description.get("best") or {}).get("epoch"),
        data=data,
    )
