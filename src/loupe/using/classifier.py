"""The network of a run, opened for use: images in, probabilities of classes out."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor, nn

from loupe.data.batches import Batch, limit_batch
from loupe.data.identity import digest_images, to_keys
from loupe.data.image_files import Fit, ImageSource, prepare_image
from loupe.data.normalization import Normalization
from loupe.errors import RunError, ShapeError
from loupe.evaluations.scaling import Scaling
from loupe.recipe import Recipe
from loupe.runs import RunFolder, find_single_run, load_model
from loupe.runs.scaling import read_scaling
from loupe.runtime import Precision, choose_device, choose_precision
from loupe.training.measure import compute_outputs
from loupe.using.own_images import OwnImages


@dataclass(frozen=True, eq=False)
class Classifier:
    """A trained network, and what has to be known to ask it.

    Args:
        model: best weights of the run, in evaluation mode, on `device`.
        device: where it computes.
        class_names: one name a class; the index is the column of the probabilities.
        normalization: of the training images, applied to every image.
        in_channels: channels of its images: 1 is grey, 3 colour.
        image_size: height and width of its images in pixels.
        fit: how the training images came to that size; None if they were of it, and images have to be.
        recipe_name: name of the run's recipe.
        run: the run's folder.
        precision: what layers compute in, as when the run was judged.
        batch_size: images run through the network at once, as when the run was judged.
        bit_range: bits that grey values of 16 bits use in files; None for all.
        scaling: of logits, so that probabilities are calibrated; None as the network says.
        own: the run's own images; questions about its test images are counted. None counts nothing.
    """

    model: nn.Module = field(repr=False)
    device: torch.device
    class_names: tuple[str, ...]
    normalization: Normalization
    in_channels: int
    image_size: tuple[int, int]
    fit: Fit | None
    recipe_name: str
    run: RunFolder
    precision: Precision = "float32"
    batch_size: int = 500
    bit_range: int | None = None
    own: OwnImages | None = field(default=None, repr=False)
    scaling: Scaling | None = field(default=None, repr=False)

    def prepare(self, image: ImageSource, fit: Fit | None = None) -> Tensor:
        """Return an image as the network takes it, (channels, height, width) uint8.

        Upright by its EXIF orientation, glass over white, palette and 16 bits resolved, grey or colour as
        the network's images are.

        Args:
            image: opened with Pillow, or a file by its place or opened for reading bytes.
            fit: how another size comes to the network's; as in training if left out.

        Raises:
            DataFileError: the file is no image, or damaged, or too large.
            ShapeError: another size, and nobody said how to change it.
        """
        return prepare_image(
            image,
            channels=self.in_channels,
            image_size=self.image_size,
            fit=fit or self.fit,
            bit_range=self.bit_range,
        )

    def predict(self, images: Tensor) -> Tensor:
        """Return the probability of each class, (images, classes) float32 on the CPU.

        Args:
            images: (images, channels, height, width) uint8, each as `prepare` gives it.

        Raises:
            ShapeError: other images than the network takes.
        """
        logits = self.compute_logits(images)
        if self.scaling is None:
            return logits.softmax(1)
        with torch.no_grad():
            scaled: Tensor = self.scaling(logits)
        return scaled.softmax(1)

    def compute_logits(self, images: Tensor) -> Tensor:
        """Return the logits of each class, (images, classes) float32 on the CPU; arguments as `predict`."""
        wanted = (self.in_channels, *self.image_size)
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1:] != wanted:
            raise ShapeError(
                "These are not images this network takes.",
                got=f"{images.dtype} of shape {tuple(images.shape)}",
                allowed=f"torch.uint8 of shape (images, {', '.join(map(str, wanted))})",
                next_step="stack what `prepare` gives",
            )
        if not len(images):
            return torch.zeros(0, len(self.class_names))
        if self.own is not None:
            self.own.note(to_keys(digest_images(images)))
        return compute_outputs(self.model, self._make_batches(images), self.precision)

    def _make_batches(self, images: Tensor) -> Iterator[Batch]:
        for some in images.split(self.batch_size):
            unlabelled = torch.zeros(len(some), dtype=torch.int64)
            yield Batch(self.normalization.apply(some.to(self.device)), unlabelled)


def open_classifier(
    run: str | PathLike[str], device: str = "auto", *, data: str | Path | None = None
) -> Classifier:
    """Return the network of a run, ready to be asked.

    Args:
        run: a run's folder, or its name (or how it begins) inside runs/.
        device: "auto" or a torch device name.
        data: where the run's images lie now; read only if the run keeps no record of them.

    Raises:
        RunError: no such run, no weights yet, an autoencoder, or a plugin that changed since.
        LoupeError: a plugin the network comes from is gone, or the device is not there.
    """
    folder = RunFolder(find_single_run(run))
    chosen = choose_device(device)
    recipe = folder.read_recipe()
    model, description = load_model(folder)
    if description.get("objective", "classification") != "classification":
        raise RunError(
            f"Run {folder.path.name} trained no classifier: its network gives images back.",
            got=f"model {description['model']['name']}",
            allowed="a run whose network says classes",
            next_step="`loupe list` shows the runs",
        )
    if recipe.train.channels_last is True:  # as it was judged, to the bit
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stub
    height, width = description["image_size"]
    return Classifier(
        model=model.to(chosen),
        device=chosen,
        class_names=tuple(description["class_names"]),
        normalization=Normalization.from_dict(description["normalization"]),
        in_channels=description["in_channels"],
        image_size=(height, width),
        fit=find_fit(recipe),
        recipe_name=recipe.name,
        run=folder,
        precision=choose_precision(recipe.train.precision, chosen),
        batch_size=limit_batch(recipe.evaluate.batch_size, (height, width)),
        bit_range=find_bit_range(recipe),
        own=OwnImages(folder, data),
        scaling=read_scaling(folder, len(description["class_names"])),
    )


def find_fit(recipe: Recipe) -> Fit | None:
    """Return how a recipe's images come to their size; None where they have it from the beginning."""
    fit = recipe.data.settings.get("fit")
    known: dict[object, Fit] = {"resize": "resize", "crop": "crop", "pad": "pad"}
    return known.get(fit) if isinstance(fit, str) else None  # a plugin's may mean something else


def find_bit_range(recipe: Recipe) -> int | None:
    """Return how many bits grey values of 16 bits use in a recipe's files; None for all."""
    bits = recipe.data.settings.get("bit_range")
    return bits if isinstance(bits, int) else None
